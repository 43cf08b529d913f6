// The timeline in words, and what it looks for.
import { formatNumber } from '../../../src/report/format.ts';
import type { ApiScore } from '../backend/api.ts';
import { formatTime } from '../format.ts';
import type { Axis } from './chart.ts';

/** Where the times of scores are too close to tell them apart, as with files that were copied at once. */
export function suggestedAxis(scores: readonly ApiScore[]): Axis {
  if (scores.length < 3) return 'order';
  const crowded = scores.filter(
    ({ startMs }, i) => i > 0 && startMs - scores[i - 1].startMs < 500 * scores[i - 1].durationSeconds,
  );
  return crowded.length > scores.length / 4 ? 'order' : 'time';
}

/** A score in words. */
export function scoreText(scores: readonly ApiScore[], at: number): string {
  const { score, threshold, anomalous, learned, startMs } = scores[at];
  return `${formatTime(startMs)}: score ${formatNumber(score)}, ${anomalous ? 'not normal' : 'normal'}${learned ? ' (learned)' : ''}, threshold ${formatNumber(threshold)}; ${at + 1} of ${scores.length}`;
}

/** The next score from `at` in a direction that is not normal. */
export function nextAnomalous(scores: readonly ApiScore[], at: number, direction: 1 | -1): number | undefined {
  for (let i = at + direction; i >= 0 && i < scores.length; i += direction) if (scores[i].anomalous) return i;
  return undefined;
}

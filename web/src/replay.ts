// What a threshold would have done: over past scores and over the scores of calibration.
import type { ApiLabel, ApiMachine, ApiScore } from './backend/api.ts';

export type Replayed = {
  /** Scores that reach the threshold. */
  reached: number;
  scores: number;
  alarms: { fromMs: number; toMs: number; hashes: string[] }[];
};

/** Alarms by k of the last n scores; cleared when n in a row lie below the share of the threshold. */
export function thresholdReplay(
  scores: readonly ApiScore[],
  { k, n, clearShare }: Pick<ApiMachine['policy'], 'k' | 'n' | 'clearShare'>,
  threshold: number,
): Replayed {
  const alarms: Replayed['alarms'] = [];
  let reached = 0;
  let below = 0;
  let recent: boolean[] = [];
  let open: Replayed['alarms'][number] | undefined;
  for (const { score, startMs, durationSeconds, hash } of scores) {
    const reaches = score >= threshold;
    if (reaches) reached++;
    recent = [...recent, reaches].slice(-n);
    below = score < threshold * clearShare ? below + 1 : 0;
    if (open && below >= n) open = undefined;
    if (!open && reaches && recent.filter(Boolean).length >= k) {
      open = { fromMs: startMs, toMs: startMs, hashes: [] };
      alarms.push(open);
    }
    if (open) {
      open.toMs = startMs + 1000 * durationSeconds;
      open.hashes.push(hash);
    }
  }
  return { reached, scores: scores.length, alarms };
}

/** Alarms in which no recording is labelled as a fault: false, as far as anyone has said. */
export function falseAlarms(replayed: Replayed, labels: readonly ApiLabel[]): number {
  const faults = new Set(labels.filter(({ label, undone }) => !undone && label !== 'normal').map(({ hash }) => hash));
  return replayed.alarms.filter(({ hashes }) => !hashes.some((hash) => faults.has(hash))).length;
}

/** Share of sorted scores that reach a threshold. */
export function shareReaching(sorted: readonly number[], threshold: number): number {
  if (sorted.length === 0) return 0;
  const first = sorted.findIndex((score) => score >= threshold);
  return first < 0 ? 0 : (sorted.length - first) / sorted.length;
}

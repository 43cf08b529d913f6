// The last scores of a machine, small; what it shows stands in words beside it.
import type { ApiScore } from '../backend/api.ts';

const [WIDTH, HEIGHT] = [240, 44];
/** Higher than this share of the threshold is drawn at the upper edge. */
const ROOM = 0.12;

/** Heights 0..1 on a logarithmic scale that holds all scores and the threshold. */
export function levels(scores: readonly number[], threshold: number): { heights: number[]; limit: number } {
  const positive = [...scores, threshold].filter((value) => value > 0 && Number.isFinite(value));
  if (positive.length === 0) return { heights: scores.map(() => 0), limit: 1 };
  const [low, high] = [Math.log(Math.min(...positive)), Math.log(Math.max(...positive))];
  const span = Math.max(high - low, 0.2);
  const place = (value: number): number =>
    value > 0 && Number.isFinite(value) ? ROOM + ((Math.log(value) - low) / span) * (1 - 2 * ROOM) : 0;
  return { heights: scores.map(place), limit: place(threshold) };
}

export function Sparkline({ scores, threshold }: { scores: readonly ApiScore[]; threshold: number }) {
  const { heights, limit } = levels(
    scores.map(({ score }) => score),
    threshold,
  );
  const x = (i: number): number => (scores.length === 1 ? WIDTH / 2 : 3 + (i / (scores.length - 1)) * (WIDTH - 6));
  const y = (height: number): number => Math.round(10 * HEIGHT * (1 - height)) / 10;
  const line = heights.map((height, i) => `${i === 0 ? 'M' : 'L'}${x(i).toFixed(1)} ${y(height)}`).join('');
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="limit" d={`M0 ${y(limit)}H${WIDTH}`} />
      <path class="course" d={line} />
      {scores.map(({ anomalous, hash, index }, i) =>
        anomalous ? (
          <path key={`${hash}-${index}`} class="beyond" d={`M${x(i).toFixed(1)} ${y(heights[i])}v.01`} />
        ) : null,
      )}
    </svg>
  );
}

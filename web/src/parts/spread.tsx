// How scores spread: those of calibration above, those of the past below, the threshold across both.
import type { ApiScore } from '../backend/api.ts';

const [WIDTH, HALF] = [600, 46];
const BINS = 48;

/** Counts in equal steps of the logarithm between `low` and `high`. */
export function histogram(values: readonly number[], low: number, high: number, bins = BINS): number[] {
  const counts = new Array<number>(bins).fill(0);
  const span = Math.log(high / low);
  for (const value of values) {
    if (!(value > 0) || !(span > 0)) continue;
    const bin = Math.floor((Math.log(value / low) / span) * bins);
    counts[Math.min(bins - 1, Math.max(0, bin))]++;
  }
  return counts;
}

type Props = {
  calibration: readonly number[];
  scores: readonly ApiScore[];
  threshold: number;
  shown: number;
  low: number;
  high: number;
};

export function Spread({ calibration, scores, threshold, shown, low, high }: Props) {
  const x = (value: number): number => (WIDTH * Math.log(value / low)) / Math.log(high / low);
  const bars = (values: readonly number[], up: boolean) => {
    const counts = histogram(values, low, high);
    const most = Math.max(1, ...counts);
    return counts.map((count, bin) => {
      // One among thousands is still seen.
      const height = count === 0 ? 0 : Math.max(2.5, (HALF - 6) * Math.sqrt(count / most));
      const middle = low * (high / low) ** ((bin + 0.5) / BINS);
      return (
        <rect
          key={bin}
          class={middle >= shown ? 'beyond' : 'within'}
          x={(bin * WIDTH) / BINS + 0.8}
          width={WIDTH / BINS - 1.6}
          y={up ? HALF - height : HALF + 2}
          height={height}
        />
      );
    });
  };
  return (
    <figure class="spread">
      <svg viewBox={`0 0 ${WIDTH} ${2 * HALF + 2}`} preserveAspectRatio="none" aria-hidden="true">
        {bars(calibration, true)}
        <g class="past">
          {bars(
            scores.map(({ score }) => score),
            false,
          )}
        </g>
        <path class="base" d={`M0 ${HALF + 1}H${WIDTH}`} />
        {shown !== threshold && <path class="before" d={`M${x(threshold)} 0V${2 * HALF + 2}`} />}
        <path class="limit" d={`M${x(shown)} 0V${2 * HALF + 2}`} />
      </svg>
      <figcaption>
        <span>above: normal scores of calibration</span>
        <span>below: scores of the past</span>
      </figcaption>
    </figure>
  );
}

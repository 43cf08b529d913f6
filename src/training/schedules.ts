// Numbers that change over a training run. Steps count from 1.

export type CosineSchedule = {
  peak: number;
  /** Value at the end. */
  floor: number;
  warmUpSteps: number;
  steps: number;
};

/** Linear from 0 to `peak` over the warm-up, then half a cosine down to `floor` (Loshchilov & Hutter 2017). */
export function cosineSchedule({ peak, floor, warmUpSteps, steps }: CosineSchedule, step: number): number {
  if (step < warmUpSteps) return (peak * step) / warmUpSteps;
  const progress = Math.min(1, (step - warmUpSteps) / Math.max(1, steps - warmUpSteps));
  return floor + (peak - floor) * 0.5 * (1 + Math.cos(Math.PI * progress));
}

export type LinearSchedule = { from: number; to: number; steps: number };

/** Linear from `from` (before the first step) to `to` (from `steps` on), as the teacher's decay moves. */
export const linearSchedule = ({ from, to, steps }: LinearSchedule, step: number): number =>
  step >= steps ? to : from + ((to - from) * step) / steps;

/** A value that steps down: of those whose step is reached, the last. */
export const stepDown = (levels: readonly { from: number; value: number }[], step: number): number =>
  levels.reduce((value, level) => (step >= level.from ? level.value : value), levels[0].value);

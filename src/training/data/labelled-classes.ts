// The classes of labelled items: their labels, and speeds of these where they count as classes of their own.
import type { LabelledItem, SpeedSettings } from './labelled-types.ts';

export type LabelledClasses = {
  /** Sorted by label, speeds of one in the order given: `fan_00_W`, `fan_00_W x0.9`. */
  names: readonly string[];
  /** The number in `names` of a label at a speed (its number among the factors). */
  indexOf(label: string, speed: number): number;
};

/** Classes that the labels of items make, the same for any order of items. */
export function labelledClasses(
  items: readonly Pick<LabelledItem, 'label'>[],
  speeds?: Pick<SpeedSettings, 'factors' | 'ownClass'>,
): LabelledClasses {
  const labels = [...new Set(items.map(({ label }) => label))].sort();
  const places = new Map(labels.map((label, i) => [label, i]));
  const factors = speeds?.ownClass ? speeds.factors : [1];
  return {
    names: labels.flatMap((label) => factors.map((factor) => (factor === 1 ? label : `${label} x${factor}`))),
    indexOf: (label, speed) => (places.get(label) ?? -1) * factors.length + (speeds?.ownClass ? speed : 0),
  };
}

// What the logits of a classifier mean.
import type { Labels } from './types.ts';

/** Probabilities in the order of the labels: a softmax, or a sigmoid for each where a recording may have several. */
export function labelProbabilities(logits: Float32Array, { several }: Pick<Labels, 'several'>): number[] {
  if (several) return Array.from(logits, (value) => 1 / (1 + Math.exp(-value)));
  const largest = logits.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const powers = Array.from(logits, (value) => Math.exp(value - largest));
  const total = powers.reduce((sum, value) => sum + value, 0);
  return powers.map((power) => power / total);
}

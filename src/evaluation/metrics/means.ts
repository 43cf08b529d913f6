// Means over figures: arithmetic, and harmonic with the clamp of the DCASE evaluators.
import { mean } from '../../signal/average.ts';
import { InputError } from '../../signal/errors.ts';
import { type Measured, measured, undefinedBecause } from './measured.ts';

function check(caller: string, values: readonly number[]): void {
  for (const [i, value] of values.entries()) {
    if (!Number.isFinite(value)) throw new InputError(`${caller}: expected finite values, got ${value} at index ${i}`);
  }
}

/**
 * Sum over number. Undefined for no values.
 * @throws InputError if a value is not finite.
 */
export function arithmeticMean(values: readonly number[]): Measured {
  check('arithmeticMean', values);
  if (values.length === 0) return undefinedBecause('mean of no values');
  return measured(mean(values));
}

/**
 * n / Σ 1/max(v, ε): the overall score of DCASE task 2 (2021 and later). The clamp at ε = 2.22e-16, the spacing of float64
 * at 1, keeps one figure of 0 from being a division by 0; the mean is then close to 0. Undefined for no values.
 * @throws InputError if a value is negative or not finite.
 */
export function harmonicMean(values: readonly number[]): Measured {
  check('harmonicMean', values);
  const negative = values.find((value) => value < 0);
  if (negative !== undefined) throw new InputError(`harmonicMean: expected values of at least 0, got ${negative}`);
  if (values.length === 0) return undefinedBecause('mean of no values');
  return measured(values.length / values.reduce((sum, value) => sum + 1 / Math.max(value, Number.EPSILON), 0));
}

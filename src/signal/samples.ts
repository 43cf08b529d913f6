// What every transform of samples shares: float32 in gives float32 out, float64 in gives float64 out; no NaN passes.
import { InputError } from './errors.ts';

/** Samples or values in either precision. The arithmetic in between is float64. */
export type Samples = Float32Array | Float64Array;

/** A zeroed array of the same precision as `like`. */
export const zerosLike = <S extends Samples>(like: S, length: number): S =>
  (like instanceof Float64Array ? new Float64Array(length) : new Float32Array(length)) as S;

/**
 * Mean of the samples, 0 for none; the check that all are finite comes with it.
 * @param caller the public function, for the error message
 * @throws InputError naming the first sample that is NaN or infinite.
 */
export const finiteMean = (caller: string, signal: Samples): number => {
  let sum = 0;
  for (let i = 0; i < signal.length; i++) sum += signal[i];
  if (Number.isFinite(sum)) return signal.length === 0 ? 0 : sum / signal.length;
  const at = signal.findIndex((value: number) => !Number.isFinite(value));
  throw new InputError(
    `${caller}: expected finite samples, got ${signal[at]} at sample ${at}; repair or cut the recording`,
  );
};

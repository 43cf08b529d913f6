// Mean and deviation of a student's pictures, by which they are normalised.
import { InputError } from '../signal/errors.ts';

/** So many digits are enough, and look like settings. */
const DIGITS = 6;

/**
 * Mean and deviation over all values of some pictures, to six digits.
 * @throws InputError for pictures that are all one value, or none
 */
export async function pictureStatistics(
  batches: AsyncIterable<Float32Array>,
): Promise<{ mean: number; deviation: number }> {
  let [count, sum, squares] = [0, 0, 0];
  for await (const values of batches) {
    count += values.length;
    for (const value of values) {
      sum += value;
      squares += value * value;
    }
  }
  const mean = sum / count;
  const deviation = Math.sqrt(squares / count - mean ** 2);
  if (!(deviation > 0)) {
    throw new InputError(
      `distill: expected pictures of sounds, found ${count} values that are all alike; look at the recordings`,
    );
  }
  return { mean: Number(mean.toPrecision(DIGITS)), deviation: Number(deviation.toPrecision(DIGITS)) };
}

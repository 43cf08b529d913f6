// Parameters before the first step.
import { createRandom } from '../signal/simulate/random.ts';

/**
 * Initial values as EAT sets them: matrices normal with deviation 0.02 (`glorot`: sqrt(2 / (in + out)), with which an
 * encoder tells its inputs apart from the start), convolutions and patch embeddings uniform in
 * ±sqrt(6 / (in + out)) over the flattened kernel (Glorot & Bengio 2010), CLS tokens normal with deviation 1 (0.02 in
 * ECHO, whose positions reach CLS too), gains and running variances 1, biases 0. Deterministic by seed and name.
 */
export function initialParameters(
  shapes: ReadonlyMap<string, readonly number[]>,
  seed: number,
  tokenDeviation: number,
  matrices: 'normal' | 'glorot' = 'normal',
): Map<string, Float32Array> {
  const random = createRandom(seed);
  const parameters = new Map<string, Float32Array>();
  for (const [name, shape] of shapes) {
    const size = shape.reduce((product, dim) => product * dim, 1);
    const stream = random.fork(name);
    const values = new Float32Array(size);
    if (/token/.test(name)) for (let i = 0; i < size; i++) values[i] = stream.gaussian(0, tokenDeviation);
    else if (shape.length > 2) {
      const limit = Math.sqrt(6 / (shape[0] + size / shape[0]));
      for (let i = 0; i < size; i++) values[i] = stream.uniform(-limit, limit);
    } else if (shape.length === 2 && matrices === 'glorot') {
      const deviation = Math.sqrt(2 / (shape[0] + shape[1]));
      for (let i = 0; i < size; i++) values[i] = stream.gaussian(0, deviation);
    } else if (shape.length === 2) for (let i = 0; i < size; i++) values[i] = stream.gaussian(0, 0.02);
    else if (/weight$|running_var$/.test(name)) values.fill(1);
    parameters.set(name, values);
  }
  return parameters;
}

// A model of random numbers, for tests: every tensor matters, and none is 0 or 1.
import type { StoredTensor } from '../graph/stored-tensor.ts';
import type { Tensor } from '../graph/tensor.ts';
import { parametersOf } from '../nn/parameters.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { elementCount } from '../signal/typed-view.ts';

/** A tensor for every parameter of a graph: normal with deviation 0.2, the gains of norms around 1. */
export function randomModel(outputs: Record<string, Tensor>, seed = 1): Map<string, StoredTensor> {
  const random = createRandom(seed);
  return new Map(
    Array.from(parametersOf(Object.values(outputs)), ([name, shape]) => {
      const centre = /norm\d?\.weight$/.test(name) ? 1 : 0;
      const data = Float32Array.from({ length: elementCount(shape) }, () => random.gaussian(centre, 0.2));
      return [name, { dtype: 'F32', shape: [...shape], data }];
    }),
  );
}

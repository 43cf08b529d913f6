// The gradient of a trunk in float64, against central differences along one direction through all of its parameters.
import { evaluate, type OracleFeed } from '../../tests/graph-oracle/evaluate.ts';
import { sizeOf } from '../../tests/graph-oracle/value.ts';
import { add, mul } from '../graph/elementwise.ts';
import { gradients } from '../graph/gradients.ts';
import { reduceSum } from '../graph/reshape.ts';
import { constant } from '../graph/tensor.ts';
import { createScope, parametersOf } from '../nn/parameters.ts';
import { createRandom } from '../signal/simulate/random.ts';
import type { Trunk } from './trunk.ts';

const STEP = 1e-5;

/**
 * Slope of a random sum over all hidden states by the gradient graph and by central differences, for crops of random
 * numbers. `fixed` are parameters that no gradient reaches.
 */
export function trunkSlopes(
  trunk: Trunk,
  samples: number,
  fixed: readonly string[] = [],
): { byGradient: number; byDifference: number; fixedGradients: number[] } {
  const random = createRandom('trunk');
  const sampleRate = trunk.sampleRate as number;
  const crops = [0, 1].map(() => Float32Array.from({ length: samples }, () => random.gaussian(0, 0.1)));
  const features = crops.map((crop) => trunk.features(crop, sampleRate));
  const scope = createScope();
  const { states } = trunk.graph(scope, { count: crops.length, samples, sampleRate }, { fusedAttention: false });
  const weighted = states.map((state) => {
    const size = sizeOf(state.shape as number[]);
    const weights = Array.from({ length: size }, () => random.gaussian(0, 1));
    return reduceSum(mul(state, constant(weights, state.shape as number[])));
  });
  const loss = weighted.reduce((sum, one) => add(sum, one));
  const shapes = [...parametersOf([loss])];
  const values = (deviation: number) =>
    new Map(
      shapes.map(([name, shape]): [string, Float64Array] => [
        name,
        Float64Array.from({ length: sizeOf(shape) }, () => random.gaussian(0, deviation)),
      ]),
    );
  const [weights, directions] = [values(0.4), values(1)];
  for (const name of fixed) directions.get(name)?.fill(0);
  const feedsAt = (step: number) =>
    new Map<string, OracleFeed>([
      ...Object.entries(trunk.feeds(features, sampleRate)).map(([name, value]): [string, OracleFeed] => [
        name,
        { shape: value.shape, data: value.data as Float32Array },
      ]),
      ...shapes.map(([name, shape]): [string, OracleFeed] => {
        const direction = directions.get(name) as Float64Array;
        return [name, { shape, data: (weights.get(name) as Float64Array).map((w, i) => w + step * direction[i]) }];
      }),
    ]);
  const lossAt = (step: number) => evaluate([loss], feedsAt(step))[0].data[0];
  const found = evaluate(
    gradients(
      loss,
      shapes.map(([name, shape]) => scope(name, shape)),
    ),
    feedsAt(0),
  );
  const byGradient = shapes.reduce((sum, [name], p) => {
    const direction = directions.get(name) as Float64Array;
    return sum + found[p].data.reduce((own, g, i) => own + g * direction[i], 0);
  }, 0);
  const fixedGradients = fixed.flatMap((name) => [...found[shapes.findIndex(([own]) => own === name)].data]);
  return { byGradient, byDifference: (lossAt(STEP) - lossAt(-STEP)) / (2 * STEP), fixedGradients };
}

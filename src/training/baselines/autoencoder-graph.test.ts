import { describe, expect, it } from 'vitest';
import { checkLossGradients } from '../../../tests/check-loss-gradients.ts';
import { floats, floats32, type GoldenTensor, hasGolden, maxDifference, readGolden } from '../../../tests/golden.ts';
import { runGraph } from '../../../tests/run-graph.ts';
import { createSelectiveMahalanobis, selectiveMahalanobisScore } from '../../detection/selective-mahalanobis.ts';
import { float32 } from '../../graph/runtime.ts';
import type { StoredTensor } from '../../graph/stored-tensor.ts';
import { isRunningAverage } from '../../nn/batch-norm.ts';
import { parameterCount, parametersOf } from '../../nn/parameters.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { createAutoencoderScorer } from './autoencoder.ts';
import { autoencoderScoring, autoencoderTraining, INPUTS } from './autoencoder-graph.ts';
import { MELS } from './windows.ts';

/** The network's own tensors of a file: neither covariances nor inputs and outputs. */
const weightsOf = (golden: Map<string, GoldenTensor>) =>
  new Map([...golden].filter(([name]) => /^(encoder|decoder)\./.test(name)));

const relative = (found: number, wanted: number) => Math.abs(found / wanted - 1);

// Other people's weights: they lie beside the project only.
describe.skipIf(!hasGolden('ae_real'))('trained weights of the official baseline (ae_real)', () => {
  const machines = ['fan', 'grinder'];
  const read = (machine: string) => {
    const golden = readGolden(`ae_real/${machine}.safetensors`);
    const covariance = (name: string) => Float64Array.from(floats(golden, name));
    return {
      golden,
      weights: weightsOf(golden),
      covariances: { mels: MELS, source: covariance('cov_source'), target: covariance('cov_target') },
      source: floats(golden, 'io.maha_source_f64')[0],
      target: floats(golden, 'io.maha_target_f64')[0],
    };
  };

  it.each(machines)('have our names and shapes: %s', (machine) => {
    const own = parametersOf(Object.values(autoencoderScoring()));
    const theirs = Array.from(read(machine).weights, ([name, { shape }]) => [name, shape]);
    expect([...own].sort()).toEqual(theirs.sort());
  });

  it.each(machines)('give the code and the reconstruction: %s', async (machine) => {
    const { golden, weights } = read(machine);
    const x = floats32(golden, 'io.x');
    const feeds = { x: float32(x, [x.length / INPUTS, INPUTS]) };
    const found = await runGraph(autoencoderScoring(), weights as Map<string, StoredTensor>, feeds);
    expect(maxDifference(found.code, floats(golden, 'io.z'))).toBeLessThan(1e-5);
    expect(maxDifference(found.reconstruction, floats(golden, 'io.recon'))).toBeLessThan(1e-4);
  });

  it.each(machines)('give the scores: %s', async (machine) => {
    const { golden, weights, covariances, source, target } = read(machine);
    const scorer = await createAutoencoderScorer({
      sampleRate: 16000,
      padding: 'constant',
      parameters: new Map(Array.from(weights.keys(), (name) => [name, floats32(golden, name)])),
      covariances,
      thresholds: { mse: 0, mahalanobis: { official: 0, conventional: 0 } },
    });
    const { mse, mahalanobis } = await scorer.scoreWindows(floats32(golden, 'io.x'));
    await scorer.release();
    expect(relative(mse, floats(golden, 'io.mse')[0])).toBeLessThan(1e-6);
    expect(relative(mahalanobis.official, Math.min(source, target))).toBeLessThan(1e-6);
  });

  it.each(machines)('give both distances from their own reconstruction: %s', (machine) => {
    const { golden, covariances, source, target } = read(machine);
    const [x, reconstruction] = [floats32(golden, 'io.x'), floats32(golden, 'io.recon')];
    const residual = x.map((value, i) => value - reconstruction[i]);
    const found = selectiveMahalanobisScore(createSelectiveMahalanobis(covariances), [residual], 'official');
    expect(relative(found.source, source)).toBeLessThan(1e-6);
    expect(relative(found.target, target)).toBeLessThan(1e-6);
  });
});

describe('autoencoder', () => {
  it('has 267,928 parameters', () => {
    const { loss, buffers } = autoencoderTraining();
    const shapes = parametersOf([loss]);
    expect(parameterCount(shapes)).toBe(267_928);
    const scored = [...parametersOf([autoencoderScoring().reconstruction]).keys()];
    expect([...shapes.keys(), ...(buffers?.keys() ?? [])].sort()).toEqual(scored.sort());
    expect([...(buffers?.keys() ?? [])].every(isRunningAverage)).toBe(true);
  });

  it('has right gradients in training, batch normalisation included', () => {
    const { loss } = autoencoderTraining();
    const random = createRandom('autoencoder');
    const draw = (size: number, deviation: number) =>
      Float64Array.from({ length: size }, () => Math.fround(random.gaussian(0, deviation)));
    const values = new Map(
      Array.from(parametersOf([loss]), ([name, shape]) => {
        const size = shape.reduce((a, b) => a * b, 1);
        return [name, { shape, data: draw(size, shape.length === 2 ? Math.sqrt(2 / shape[1]) : 1) }];
      }),
    );
    values.set('x', { shape: [3, INPUTS], data: draw(3 * INPUTS, 1) });
    checkLossGradients(loss, values);
  });
});

import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { toOnnx } from '../graph/onnx.ts';
import { loadProgram } from '../graph/program.ts';
import { toFloat32 } from '../graph/stored-tensor.ts';
import type { Dim } from '../graph/tensor.ts';
import { createScope, parametersOf } from '../nn/parameters.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { buildEncoder, randomWeights } from './build.ts';
import { families } from './families.ts';
import type { Architecture, StateDict } from './family.ts';
import type { Trunk } from './trunk.ts';

const RATE = 12_000;
const samples = 7000;

const noise = (seed: number): Float32Array => {
  const random = createRandom(seed);
  return Float32Array.from({ length: samples }, (_, i) => random.gaussian(0, 0.1) + Math.sin(0.01 * seed * i));
};

const tiny = (name: string): Architecture =>
  (families.find((family) => family.name === name) as (typeof families)[number]).sizes.tiny;

/** Hidden states of crops, with `count` as a number or open. */
async function hear(trunk: Trunk, weights: StateDict, crops: readonly Float32Array[], rate: number, count: Dim) {
  const { states, cls } = trunk.graph(createScope(), { count, samples, sampleRate: rate });
  const outputs = { first: states[0], last: states[states.length - 1] };
  const constants = new Map(
    Array.from(parametersOf(Object.values(outputs)).keys(), (name) => [
      name,
      toFloat32(weights.get(name) as NonNullable<ReturnType<StateDict['get']>>),
    ]),
  );
  const program = await loadProgram(toOnnx({ outputs, constants }).bytes);
  const features = crops.map((crop) => trunk.features(crop, rate));
  const { last } = await program.run(trunk.feeds(features, rate));
  await program.release();
  return { states, cls, last: last.data as Float32Array, shape: last.shape };
}

/** Mean 0 and variance 1, as the last norm of ECHO makes them with random weights. */
function standardised(values: Float32Array): Float32Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return values.map((value) => (value - mean) / Math.sqrt(variance + 1e-6));
}

describe.each([
  { name: 'echo', rate: RATE },
  { name: 'fisher', rate: RATE },
  { name: 'eat', rate: 16_000 },
])('the trunk of $name', ({ name, rate }) => {
  const architecture = tiny(name);
  const weights = randomWeights(architecture, 1);
  const trunk = architecture.trunk?.(weights) as Trunk;
  const crops = [noise(1), noise(2)];

  it('ends in the CLS of which the embedding is made, for a number of crops that is known or open', async () => {
    const encoder = await buildEncoder(name, architecture, weights);
    const embeddings = await encoder.embedMany(
      crops.map((crop) => ({ channels: [crop], sampleRate: rate, name: 'crop' })),
    );
    await encoder.release();
    for (const count of [2, 'crops'] as const) {
      const { states, cls, last, shape } = await hear(trunk, weights, crops, rate, count);
      expect(states).toHaveLength(trunk.states);
      const [rows, tokens, width] = shape;
      expect([rows, width]).toEqual([2, trunk.width]);
      expect(states[0].shape.slice(1)).toEqual([tokens, width]);
      for (const [c, { vector }] of embeddings.entries()) {
        expect(vector).toHaveLength(cls * width);
        for (let b = 0; b < cls; b++) {
          const own = last.slice((c * tokens + b) * width, (c * tokens + b + 1) * width);
          const heard = name === 'echo' ? standardised(own) : own;
          expect(maxDifference(heard, vector.subarray(b * width, (b + 1) * width))).toBeLessThan(2e-5);
        }
      }
    }
  });

  it('hears the shortest crop, and says what a shorter one lacks', () => {
    const least = trunk.leastSamples(rate);
    expect(trunk.feeds([trunk.features(noise(3).slice(0, least), rate)], rate).patches.shape[1]).toBeGreaterThan(0);
    if (name !== 'fisher') expect(() => trunk.features(noise(3).slice(0, least - 1), rate)).toThrow(/expected|short/);
  });
});

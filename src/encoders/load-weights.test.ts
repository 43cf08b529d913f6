import { expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { float32 } from '../graph/runtime.ts';
import { toFloat32 } from '../graph/stored-tensor.ts';
import { createScope, parametersOf } from '../nn/parameters.ts';
import { randomWeights } from './build.ts';
import { dasheng } from './dasheng.ts';
import { loadWithWeights } from './load-weights.ts';

import { melVitArchitecture } from './mel-vit-family.ts';
import { noise } from './sounds.test-util.ts';

it.each([
  Number.POSITIVE_INFINITY,
  100_000,
  20_000,
  0,
])('gives the same with %d bytes in the model', async (largest) => {
  const architecture = melVitArchitecture(dasheng, { width: 32, depth: 2, heads: 2, columns: 25, targetLength: 100 });
  const weights = new Map(Array.from(randomWeights(architecture, 1), ([name, stored]) => [name, toFloat32(stored)]));
  const feeds = { patches: float32(noise(2 * 7 * 256, 'patches', 1), [2, 7, 256]) };
  const run = async (limit?: number) => {
    const program = await loadWithWeights(architecture.graph(createScope()), weights, 'x', {}, limit);
    const { cls } = await program.run(feeds);
    const needsWeights = await program.run({}).catch((error: Error) => error.message);
    await program.release();
    return { cls: cls.data as Float32Array, needsWeights };
  };
  const [found, expected] = [await run(largest), await run()];
  expect(expected.cls.every(Number.isFinite)).toBe(true);
  expect(maxDifference(found.cls, expected.cls)).toBeLessThan(1e-5);
  // Only the sound is missing, never a weight.
  expect(found.needsWeights).toMatch(/patches/);
  expect(parametersOf(Object.values(architecture.graph(createScope()))).size).toBeGreaterThan(20);
});

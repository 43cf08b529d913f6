import { describe, expect, it } from 'vitest';
import { runGraph } from '../../tests/run-graph.ts';
import { gelu } from '../graph/activation.ts';
import { conv } from '../graph/conv.ts';
import { add } from '../graph/elementwise.ts';
import { gradients } from '../graph/gradients.ts';
import { layerNorm } from '../graph/normalization.ts';
import { reduceSum, reshape, transpose } from '../graph/reshape.ts';
import { float32 } from '../graph/runtime.ts';
import { input, type Tensor } from '../graph/tensor.ts';
import { createScope, parametersOf } from '../nn/parameters.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { distillationTargets, gridDecoder } from './self-distillation.ts';

const random = createRandom(4);
const gaussian = (count: number) => Float32Array.from({ length: count }, () => random.gaussian());

describe('gridDecoder', () => {
  it('is the same on a line by one matrix product as by a grouped convolution, gradients too', async () => {
    const [count, length, width, groups] = [3, 5, 12, 4];
    const x = input('x', [count, length, width]);
    const own = createScope();
    const byProduct = gridDecoder(own, { layers: 2, kernel: 3, groups, prefix: 'd' }, x, [length, 1]);
    let grid: Tensor = reshape(x, [count, length, 1, width]);
    for (let i = 0; i < 2; i++) {
      const weight = own(`d.blocks.${i}.0.weight`, [width, width / groups, 3, 1]);
      const mixed = conv(transpose(grid, [0, 3, 1, 2]), weight, own(`d.blocks.${i}.0.bias`, [width]), {
        padding: [1, 0],
        groups,
      });
      grid = add(grid, gelu(layerNorm(transpose(mixed, [0, 2, 3, 1]), undefined, undefined, 1e-5)));
    }
    const shapes = parametersOf([byProduct]);
    const weights = new Map(
      Array.from(shapes, ([name, shape]) => {
        const data = gaussian(shape.reduce((product, dim) => product * dim, 1));
        return [name, { dtype: 'F32' as const, shape: [...shape], data }];
      }),
    );
    const identity = Float32Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 1 : 0));
    weights.set('d.proj.weight', { dtype: 'F32', shape: [width, width], data: identity });
    weights.set('d.proj.bias', { dtype: 'F32', shape: [width], data: new Float32Array(width) });
    const kernel = own('d.blocks.0.0.weight', [width, width / groups, 3, 1]);
    const reference = reshape(grid, [count, length, width]);
    const found = await runGraph(
      {
        byProduct,
        reference,
        gradient: gradients(reduceSum(byProduct), [kernel])[0],
        referenceGradient: gradients(reduceSum(reference), [kernel])[0],
      },
      weights,
      { x: float32(gaussian(count * length * width), [count, length, width]) },
    );
    for (const [a, b] of [
      [found.byProduct, found.reference],
      [found.gradient, found.referenceGradient],
    ]) {
      const largest = Math.max(...b.map(Math.abs));
      for (let i = 0; i < b.length; i++) expect(Math.abs(a[i] - b[i])).toBeLessThan(1e-5 * largest);
    }
  });
});

describe('distillationTargets', () => {
  const layer = input('layer', [2, 4, 3]);
  const values = gaussian(24);
  const targets = (norm: 'sequence' | 'batch') =>
    runGraph({ targets: distillationTargets([layer], norm) }, new Map(), { layer: float32(values, [2, 4, 3]) });

  it('leaves CLS out and normalises over channels at the end', async () => {
    const { targets: found } = await targets('sequence');
    expect(found).toHaveLength(2 * 3 * 3);
    for (let token = 0; token < 6; token++) {
      const mean = (found[token * 3] + found[token * 3 + 1] + found[token * 3 + 2]) / 3;
      expect(Math.abs(mean)).toBeLessThan(1e-5);
    }
  });

  it('keeps what tells whole sequences apart only where it is standardised over the batch', async () => {
    // A stationary signal: every token of a sequence is the same.
    for (let token = 0; token < 8; token++) {
      for (let d = 0; d < 3; d++) values[token * 3 + d] = token < 4 ? [1, 5, 2][d] : [4, 0, 3][d];
    }
    const spread = ({ targets: found }: Record<string, Float32Array>) => Math.abs(found[0] - found[9]);
    expect(spread(await targets('sequence'))).toBeLessThan(1e-3);
    expect(spread(await targets('batch'))).toBeGreaterThan(1);
  });
});

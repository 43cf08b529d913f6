// Fake quantisation against PyTorch's observers and rounding (tests/golden/asc), and its gradients.
import { describe, expect, it } from 'vitest';
import { floats, floats32, maxDifference, readGolden } from '../../tests/golden.ts';
import { evaluate } from '../../tests/graph-oracle/evaluate.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { mul } from '../graph/elementwise.ts';
import { gradients, topologicalOrder } from '../graph/gradients.ts';
import { reduceSum } from '../graph/reshape.ts';
import { float32 } from '../graph/runtime.ts';
import { constant, input, type Tensor } from '../graph/tensor.ts';
import { InputError } from '../signal/errors.ts';
import {
  fakeQuantActivations,
  fakeQuantGrid,
  fakeQuantize,
  fakeQuantWeights,
  isRange,
  observedRange,
  rangeName,
  type WeightGrid,
} from './fake-quant.ts';
import { layerOutputs } from './layer-graph.ts';
import { createScope, parametersOf } from './parameters.ts';
import { planBuilder } from './plan-builder.ts';

const golden = readGolden('asc/data.safetensors');
const of = (name: string) => floats32(golden, `fq.${name}`);

/** One output and the gradient of its sum weighted by `seed`, for x of a shape. */
async function ran(x: Float32Array, shape: readonly number[], build: (x: Tensor) => Tensor) {
  const own = input('x', shape);
  const output = build(own);
  const seed = Float32Array.from(x, (_, i) => 1 + i / 8);
  const [gradient] = gradients(reduceSum(mul(output, constant(seed, shape))), [own]);
  const found = await runGraph({ output }, new Map(), { x: float32(x, shape) });
  const derived = evaluate([gradient], new Map([['x', { shape, data: x }]]))[0].data;
  return { output: found.output, factors: Array.from(derived, (value, i) => value / seed[i]) };
}

describe('fakeQuantWeights', () => {
  it.each([
    ['channel', 'w', 'fake127', [5, 3, 3, 3]],
    ['paper', 'eq18.w', 'eq18.proposed', [3, 3, 3]],
    ['paper-literal', 'eq18.w', 'eq18.literal', [3, 3, 3]],
  ] as const)('rounds to the grid of %s, and lets gradients through', async (grid, from, to, shape) => {
    const { output, factors } = await ran(of(from), shape, (w) => fakeQuantWeights(w, grid as WeightGrid));
    expect(maxDifference(output, of(to))).toBeLessThan(1e-7);
    expect(factors).toEqual(factors.map(() => 1));
  });

  it("follows PyTorch's observer, but for the last bit of the largest weight", async () => {
    const [w, scales] = [of('w'), of('torch.scale')];
    const { output } = await ran(w, [5, 3, 3, 3], (x) => fakeQuantWeights(x, 'observer'));
    const codes = (values: Float32Array) => values.map((value, i) => Math.round(value / scales[Math.floor(i / 27)]));
    // It lies half-way between two codes, and PyTorch multiplies by 1 / scale: -127.49999 for -127.5.
    const halfway = (_: number, i: number) => Math.abs(w[i] / scales[Math.floor(i / 27)]) > 127.49;
    expect(w.filter(halfway)).toHaveLength(4);
    expect(maxDifference(codes(output), codes(of('torch.fake')))).toBeLessThanOrEqual(1);
    const others = (values: Float32Array) => values.filter((value, i) => !halfway(value, i));
    expect(maxDifference(others(output), others(of('torch.fake')))).toBeLessThan(1e-7);
  });

  it('gives whole multiples of the largest weight / 127, of zeros too', async () => {
    const { output } = await ran(of('w'), [5, 3, 3, 3], fakeQuantWeights);
    const codes = golden.get('fq.int8_127')?.data as Int8Array;
    const scales = of('scale127');
    const found = output.map((value, i) => Math.round(value / scales[Math.floor(i / 27)]));
    expect(maxDifference(found, codes)).toBe(0);
    const zeros = await ran(new Float32Array(4), [2, 2], fakeQuantWeights);
    expect([...zeros.output]).toEqual([0, 0, 0, 0]);
  });
});

describe('fakeQuantize', () => {
  it('rounds halves to even and saturates', async () => {
    const { output } = await ran(of('half.x'), [10], (x) => fakeQuantize(x, constant([1], []), -128, 127));
    expect(maxDifference(output, of('half.out'))).toBe(0);
  });

  it('has gradient 1 where the code was within its limits, else 0', async () => {
    const { factors } = await ran(of('ste.x'), [8], (x) => fakeQuantize(x, constant([1], []), -128, 127));
    expect(factors).toEqual([...of('ste.grad')]);
  });

  it('is cheap: four nodes, and three for its gradient', () => {
    const x = input('x', [8]);
    const [scale, low, high, seed] = ['scale', 'low', 'high', 'seed'].map((name) => input(name, []));
    const y = fakeQuantize(x, scale, low, high);
    const nodes = (tensors: Tensor[]) => topologicalOrder(tensors).filter(({ op }) => op !== 'Input').length;
    expect(nodes([y])).toBe(4);
    const plain = gradients(reduceSum(mul(x, seed)), [x]);
    expect(nodes(gradients(reduceSum(mul(y, seed)), [x])) - nodes(plain)).toBe(3 + 3);
  });
});

describe('fakeQuantActivations', () => {
  it('rounds to the codes of an observed range', async () => {
    const trace = floats(golden, 'fq.act_trace');
    const range = constant(trace.slice(12, 14), [2]);
    const { output } = await ran(of('act0'), [50], (x) => fakeQuantActivations(x, range));
    expect(maxDifference(output, of('act_fake'))).toBeLessThan(1e-6);
  });

  it.each([
    // low, high, activation; scale and zero point by hand
    ['a range beside zero', 2, 5.1, 'none', 5.1 / 255, 0],
    ['a range below zero', -5.1, -1, 'none', 5.1 / 255, 255],
    ['a rectifier that has not come down to zero', 0.5, 5.1, 'relu', 5.1 / 255, 0],
    ['a range beyond six', -1, 9, 'relu6', 6 / 255, 0],
    ['a range below six', 0, 3, 'relu6', 3 / 255, 0],
    ['nothing but zeros', 0, 0, 'none', 2 ** -23, 0],
  ] as const)('of %s holds zero and the codes of 8 bits', async (_, low, high, activation, scale, zeroPoint) => {
    const x = Float32Array.of(-100, -1.234, 0, 0.001, 1.234, 2.6, 100);
    const { output } = await ran(x, [7], (y) => fakeQuantActivations(y, constant([low, high], [2]), activation));
    const expected = Array.from(x, (value) => {
      const code = Math.min(Math.max(Math.round(value / scale) + zeroPoint, 0), 255);
      return (code - zeroPoint) * scale;
    });
    expect(maxDifference(output, expected)).toBeLessThan(1e-5);
  });
});

describe('observedRange', () => {
  it('takes the first batch as it is and follows the others by a hundredth', async () => {
    const trace = floats(golden, 'fq.act_trace');
    let range: Float32Array = new Float32Array(2);
    for (let step = 0; step < 4; step++) {
      const next = observedRange(input('x', [50]), input('range', [2]));
      const feeds = { x: float32(of(`act${step}`), [50]), range: float32(range, [2]) };
      range = (await runGraph({ next }, new Map(), feeds)).next;
      expect(maxDifference(range, trace.slice(4 * step, 4 * step + 2)), `step ${step}`).toBeLessThan(1e-5);
    }
  });
});

describe('fakeQuantGrid', () => {
  const builder = planBuilder([1, 4, 4]);
  builder.conv(0, 'a', { channels: 2, kernel: 3, activation: 'relu6' });
  builder.mean(1);
  const plan = builder.done();
  const weights = new Map([
    [
      'a.weight',
      { dtype: 'F32' as const, shape: [2, 1, 3, 3], data: Float32Array.from({ length: 18 }, (_, i) => i / 9) },
    ],
    ['a.bias', { dtype: 'F32' as const, shape: [2], data: Float32Array.of(0.1, -0.1) }],
  ]);
  const x = float32(
    Float32Array.from({ length: 16 }, (_, i) => i / 4 - 2),
    [1, 1, 4, 4],
  );

  it('observes every layer, and rounds by what it has just seen', async () => {
    const buffers = new Map<string, Tensor>();
    const scope = createScope();
    const grid = fakeQuantGrid(scope, plan, { observe: true, buffers, momentum: 0.5 });
    const output = layerOutputs(scope, plan, input('x', [1, 1, 4, 4]), { folded: true, grid })[2];
    expect([...buffers.keys()]).toEqual([0, 1, 2].map(rangeName));
    expect([...parametersOf([output]).keys()].filter(isRange)).toEqual([0, 1, 2].map(rangeName));
    const ranges = new Map([
      ['range.0', Float32Array.of(-1, 1)],
      ['range.1', Float32Array.of(0, 0)],
      ['range.2', Float32Array.of(0, 8)],
    ]);
    const stored = new Map(Array.from(ranges, ([name, data]) => [name, { dtype: 'F32' as const, shape: [2], data }]));
    const next = Object.fromEntries(Array.from(buffers, ([name, tensor]) => [`next.${name}`, tensor]));
    const outputs = { output, ...next };
    const found = await runGraph(outputs, new Map([...weights, ...stored]), { x });
    expect([...found['next.range.0']]).toEqual([-1.5, 1.375]);
    expect(found['next.range.1'][0]).toBe(0);
    expect(found['next.range.1'][1]).toBe(6);
    // The same with the new ranges, no longer observed.
    const moved = new Map(
      [...buffers.keys()].map((name) => [name, { dtype: 'F32' as const, shape: [2], data: found[`next.${name}`] }]),
    );
    const fixed = createScope();
    const frozen = fakeQuantGrid(fixed, plan, { observe: false });
    const again = layerOutputs(fixed, plan, input('x', [1, 1, 4, 4]), { folded: true, grid: frozen })[2];
    const second = await runGraph({ again }, new Map([...weights, ...moved]), { x });
    expect(second.again).toEqual(found.output);
  });

  it('wants a place for the ranges it observes', () => {
    const build = () => fakeQuantGrid(createScope(), plan, { observe: true });
    expect(build).toThrow('fakeQuantGrid: expected a map for the ranges it observes, found none; give buffers');
    expect(build).toThrow(InputError);
  });

  it('knows its ranges by their names', () => {
    expect(['range.0', 'range.17', 'range', 'a.range.1', 'range.1.weight'].map(isRange)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});

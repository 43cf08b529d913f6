// The graph of a layer plan against PyTorch: an inverted residual, its folding, residual normalisation (tests/golden/asc);
// and CP-Mobile with its authors' weights.
import { beforeAll, describe, expect, it } from 'vitest';
import { checkLossGradients } from '../../tests/check-loss-gradients.ts';
import { floats, floats32, type GoldenTensor, hasGolden, maxDifference, readGolden } from '../../tests/golden.ts';
import { evaluate } from '../../tests/graph-oracle/evaluate.ts';
import { mul } from '../graph/elementwise.ts';
import { toOnnx } from '../graph/onnx.ts';
import { loadProgram } from '../graph/program.ts';
import { reduceMean } from '../graph/reduce.ts';
import { reduceSum } from '../graph/reshape.ts';
import { float32 } from '../graph/runtime.ts';
import { input, type Tensor } from '../graph/tensor.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { cpMobile2023, cpMobilePlan } from './cp-mobile.ts';
import { fakeQuantWeights } from './fake-quant.ts';
import { foldNorms, layerOutputs, type NumberGrid, residualNorm } from './layer-graph.ts';
import type { LayerPlan } from './layer-plan.ts';
import { createScope, parametersOf } from './parameters.ts';
import { planBuilder } from './plan-builder.ts';
import { small } from './quantised.test-util.ts';

const golden = readGolden('asc/data.safetensors');
const epsilon = 1e-5;

/** Values that a test feeds: float32 arrays of the parameters, by name. */
const singles = (values: ReadonlyMap<string, ArrayLike<number>>): Map<string, Float32Array> =>
  new Map(Array.from(values, ([name, data]) => [name, Float32Array.from(data)]));

async function ran(
  outputs: Record<string, Tensor>,
  constants: ReadonlyMap<string, Float32Array>,
  x: ArrayLike<number>,
  shape: readonly number[],
): Promise<Record<string, Float32Array>> {
  const program = await loadProgram(toOnnx({ outputs, constants }).bytes, { threads: 1 });
  const found = await program.run({ x: float32(Float32Array.from(x), shape) });
  await program.release();
  return Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, data as Float32Array]));
}

describe('an inverted residual', () => {
  const builder = planBuilder([8, 7, 5]);
  const activation = 'relu6';
  const wide = builder.conv(0, 'ir.w.0', { channels: 24, normName: 'ir.w.1', activation });
  const deep = builder.conv(wide, 'ir.w.3', { channels: 24, kernel: 3, groups: 24, normName: 'ir.w.4', activation });
  const narrow = builder.conv(deep, 'ir.w.6', { channels: 8, normName: 'ir.w.7' });
  const sum = builder.add(0, narrow);
  const plan = builder.done();
  const names = [...golden.keys()].filter((name) => name.startsWith('ir.w.'));
  const values = new Map(names.map((name) => [name, floats(golden, name)]));
  const folded = foldNorms(plan, values, epsilon);
  const x = floats(golden, 'ir.x');

  it.each([true, false])('is that of PyTorch, with and without its sum (folded: %s)', async (isFolded) => {
    const mode = isFolded ? { folded: true as const } : { norm: { training: false as const }, epsilon };
    const all = layerOutputs(createScope(), plan, input('x', [2, 8, 7, 5]), mode);
    const outputs = { plain: all[narrow], residual: all[sum] };
    const found = await ran(outputs, isFolded ? folded : singles(values), x, [2, 8, 7, 5]);
    expect(maxDifference(found.plain, floats(golden, 'ir.out_plain'))).toBeLessThan(1e-5);
    expect(maxDifference(found.residual, floats(golden, 'ir.out_residual'))).toBeLessThan(1e-5);
  });

  it.each([0, 3, 6])('folds the normalisation into convolution %i', (number) => {
    const [weight, bias] = ['weight', 'bias'].map((part) => folded.get(`ir.w.${number}.${part}`) as Float32Array);
    expect(maxDifference(weight, floats(golden, `ir.fold${number}.w`))).toBeLessThan(1e-6);
    expect(maxDifference(bias, floats(golden, `ir.fold${number}.b`))).toBeLessThan(1e-6);
  });

  it('cannot be folded without its statistics', () => {
    const some = new Map([...values].filter(([name]) => name !== 'ir.w.4.running_var'));
    expect(() => foldNorms(plan, some)).toThrow('foldNorms: no values of ir.w.4.running_var');
  });
});

describe('residualNorm', () => {
  it('is lambda x and x normalised row by row', () => {
    const [x, shape] = [floats(golden, 'rn.x'), [3, 4, 6, 9]];
    const output = residualNorm(input('x', shape, 'float64'), 0.1);
    const [found] = evaluate([output], new Map([['x', { shape, data: x }]]));
    expect(maxDifference(found.data, floats(golden, 'rn.resnorm01'))).toBeLessThan(1e-12);
  });
});

describe.each(small)('layerOutputs of %s', (_, plan: LayerPlan) => {
  const random = createRandom('layer graph');
  const shape = [2, ...(plan.layers[0].kind === 'input' ? plan.layers[0].shape : [])];
  const x = input('x', shape);
  const draw = (size: number, low: number, high: number) =>
    Float64Array.from({ length: size }, () => random.uniform(low, high));
  const sizeOf = (own: readonly number[]) => own.reduce((a, b) => a * b, 1);

  it('has right gradients in training', () => {
    const mode = { norm: { training: true as const, buffers: new Map<string, Tensor>() } };
    const output = layerOutputs(createScope(), plan, x, mode).at(-1) as Tensor;
    const width = output.shape[1] as number;
    const loss = reduceSum(mul(output, input('seed', [width])));
    const values = new Map(
      Array.from(parametersOf([loss]), ([name, own]) => [name, { shape: own, data: draw(sizeOf(own), -1, 1) }]),
    );
    values.set('x', { shape, data: draw(sizeOf(shape), -2, 2) });
    values.set('seed', { shape: [width], data: draw(width, -2, 2) });
    checkLossGradients(loss, values);
  });

  it('hands weights and outputs of the folded network to its grid, and uses what comes back', async () => {
    const seen: string[] = [];
    const grid: NumberGrid = {
      weight(layer, values) {
        seen.push(`weight ${layer}`);
        return values;
      },
      output(layer, values) {
        seen.push(`output ${layer}`);
        return layer === plan.layers.length - 1 ? mul(values, 2) : values;
      },
    };
    const outputs = {
      plain: layerOutputs(createScope(), plan, x, { folded: true }).at(-1) as Tensor,
    };
    const doubled = layerOutputs(createScope(), plan, x, { folded: true, grid }).at(-1) as Tensor;
    const expected = plan.layers.flatMap(({ kind }, i) =>
      kind === 'conv' || kind === 'dense' ? [`weight ${i}`, `output ${i}`] : [`output ${i}`],
    );
    expect(seen).toEqual(expected);
    const constants = new Map(
      Array.from(parametersOf([outputs.plain]), ([name, own]) => [name, Float32Array.from(draw(sizeOf(own), -1, 1))]),
    );
    const clips = draw(sizeOf(shape), -1, 1);
    const { plain } = await ran(outputs, constants, clips, shape);
    const twice = await ran({ doubled }, constants, clips, shape);
    expect(
      maxDifference(
        twice.doubled,
        plain.map((value) => 2 * value),
      ),
    ).toBe(0);
  });
});

const real = hasGolden('cpmobile_real');

describe.skipIf(!real)(
  'CP-Mobile with published weights (shared/golden/cpmobile_real is not part of the project)',
  () => {
    const plan = cpMobilePlan([1, 256, 65], 10, cpMobile2023);
    const shape = [3, 1, 256, 65];
    let tensors: Map<string, GoldenTensor>;
    let values: Map<string, Float32Array>;
    beforeAll(() => {
      tensors = readGolden('cpmobile_real/data.safetensors');
      const names = [...tensors.keys()].filter((name) => !name.startsWith('io.'));
      values = new Map(names.map((name) => [name, floats32(tensors, name)]));
    });

    it('has the means of all blocks and the scores of its authors', async () => {
      const all = layerOutputs(createScope(), plan, input('x', shape), { norm: { training: false }, epsilon });
      const ends = { in_c: plan.stem, ...Object.fromEntries(plan.blocks.map((layer, i) => [`b${i + 1}`, layer])) };
      const means = Object.entries(ends).map(([name, layer]) => [name, reduceMean(all[layer], [2, 3])] as const);
      const outputs = { logits: all.at(-1) as Tensor, ...Object.fromEntries(means) };
      expect(new Set(parametersOf([outputs.logits]).keys())).toEqual(new Set(values.keys()));
      const found = await ran(outputs, values, floats(tensors, 'io.x'), shape);
      expect(maxDifference(found.logits, floats(tensors, 'io.logits'))).toBeLessThan(1e-4);
      for (const name of Object.keys(ends)) {
        expect(maxDifference(found[name], floats(tensors, `io.mean.${name}`)), name).toBeLessThan(1e-4);
      }
    });

    it('has the same scores when folded, and those of weights in 8 bits', async () => {
      const grid: NumberGrid = { weight: (_, w) => fakeQuantWeights(w), output: (_, y) => y };
      const outputs = {
        folded: layerOutputs(createScope(), plan, input('x', shape), { folded: true }).at(-1) as Tensor,
      };
      const rounded = layerOutputs(createScope(), plan, input('x', shape), { folded: true, grid }).at(-1) as Tensor;
      const constants = foldNorms(plan, values, epsilon);
      const x = floats(tensors, 'io.x');
      const { folded } = await ran(outputs, constants, x, shape);
      expect(maxDifference(folded, floats(tensors, 'io.logits'))).toBeLessThan(1e-4);
      const found = await ran({ rounded }, constants, x, shape);
      // In float32; their own are in float64, which ONNX Runtime has no convolution for.
      expect(maxDifference(found.rounded, floats(tensors, 'io.logits_w8'))).toBeLessThan(2e-5);
    });
  },
);

// Layer plans: costs against the DCASE baseline's table and MobileNetV2's counts (tests/golden/asc), shapes, and what does
// not fit together.
import { describe, expect, it } from 'vitest';
import { readGoldenJson } from '../../tests/golden.ts';
import { InputError } from '../signal/errors.ts';
import { cpMobile2023, cpMobile2024, cpMobilePlan } from './cp-mobile.ts';
import { activationOf, type Layer, layerShapes, planCost, sourcesOf } from './layer-plan.ts';
import { mobileNetV2Blocks, mobileNetV2Plan } from './mobilenet.ts';

type Row = { desc: string; input: number[]; params: number | null; macs: number | null };
type Counts = {
  params: number;
  weights: number;
  folded_biases: number;
  int8_bytes_w_plus_int32_bias: number;
  int8_plus_scales: number;
};
const meta = readGoldenJson<{
  cp_mobile_table: { rows: Row[]; total_params: number; total_macs: number };
  mobilenetv2_counts: { standard: Record<string, Counts>; custom: Record<string, Counts> };
}>('asc/meta.json');

function countsOf(plan: Parameters<typeof planCost>[0]): Counts {
  const { layers, parameters, int8Bytes } = planCost(plan);
  const weights = layers.reduce((sum, cost) => sum + cost.weights, 0);
  const biases = layers.reduce((sum, cost) => sum + cost.biases, 0);
  return {
    params: parameters,
    weights,
    folded_biases: biases,
    int8_bytes_w_plus_int32_bias: int8Bytes,
    int8_plus_scales: int8Bytes + 4 * biases,
  };
}

describe('planCost', () => {
  const { rows, total_params, total_macs } = meta.cp_mobile_table;
  const plan = cpMobilePlan([1, 256, 65], 10, cpMobile2024);

  it('of CP-Mobile is the table of the DCASE 2024 baseline, row by row', () => {
    const shapes = layerShapes(plan);
    const costs = planCost(plan);
    const found = costs.layers.flatMap(({ layer, parameters, macs }) =>
      parameters > 0 ? [{ input: [1, ...shapes[sourcesOf(plan.layers[layer])[0]]], params: parameters, macs }] : [],
    );
    // The table has the last normalisation in a row of its own.
    const expected = rows.flatMap(({ desc, input, params, macs }) =>
      params === null || desc === 'ff_list[1]' ? [] : [{ input, params, macs }],
    );
    const last = rows.find(({ desc }) => desc === 'ff_list[1]') as Row;
    const head = expected[expected.length - 1];
    head.params = Number(head.params) + Number(last.params);
    head.macs = Number(head.macs) + Number(last.macs);
    expect(found).toEqual(expected);
    expect([costs.parameters, costs.macs]).toEqual([total_params, total_macs]);
    expect([total_params, total_macs]).toEqual([61_148, 29_419_156]);
  });

  it('of CP-Mobile of 2023 has as many parameters as its published weights', () => {
    const counts = countsOf(cpMobilePlan([1, 256, 65], 10, cpMobile2023));
    // Gains and biases of six response norms are counted as biases too.
    expect(counts).toMatchObject({ params: 126_952, weights: 122_760, folded_biases: 2090 + 12 });
  });

  it.each(Object.keys(meta.mobilenetv2_counts.standard))('of MobileNetV2 %s is what PyTorch counts', (key) => {
    const [, width, last] = /^w(.*)_last(\d+)$/.exec(key)?.map(Number) as number[];
    const network = { width, blocks: mobileNetV2Blocks, stem: 32, last };
    const found = countsOf(mobileNetV2Plan([1, 64, 64], network, { outputs: 10 }));
    expect(found).toEqual(meta.mobilenetv2_counts.standard[key]);
  });

  /** All have the paper's stem of 32 and no last convolution; A begins without expansion, as the paper does. */
  it.each([
    ['A: t3 16x1,24x2,32x2,48x2,64x1', 3, 1],
    ['B: t2.1-like 32x3,56x2,104x1 (CP-Mobile widths)', 2, 2],
    ['C: t3 24x2,40x2,64x2,96x1', 3, 3],
    ['D: t3 32x3,56x2,104x1', 3, 3],
    ['E: t4 24x2,40x3,64x2', 4, 4],
  ])('of the narrow MobileNetV2 %s is what PyTorch counts', (key, expansion, first) => {
    const blocks = Array.from(key.matchAll(/(\d+)x(\d+)/g), ([, channels, repeats], i) => ({
      expansion: i === 0 ? first : expansion,
      channels: Number(channels),
      repeats: Number(repeats),
      stride: 1,
    }));
    const network = { width: 1, blocks, stem: 32, last: 0 };
    const found = countsOf(mobileNetV2Plan([1, 64, 64], network, { outputs: 10 }));
    expect(found).toEqual(meta.mobilenetv2_counts.custom[key]);
  });
});

describe('layerShapes', () => {
  const input: Layer = { kind: 'input', shape: [2, 5, 4] };
  const conv = { kind: 'conv', from: 0, name: 'a', channels: 4, kernel: [3, 3], stride: [2, 1], groups: 1 } as const;
  const withAll = (...layers: Layer[]) => layerShapes({ layers: [input, ...layers], stem: 0, blocks: [] });

  it('follows strides, pooling, means and dense layers', () => {
    const shapes = withAll(
      { ...conv, activation: 'relu' },
      { kind: 'average-pool', from: 1, kernel: [3, 1], stride: [1, 3] },
      { kind: 'add', from: [2, 2], activation: 'none' },
      { kind: 'mean', from: 3 },
      { kind: 'dense', from: 4, name: 'd', outputs: 7 },
    );
    expect(shapes).toEqual([[2, 5, 4], [4, 3, 4], [4, 3, 2], [4, 3, 2], [4], [7]]);
  });

  it.each<[string, Layer[], string]>([
    ['two inputs', [input], 'layer 1 (input): expected the input as the first layer and nowhere else'],
    ['a layer that reads itself', [{ kind: 'mean', from: 1 }], 'layer 1 (mean): expected to read layers before it'],
    ['a dense layer on a picture', [{ kind: 'dense', from: 0, name: 'd', outputs: 1 }], 'put a mean before it'],
    [
      'a mean of a mean',
      [
        { kind: 'mean', from: 0 },
        { kind: 'mean', from: 1 },
      ],
      'expected channels, rows and columns',
    ],
    ['an even kernel', [{ ...conv, kernel: [2, 3], activation: 'none' }], 'expected an odd kernel, got 2,3'],
    ['groups that do not divide', [{ ...conv, groups: 3, activation: 'none' }], '3 groups do not divide its channels'],
    [
      'a sum of unequal shapes',
      [
        { ...conv, activation: 'none' },
        { kind: 'add', from: [0, 1], activation: 'none' },
      ],
      'expected equal shapes, got [2,5,4] and [4,3,4]',
    ],
  ])('refuses %s', (_, layers, message) => {
    expect(() => withAll(...layers)).toThrow(message);
    expect(() => withAll(...layers)).toThrow(InputError);
  });
});

describe('activationOf', () => {
  it('is none where a layer has none', () => {
    expect(activationOf({ kind: 'mean', from: 0 })).toBe('none');
    expect(activationOf({ kind: 'add', from: [0, 0], activation: 'relu' })).toBe('relu');
  });
});

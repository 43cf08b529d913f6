// From floats to whole numbers: codes of ranges, weights and biases (tests/golden/asc), tensors of a file and back.
import { describe, expect, it } from 'vitest';
import { floats, floats32, maxDifference, readGolden } from '../../tests/golden.ts';
import { readSafetensors, writeSafetensors } from '../graph/safetensors.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { InputError } from '../signal/errors.ts';
import { createRandom } from '../signal/simulate/random.ts';
import type { LayerPlan } from './layer-plan.ts';
import { affineCode, quantiseNetwork, quantiseWeights, type Range } from './quantise.ts';
import { randomFolded, small, smallCpMobile, smallMobileNet } from './quantised.test-util.ts';
import { quantisedFrom, quantisedTensors } from './quantised-tensors.ts';

const golden = readGolden('asc/data.safetensors');
const rangesOf = (plan: LayerPlan): Range[] => plan.layers.map((_, i): Range => [-1 - i / 8, 2 + i / 4]);

describe('affineCode', () => {
  it('is that of PyTorch for observed ranges', () => {
    const trace = floats(golden, 'fq.act_trace');
    for (let row = 0; row < 4; row++) {
      const [low, high, scale, zeroPoint] = trace.subarray(4 * row, 4 * row + 4);
      const found = affineCode([low, high]);
      expect(Math.abs(found.scale - scale)).toBeLessThan(1e-8);
      expect(found.zeroPoint).toBe(zeroPoint);
    }
  });

  it('holds zero, and ends where a rectifier does', () => {
    expect(affineCode([1, 5.1])).toEqual({ scale: Math.fround(Math.fround(5.1) / 255), zeroPoint: 0 });
    expect(affineCode([-51, -1])).toEqual({ scale: Math.fround(0.2), zeroPoint: 255 });
    expect(affineCode([-1, 9], 'relu6')).toEqual({ scale: Math.fround(6 / 255), zeroPoint: 0 });
    expect(affineCode([-1, 9], 'relu')).toEqual({ scale: Math.fround(9 / 255), zeroPoint: 0 });
    expect(affineCode([0, 0])).toEqual({ scale: 2 ** -23, zeroPoint: 0 });
  });
});

describe('quantiseWeights', () => {
  it('has the scales and codes of the largest weight / 127', () => {
    const w = floats32(golden, 'fq.w');
    const { values, scales, bias } = quantiseWeights(w, Float32Array.of(1, -2, 0, 0.5, 0), 5, 0.25);
    expect(maxDifference(scales, floats(golden, 'fq.scale127'))).toBeLessThan(1e-9);
    expect([...values]).toEqual([...(golden.get('fq.int8_127')?.data as Int8Array)]);
    const units = [1, -2, 0, 0.5, 0].map((value, o) => Math.round(value / (0.25 * scales[o])));
    expect([...bias]).toEqual(units);
  });

  it('makes room for a bias beside weights of next to nothing', () => {
    const { values, scales, bias } = quantiseWeights(Float32Array.of(1e-20, 0), Float32Array.of(-3, 0.5), 2, 0.5);
    expect([...values]).toEqual([0, 0]);
    expect(
      maxDifference(
        [...bias].map((units, o) => units * scales[o] * 0.5),
        [-3, 0.5],
      ),
    ).toBeLessThan(1e-6);
    expect(Math.abs(bias[0])).toBeLessThan(2 ** 30 + 100);
  });
});

describe('quantiseNetwork', () => {
  const folded = randomFolded(smallCpMobile, createRandom('quantise'));
  const ranges = rangesOf(smallCpMobile);

  it('has codes of every layer, weights of those that have some, and floats of the rest', () => {
    const { codes, weights, numbers } = quantiseNetwork(smallCpMobile, folded, ranges);
    expect(codes).toHaveLength(smallCpMobile.layers.length);
    for (const [number, layer] of smallCpMobile.layers.entries()) {
      expect(weights.has(number)).toBe(layer.kind === 'conv' || layer.kind === 'dense');
      if ('activation' in layer && layer.activation !== 'none') expect(codes[number].zeroPoint).toBe(0);
    }
    expect([...numbers.keys()]).toEqual([...folded.keys()].filter((name) => /gamma|beta/.test(name)));
  });

  it.each([
    ['too few ranges', ranges.slice(1), folded, /expected a range for each of \d+ layers, got \d+; calibrate this/],
    ['a range upside down', ranges.with(2, [1, -1]), folded, /smallest and largest output of layer 2, got 1 and -1/],
    ['a range without end', ranges.with(2, [0, Infinity]), folded, /layer 2, got 0 and Infinity; calibrate it again/],
    ['missing weights', ranges, new Map(), /expected finite values of in_c\.0\.0\.weight, found none; fold/],
    ['weights beside numbers', ranges, new Map(folded).set('in_c.0.0.bias', Float32Array.of(NaN)), /found others/],
  ])('refuses %s', (_, given, parameters, message) => {
    const build = () => quantiseNetwork(smallCpMobile, parameters, given);
    expect(build).toThrow(message);
    expect(build).toThrow(InputError);
  });
});

describe('quantisedTensors', () => {
  it.each(small)('go into a file and come back: %s', (_, plan) => {
    const network = quantiseNetwork(plan, randomFolded(plan, createRandom('file')), rangesOf(plan));
    const { tensors } = readSafetensors(writeSafetensors(quantisedTensors(network)));
    expect(quantisedFrom(plan, tensors)).toEqual(network);
    expect(tensors.get('codes.scale')).toMatchObject({ dtype: 'F32', shape: [plan.layers.length] });
    expect(tensors.get('codes.zero_point')).toMatchObject({ dtype: 'U8', shape: [plan.layers.length] });
  });

  it('keep the shapes of the float weights', () => {
    const folded = randomFolded(smallMobileNet, createRandom('shapes'));
    const tensors = quantisedTensors(quantiseNetwork(smallMobileNet, folded, rangesOf(smallMobileNet)));
    expect(tensors.get('features.0.0.weight')).toMatchObject({ dtype: 'I8', shape: [8, 1, 3, 3] });
    expect(tensors.get('features.0.0.scale')).toMatchObject({ dtype: 'F32', shape: [8] });
    expect(tensors.get('classifier.1.weight')).toMatchObject({ dtype: 'I8', shape: [5, 16] });
    expect(tensors.get('classifier.1.bias')).toMatchObject({ dtype: 'I32', shape: [5] });
  });

  it.each([
    ['codes.scale', undefined, 'quantisedFrom: expected F32 [21] at codes.scale, found nothing; export'],
    [
      'features.0.0.bias',
      { dtype: 'F32', shape: [8], data: new Float32Array(8) },
      'I32 [8] at features.0.0.bias, found F32 [8]',
    ],
    [
      'features.0.0.scale',
      { dtype: 'F32', shape: [7], data: new Float32Array(7) },
      'F32 [8] at features.0.0.scale, found F32 [7]',
    ],
  ] as const)('are refused where %s is not as expected', (name, tensor, message) => {
    const folded = randomFolded(smallMobileNet, createRandom('refused'));
    const tensors = quantisedTensors(quantiseNetwork(smallMobileNet, folded, rangesOf(smallMobileNet)));
    if (tensor) tensors.set(name, tensor as unknown as StoredTensor);
    else tensors.delete(name);
    expect(() => quantisedFrom(smallMobileNet, tensors)).toThrow(message);
    expect(() => quantisedFrom(smallMobileNet, tensors)).toThrow(InputError);
  });
});

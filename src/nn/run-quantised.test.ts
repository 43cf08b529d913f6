// Convolution in whole numbers, to the last bit (tests/golden/asc), and what the plain network refuses.
import { describe, expect, it } from 'vitest';
import { floats, readGolden } from '../../tests/golden.ts';
import { InputError } from '../signal/errors.ts';
import { roundHalfEven } from './quantise.ts';
import { smallMobileNet } from './quantised.test-util.ts';
import { convolveCodes, requantised, runQuantised, toCodes } from './run-quantised.ts';

const golden = readGolden('asc/data.safetensors');
const of = <T>(name: string) => golden.get(`qconv.${name}`)?.data as T;

describe('a convolution of codes', () => {
  const [inputScale, inputZero, scale, zeroPoint] = floats(golden, 'qconv.params');
  const input = { codes: of<Uint8Array>('x'), shape: [3, 6, 5], code: { scale: inputScale, zeroPoint: inputZero } };
  const layer = { kernel: [3, 3], stride: [1, 1], groups: 1 } as const;
  const sums = convolveCodes(input, { values: of('w'), bias: of('b') }, layer, [4, 6, 5]);

  it('sums in whole numbers, the zero point beyond the sides', () => {
    expect([...sums]).toEqual([...of<Int32Array>('acc')]);
  });

  it('is rounded half to even and saturates', () => {
    const expected = [...of<Uint8Array>('y')];
    expect(expected.filter((code) => code === 0 || code === 255).length).toBeGreaterThan(20);
    expect([...requantised(sums, inputScale, floats(golden, 'qconv.sw'), { scale, zeroPoint })]).toEqual(expected);
    const single = Float32Array.from(floats(golden, 'qconv.sw'));
    const code = { scale: Math.fround(scale), zeroPoint };
    expect([...requantised(sums, Math.fround(inputScale), single, code)]).toEqual(expected);
  });
});

describe('toCodes', () => {
  it('rounds halves to even, adds the zero point and saturates', () => {
    const values = [-200, -1.25, -0.75, -0.25, 0, 0.25, 0.75, 1.25, 63.25, 63.75, 1000, 0.1];
    expect([...toCodes(values, { scale: 0.5, zeroPoint: 3 })]).toEqual([0, 1, 1, 3, 3, 3, 5, 5, 129, 131, 255, 3]);
    expect([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 126.5, -2.4].map((x) => roundHalfEven(x) + 0)).toEqual([
      -2, -2, 0, 0, 2, 2, 126, -2,
    ]);
  });
});

describe('runQuantised', () => {
  it('takes one clip', () => {
    const network = { plan: smallMobileNet, codes: [], weights: new Map(), numbers: new Map() };
    expect(() => runQuantised(network, new Uint8Array(216))).toThrow(
      'runQuantised: expected the 108 codes of one clip, got 216; give one at a time',
    );
    expect(() => runQuantised(network, new Uint8Array(216))).toThrow(InputError);
  });
});

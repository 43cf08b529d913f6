import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AdamWState, adamW, clipFactor, eatAdamW, movingAverage, sumSquares } from './optimiser.ts';

const stateOf = (parameter: number[]): AdamWState => ({
  parameter: Float32Array.from(parameter),
  first: new Float32Array(parameter.length),
  second: new Float32Array(parameter.length),
});

describe('adamW', () => {
  it('does two steps as worked out by hand', () => {
    // One value, lr 0.1, decay 0.5, betas 0.9 and 0.95: gradients 2 and -1 from 1.
    const state = stateOf([1]);
    const scalars = { learningRate: 0.1, weightDecay: 0.5, gradientFactor: 1 };
    adamW(state, Float32Array.of(2), eatAdamW, { ...scalars, step: 1 });
    // m 0.2, v 0.2: 0.95 - 0.1 sqrt(0.05) / 0.1 * 0.2 / sqrt(0.2) = 0.95 - 0.1.
    expect(state.parameter[0]).toBeCloseTo(0.85, 6);
    adamW(state, Float32Array.of(-1), eatAdamW, { ...scalars, step: 2 });
    // m 0.08, v 0.24: 0.8075 - 0.1 sqrt(0.0975) / 0.19 * 0.08 / sqrt(0.24).
    expect([state.first[0], state.second[0]]).toEqual([expect.closeTo(0.08, 6), expect.closeTo(0.24, 6)]);
    expect(state.parameter[0]).toBeCloseTo(0.7806633, 5);
  });

  it('moves by the learning rate in its first step, whatever the size of the gradient', () => {
    const state = stateOf([1, 1, 1]);
    const scalars = { step: 1, learningRate: 0.1, weightDecay: 0, gradientFactor: 1 };
    adamW(state, Float32Array.of(100, -0.01, 1), eatAdamW, scalars);
    expect(Array.from(state.parameter)).toEqual([0.9, 1.1, 0.9].map((value) => expect.closeTo(value, 5)));
  });

  it('adds epsilon to the uncorrected moment', () => {
    const state = stateOf([0]);
    adamW(state, Float32Array.of(1e-8), eatAdamW, { step: 1, learningRate: 1, weightDecay: 0, gradientFactor: 1 });
    // sqrt(0.05) * 1e-8 / (sqrt(0.05) * 1e-8 + 1e-8); beside the corrected moment it would be 1/2.
    expect(state.parameter[0]).toBeCloseTo(-Math.sqrt(0.05) / (Math.sqrt(0.05) + 1), 4);
  });

  it('takes a factor as it takes gradients that much smaller', () => {
    const values = fc.array(fc.integer({ min: -99, max: 99 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(values, fc.constantFrom(0.5, 0.25, 1), (gradient, gradientFactor) => {
        const [a, b] = [stateOf(gradient), stateOf(gradient)];
        const scalars = { step: 3, learningRate: 0.1, weightDecay: 0.1 };
        adamW(a, Float32Array.from(gradient), eatAdamW, { ...scalars, gradientFactor });
        const smaller = Float32Array.from(gradient, (value) => value * gradientFactor);
        adamW(b, smaller, eatAdamW, { ...scalars, gradientFactor: 1 });
        expect(a).toEqual(b);
      }),
    );
  });
});

describe('clipping', () => {
  it('takes squares of the sum over batches', () => {
    const sum = Float32Array.of(3, 0, 0, 1, 2, -1);
    expect(sumSquares([sum])).toBe(15);
    expect(sumSquares([sum, Float32Array.of(0, 0, 4, 0, -2, 0), Float32Array.of(0, 1, 0, 0, 0, 0)])).toBe(28);
    expect(Array.from(sum)).toEqual([3, 1, 4, 1, 0, -1]);
    expect(sumSquares([new Float32Array(0)])).toBe(0);
    expect(sumSquares([Float32Array.of(1, Number.NaN)])).toBeNaN();
  });

  it.each([
    [1, 1 / 5.000001],
    [5, 5 / 5.000001],
    [6, 1],
    [Number.POSITIVE_INFINITY, 1],
  ])('by a limit of %f', (limit, expected) => expect(clipFactor(5, limit)).toBeCloseTo(expected, 12));

  it('leaves gradients of zero as they are', () => expect(clipFactor(0, 1)).toBe(1));
});

it('movingAverage keeps its share', () => {
  const at = (decay: number): number[] => {
    const average = Float32Array.of(1, 0, -4);
    movingAverage(average, Float32Array.of(2, 10, 4), decay);
    return Array.from(average);
  };
  expect(at(0.75)).toEqual([1.25, 2.5, -2]);
  expect(at(1)).toEqual([1, 0, -4]);
  expect(at(0)).toEqual([2, 10, 4]);
});

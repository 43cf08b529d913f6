import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMean, layoutOf, packState, unpackState } from './exchange.ts';
import type { TrainingState } from './step.ts';

const arrays = (entries: Record<string, number[]>) =>
  new Map(Object.entries(entries).map(([name, values]) => [name, Float32Array.from(values)]));

const stateOf = (b: number[], a: number[], teacher: number[]): TrainingState => ({
  step: 3,
  parameters: arrays({ b, a }),
  teacher: arrays({ a: teacher }),
  first: arrays({ b: b.map((x) => x / 2), a: [0, 0] }),
  second: arrays({ a: a.map((x) => x * x), b: [7] }),
});

describe('packState', () => {
  it('puts sets in their order and names in theirs', () => {
    const state = stateOf([5], [1, 2], [3, 4]);
    expect(Array.from(packState(state))).toEqual([1, 2, 5, 3, 4, 0, 0, 2.5, 1, 4, 7]);
    expect(layoutOf(state)).toBe(
      'parameters a 2\nparameters b 1\nteacher a 2\nfirst a 2\nfirst b 1\nsecond a 2\nsecond b 1\n',
    );
  });

  it('does not depend on the order in which names were added', () => {
    const state = stateOf([5], [1, 2], [3, 4]);
    const turned = { ...state, parameters: new Map([...state.parameters].reverse()) };
    expect(packState(turned)).toEqual(packState(state));
    expect(layoutOf(turned)).toBe(layoutOf(state));
  });

  it('is undone by unpackState, in place and without sharing memory', () => {
    const [from, into] = [stateOf([5], [1, 2], [3, 4]), stateOf([0], [0, 0], [0, 0])];
    const packed = packState(from);
    unpackState(packed, into);
    packed.fill(9);
    expect(into).toEqual(from);
  });

  it('refuses another length, and leaves the state as it was', () => {
    const state = stateOf([5], [1, 2], [3, 4]);
    expect(() => unpackState(new Float32Array(10), state)).toThrow('unpackState: expected 11 values, got 10');
    expect(state).toEqual(stateOf([5], [1, 2], [3, 4]));
  });
});

const meanOf = (states: readonly Float32Array[]): Float32Array => {
  const mean = createMean(states[0].length);
  for (const state of states) mean.add(state);
  return mean.mean();
};

const bits = (values: Float32Array): number[] => Array.from(new Uint32Array(values.slice().buffer));
const finite = fc.float({ noNaN: true, noDefaultInfinity: true });

describe('createMean', () => {
  it.each([
    [
      'two',
      [
        [1, -2],
        [3, 5],
      ],
      [2, 1.5],
    ],
    // In float32 the second sum would stay at 2^24.
    [
      'three',
      [
        [0.1, 2 ** 24],
        [0.2, 1],
        [0.3, 1],
      ],
      [0.2, (2 ** 24 + 2) / 3],
    ],
    ['one', [[-0, 1e-45]], [-0, 1e-45]],
  ])('is that of %s states', (_, states, wanted) => {
    expect(meanOf(states.map((state) => Float32Array.from(state)))).toEqual(Float32Array.from(wanted));
  });

  it('of equal states is that state, bit for bit', () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 1 }), fc.integer({ min: 1, max: 9 }), (values, world) => {
        const state = Float32Array.from(values);
        expect(bits(meanOf(Array.from({ length: world }, () => state)))).toEqual(bits(state));
      }),
    );
  });

  it('lies between the least and the greatest', () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 1, maxLength: 7 }), (values) => {
        const [mean] = meanOf(values.map((value) => Float32Array.of(value)));
        expect(mean).toBeGreaterThanOrEqual(Math.min(...values));
        expect(mean).toBeLessThanOrEqual(Math.max(...values));
      }),
    );
  });

  it('refuses a state of another length', () => {
    expect(() => createMean(3).add(new Float32Array(2))).toThrow('createMean: expected 3 values, got 2');
  });
});

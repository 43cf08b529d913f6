import { describe, expect, it } from 'vitest';
import type { Encoder } from '../encoders/types.ts';
import { checkQuality, compareEncoders, compareHeard, cosine, lossOf, qualityLine } from './quality-gate.ts';

const heard = (vector: number[], logits?: number[]) => ({
  vector: Float32Array.from(vector),
  ...(logits && { logits: Float32Array.from(logits) }),
});

describe('compareHeard', () => {
  it('cosines and differences of embeddings', () => {
    const figures = compareHeard([heard([3, 4]), heard([1, 0])], [heard([3, 4]), heard([1, 1])]);
    expect(figures).toEqual({
      recordings: 2,
      meanCosine: expect.closeTo((1 + Math.SQRT1_2) / 2, 12),
      worstCosine: expect.closeTo(Math.SQRT1_2, 12),
      largestDifference: 1,
    });
    expect(lossOf(figures).value).toBeCloseTo((1 - Math.SQRT1_2) / 2, 12);
  });

  it('labels of classifiers: agreement, and accuracy where the truth is known', () => {
    const before = [heard([1], [2, 1, 0]), heard([1], [0, 3, 1]), heard([1], [0, 1, 2]), heard([1], [5, 0, 0])];
    const after = [heard([1], [2, 1, 0]), heard([1], [4, 3, 1]), heard([1], [0, 1, 2]), heard([1], [5, 0, 0])];
    const blind = compareHeard(before, after);
    expect(blind.agreement).toBe(0.75);
    expect(blind.accuracy).toBeUndefined();
    expect(lossOf(blind).value).toBe(0.25);
    // The label of the last one is not known; the export is wrong where the original was right, once.
    const known = compareHeard(before, after, [0, 1, 0, -1]);
    expect(known.accuracy).toEqual({ before: 2 / 3, after: 1 / 3 });
    expect(lossOf(known)).toEqual({ value: expect.closeTo(1 / 3, 12), what: 'of accuracy' });
  });

  it('vectors of zeros', () => {
    const zero = new Float32Array(2);
    expect(cosine(zero, zero)).toBe(1);
    expect(cosine(zero, Float32Array.of(1, 0))).toBe(0);
    expect(cosine(Float32Array.of(1, 2), Float32Array.of(-2, -4))).toBeCloseTo(-1, 12);
  });

  it('refuses nothing, and embeddings that have nothing to do with each other', () => {
    expect(() => compareHeard([], [])).toThrow(/at least one/);
    expect(() => compareHeard([heard([1, 2])], [heard([1])])).toThrow(/expected embeddings of 2 values, got 1/);
  });
});

it('checkQuality: one line that says what to do, from the tolerance on', () => {
  const figures = compareHeard([heard([1, 0])], [heard([1, 0.1])]);
  const { value } = lossOf(figures);
  expect(() => checkQuality(figures, value, 'onnx-int8 of x')).not.toThrow();
  expect(() => checkQuality(figures, value / 2, 'onnx-int8 of x')).toThrow(
    /^export: onnx-int8 of x loses 0\.00496 of cosine between embeddings on 1 recordings, more than.*--force$/,
  );
  expect(qualityLine(figures)).toBe(
    'on 1 recording: cosine 0.995037 (mean), 0.995037 (worst), largest difference 0.100',
  );
});

it('compareEncoders: labels by name, and recordings one after the other', async () => {
  const encoder = (logits: (first: number) => number[]): Encoder => {
    const embed: Encoder['embed'] = async ({ channels }) => ({
      ...heard([1, 2], logits(channels[0][0])),
      bands: [],
    });
    const embedMany: Encoder['embedMany'] = (all) => Promise.all(all.map((one) => embed(one)));
    return {
      id: 'x',
      fingerprint: '',
      labels: { names: ['a', 'b'], several: false },
      embed,
      embedMany,
      release: async () => {},
    };
  };
  const recording = (first: number) => ({ channels: [Float32Array.of(first)], sampleRate: 8000, name: `${first}` });
  const figures = await compareEncoders(
    encoder((first) => [first, 0]),
    encoder(() => [1, 0]),
    [
      { recording: recording(1), label: 'a' },
      { recording: recording(-1), label: 'b' },
      { recording: recording(2), label: 'unheard of' },
    ],
  );
  expect(figures.agreement).toBeCloseTo(2 / 3, 12);
  expect(figures.accuracy).toEqual({ before: 1, after: 0.5 });
});

import { describe, expect, it } from 'vitest';
import { float32, type Program } from '../graph/runtime.ts';
import { writeSafetensors } from '../graph/safetensors.ts';
import { farthest, type Golden, goldenBytes, overheard, readGolden } from './golden-file.ts';

const golden: Golden = {
  inputs: {
    x: float32(Float32Array.of(1, 2, 3, 4), [2, 2]),
    places: { dtype: 'int64', shape: [2], data: BigInt64Array.of(3n, -4n) },
  },
  outputs: {
    y: float32(Float32Array.of(0.5, -8), [2]),
    codes: { dtype: 'uint8', shape: [3], data: Uint8Array.of(0, 128, 255) },
  },
};

describe('golden files', () => {
  it('come back as they were written', () => {
    const back = readGolden(goldenBytes(golden), 'x');
    expect(back.inputs).toEqual(golden.inputs);
    expect(back.outputs).toEqual(golden.outputs);
  });

  it('refuse tensors of other files, and none at all', () => {
    const weights = new Map([['w', { dtype: 'F32' as const, shape: [1], data: Float32Array.of(1) }]]);
    expect(() => readGolden(writeSafetensors(weights), 'x.st')).toThrow(/^x\.st: expected tensors input\.NAME/);
    expect(() => readGolden(writeSafetensors(new Map()), 'x.st')).toThrow(/expected golden outputs, found none/);
  });
});

describe('farthest', () => {
  const answer = (y: number[], codes: number[]) => ({
    y: float32(Float32Array.from(y), [2]),
    codes: { dtype: 'uint8' as const, shape: [3], data: Uint8Array.from(codes) },
  });

  it('floats by the largest value, whole numbers as they are', () => {
    expect(farthest(golden, answer([0.5, -8], [0, 128, 255])).difference).toBe(0);
    expect(farthest(golden, answer([0.5, -6], [0, 128, 255]))).toEqual({ output: 'y', difference: 0.25 });
    expect(farthest(golden, answer([0.5, -6], [0, 127, 255]))).toEqual({ output: 'codes', difference: 1 });
  });

  it('what is not a number is infinitely far', () => {
    expect(farthest(golden, answer([Number.NaN, -8], [0, 128, 255])).difference).toBe(Number.POSITIVE_INFINITY);
  });

  it('refuses an output that is missing', () => {
    expect(() => farthest(golden, { y: golden.outputs.y })).toThrow(/expected an output codes uint8 \[3\], got none/);
  });
});

it('overheard: the first run, and nothing changed', async () => {
  let runs = 0;
  const program: Program = {
    run: async ({ x }) => ({ y: { ...x, data: Float32Array.of(++runs) } }),
    release: async () => {},
  };
  const { program: same, first } = overheard(program);
  expect(first()).toBeUndefined();
  await same.run({ x: float32(Float32Array.of(7), [1]) });
  const { y } = await same.run({ x: float32(Float32Array.of(8), [1]) });
  expect(Array.from(y.data as Float32Array)).toEqual([2]);
  expect(first()).toEqual({
    inputs: { x: float32(Float32Array.of(7), [1]) },
    outputs: { y: float32(Float32Array.of(1), [1]) },
  });
});

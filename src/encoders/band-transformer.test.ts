import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Feeds, Program } from '../graph/runtime.ts';
import {
  assembleEmbedding,
  type BandSequences,
  type BandTransformer,
  meanVector,
  placeFrames,
  runBandTransformer,
} from './band-transformer.ts';

/** A program of width 2: CLS is the first value of a sequence twice, tokens are the first value of each patch plus its position. */
function createStub(): { transformer: BandTransformer; runs: number[][] } {
  const runs: number[][] = [];
  const run = async ({ patches, positions, bandPositions }: Feeds): ReturnType<Program['run']> => {
    const [sequences, count, size] = patches.shape as number[];
    runs.push([sequences, count]);
    expect(positions.shape).toEqual([1, count, 2]);
    const values = patches.data as Float32Array;
    const cls = new Float32Array(sequences * 2);
    const tokens = new Float32Array(sequences * count * 2);
    for (let s = 0; s < sequences; s++) {
      const band = bandPositions ? (bandPositions.data as Float32Array)[s * 2] : 0;
      cls.fill(values[s * count * size] + band, s * 2, s * 2 + 2);
      for (let p = 0; p < count; p++) {
        const at = (s * count + p) * 2;
        tokens[at] = values[(s * count + p) * size];
        tokens[at + 1] = (positions.data as Float32Array)[p * 2];
      }
    }
    return {
      cls: { dtype: 'float32', shape: [sequences, 2], data: cls },
      tokens: { dtype: 'float32', shape: [sequences, count, 2], data: tokens },
    };
  };
  const program: Program = { run, release: async () => {} };
  const positions = (count: number) => Float32Array.from({ length: count * 2 }, (_, i) => i >> 1);
  return { transformer: { program, width: 2, patchSize: 3, positions }, runs };
}

const sequences = (start: number, bands: number, patches: number, withBands = false): BandSequences => ({
  values: Float32Array.from({ length: bands * patches * 3 }, (_, i) => start + i),
  bands,
  patches,
  ...(withBands && { bandPositions: Float32Array.from({ length: bands * 2 }, (_, i) => 1000 * (i >> 1)) }),
});

describe('runBandTransformer', () => {
  it('gives every item its own results, whatever shares a run', async () => {
    const shapes = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3 })), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(shapes, fc.boolean(), async (list, withBands) => {
        const { transformer, runs } = createStub();
        const items = list.map(([bands, patches], i) => sequences(100 * i, bands, patches, withBands));
        const outputs = await runBandTransformer(transformer, items);
        expect(runs.length).toBe(new Set(list.map(([, patches]) => patches)).size);
        for (const [i, [bands, patches]] of list.entries()) {
          const firsts = Array.from(
            { length: bands },
            (_, b) => 100 * i + b * patches * 3 + (withBands ? 1000 * b : 0),
          );
          expect([...outputs[i].cls]).toEqual(firsts.flatMap((value) => [value, value]));
          const tokens = Array.from({ length: bands * patches }, (_, t) => [100 * i + 3 * t, t % patches]);
          expect([...outputs[i].tokens]).toEqual(tokens.flat());
        }
      }),
      { numRuns: 50 },
    );
  });

  it('bounds the tokens of a run, and takes one item at least', async () => {
    const { transformer, runs } = createStub();
    const items = Array.from({ length: 5 }, (_, i) => sequences(i, 30, 99)); // 3000 tokens each
    const outputs = await runBandTransformer(transformer, [sequences(9, 100, 99), ...items]);
    expect(outputs).toHaveLength(6);
    expect(runs).toEqual([
      [100, 99],
      [60, 99],
      [60, 99],
      [30, 99],
    ]);
    expect(outputs.map(({ cls }) => cls[0])).toEqual([9, 0, 1, 2, 3, 4]);
  });
});

describe('frames and vectors', () => {
  it('are put in rows of time, bands side by side', () => {
    const frames = new Float32Array(3 * 4);
    // two bands of two patches, width 2, from row 1 on
    placeFrames(frames, Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), 2, 2, 1);
    expect([...frames]).toEqual([0, 0, 0, 0, 1, 2, 5, 6, 3, 4, 7, 8]);
  });

  it('are averaged over segments', () => {
    const vectors = [Float32Array.of(1, 2), Float32Array.of(2, 4), Float32Array.of(6, 0)];
    expect(meanVector(vectors)).toEqual(Float32Array.of(3, 2));
    const outputs = vectors.map((cls) => ({ cls, tokens: new Float32Array(0) }));
    const bands = [{ lowHz: 0, highHz: 1, start: 0, end: 2 }];
    expect(assembleEmbedding(outputs, bands, undefined)).toEqual({ vector: Float32Array.of(3, 2), bands });
  });
});

import { describe, expect, it } from 'vitest';
import { floats, floats32, type GoldenTensor, hasGolden, maxDifference, readGolden } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { float32 } from '../graph/runtime.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { input } from '../graph/tensor.ts';
import { createScope } from '../nn/parameters.ts';
import { relativeBucket, relativeBuckets } from '../nn/relative-positions.ts';
import { beatsFbank } from '../signal/kaldi-fbank.ts';
import { small } from './beats.test-util.ts';
import { coarserMask } from './beats.ts';
import { beatsTokens, beatsTransformer } from './beats-transformer.ts';
import { cutPatches } from './mel-patches.ts';
import { withoutMean } from './sounds.test-util.ts';

const there = hasGolden('peers_beats');

describe.skipIf(!there)("golden numbers of BEATs' transformer (shared/golden/peers_beats, beside the project)", () => {
  const read = (file: string): Map<string, GoldenTensor> =>
    there ? readGolden(`peers_beats/${file}.safetensors`) : new Map();
  const golden = read('io');
  const model = read('model') as Map<string, StoredTensor>;

  /** Everything the transformer computes of normalised log-mels [frames, 128]. */
  async function listen(features: Float32Array, padding?: Uint8Array) {
    const rows = Math.floor(features.length / 128 / 16);
    const length = 8 * rows;
    const scope = createScope();
    const { embedded, tokens } = beatsTokens(scope, small, input('patches', ['sequences', 'patches', 256]));
    const { convolved, normed, bias, layers } = beatsTransformer(
      scope,
      small,
      tokens,
      input('buckets', ['patches', 'patches'], 'int64'),
      padding && { padding: input('padding', ['sequences', 'patches']) },
    );
    const outputs = {
      patch_embed: embedded,
      tokens_in: tokens,
      pos_conv: convolved,
      encoder_in: normed,
      position_bias: bias,
      ...Object.fromEntries(layers.map(({ output }, i) => [`layer.${i}`, output])),
      ...Object.fromEntries(layers.map(({ grep }, i) => [`grep_linear.${i}`, grep])),
    };
    return runGraph(outputs, model, {
      patches: float32(cutPatches(features, rows), [1, length, 256]),
      buckets: relativeBuckets(length, 320, 800),
      ...(padding && { padding: float32(Float32Array.from(padding), [1, length]) }),
    });
  }

  const mean = (tokens: ArrayLike<number>, counts: (token: number) => boolean = () => true): number[] => {
    const sum = new Array<number>(64).fill(0);
    let count = 0;
    for (let t = 0; t < tokens.length / 64; t++) {
      if (!counts(t)) continue;
      count++;
      for (let d = 0; d < 64; d++) sum[d] += tokens[t * 64 + d];
    }
    return sum.map((value) => value / count);
  };

  it.each(['short', 'mid'])('computes every step of %s', async (signal) => {
    const found = await listen(floats32(golden, `${signal}.input`));
    const compared = Object.entries(found).filter(([key]) => golden.has(`${signal}.${key}`));
    expect(compared).toHaveLength(signal === 'short' ? 11 : 7);
    for (const [key, values] of compared) {
      const tolerance = key === 'position_bias' ? 1e-30 : key === 'patch_embed' ? 5e-6 : 3e-4;
      expect(maxDifference(values, floats(golden, `${signal}.${key}`)), key).toBeLessThan(tolerance);
    }
    expect(maxDifference(found['layer.2'], floats(golden, `${signal}.tokens`))).toBeLessThan(3e-4);
  });

  it('hears 17 s at once, with distances beyond the last bucket', async () => {
    const wave = floats32(golden, 'long.wave');
    const whole = await listen(beatsFbank(wave).values);
    expect(maxDifference(whole['layer.2'], floats(golden, 'long.tokens'))).toBeLessThan(3e-4);
    expect(maxDifference(mean(whole['layer.2']), floats(golden, 'long.emb'))).toBeLessThan(5e-5);
    const centred = await listen(beatsFbank(withoutMean(wave)).values);
    expect(maxDifference(mean(centred['layer.2']), floats(golden, 'long.emb_demeaned'))).toBeLessThan(5e-5);
  });

  it('leaves padding out', async () => {
    const bytes = (key: string) => golden.get(`masked.${key}`)?.data as Uint8Array;
    const frames = coarserMask(bytes('sample_mask'), 309);
    expect(frames).toEqual(bytes('frame_mask'));
    const tokens = coarserMask(frames, 152);
    expect(tokens).toEqual(bytes('token_mask'));
    expect(new Set(tokens).size).toBe(2);
    const found = await listen(beatsFbank(floats32(golden, 'masked.wave')).values, tokens);
    expect(maxDifference(found['layer.2'], floats(golden, 'masked.tokens'))).toBeLessThan(3e-4);
    const valid = mean(found['layer.2'], (token) => tokens[token] === 0);
    expect(maxDifference(valid, floats(golden, 'masked.emb_valid_mean'))).toBeLessThan(5e-5);
  });

  it('sorts distances into the same buckets', () => {
    const [distances, buckets] = ['rel', 'index'].map((key) => [...(golden.get(`bucket.${key}`)?.data as Int32Array)]);
    expect(distances.map((distance) => relativeBucket(distance, 320, 800))).toEqual(buckets);
    expect(Math.max(...distances)).toBeGreaterThan(800);
  });
});

it('makes a padding mask coarser: a group is padded if all of it is, and a rest is dropped', () => {
  expect([...coarserMask(Uint8Array.of(0, 1, 1, 1, 1, 1, 0), 3)]).toEqual([0, 1, 1]);
  expect([...coarserMask(Uint8Array.of(0, 0, 0, 1, 1, 1, 1), 2)]).toEqual([0, 1]);
});

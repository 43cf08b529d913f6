import { describe, expect, it } from 'vitest';
import { floats, floats32, hasGolden, maxDifference } from '../../tests/golden.ts';
import { parameterCount } from '../nn/parameters.ts';
import { buildEncoder, parameterShapes, recogniseWeights } from './build.ts';
import { dasheng, dashengChunks, dashengSizes } from './dasheng.ts';
import { namedArchitectures } from './load.node.ts';
import { hear, melVitGolden } from './mel-vit.test-util.ts';
import { recordingOf, withoutMean } from './sounds.test-util.ts';

const { model, golden } = melVitGolden('peers_dasheng');
const config = { width: 64, depth: 2, heads: 4, columns: 80, targetLength: 320 };
const padded = { ...config, chunks: 'padded' as const };

describe.skipIf(!hasGolden('peers_dasheng'))('reference numbers beside the project (peers_dasheng)', () => {
  it.each(['short', 'mid'])('%s: every step', async (clip) => {
    const found = await hear(dasheng, config, model, floats32(golden, `${clip}.wave`));
    const expected = (name: string) => floats(golden, `${clip}.${name}`);
    expect(maxDifference(found.levels, expected('mel_db'))).toBeLessThan(2e-3);
    expect(maxDifference(found.input, expected('input'))).toBeLessThan(2e-4);
    expect(maxDifference(found.patchEmbed, expected('patch_embed'))).toBeLessThan(1e-5);
    for (const [i, name] of ['tokens_in', 'layer.0', 'layer.1'].entries()) {
      expect([name, maxDifference(found.states[i], expected(name)) < 1e-5]).toEqual([name, true]);
    }
    expect(maxDifference(found.tokens[0], expected('tokens'))).toBeLessThan(3e-4);
  });

  it.each([
    ['long', 'tokens_rmis', config],
    ['rem', 'tokens_rmis', config],
    ['long', 'tokens', padded],
    ['rem', 'tokens', padded],
  ])('%s: chunks as in %s', async (clip, name, own) => {
    const found = await hear(dasheng, own, model, floats32(golden, `${clip}.wave`));
    expect(maxDifference(found.levels, floats(golden, `${clip}.mel_db`))).toBeLessThan(2e-3);
    const counted = found.tokens.flatMap((tokens, i) => [...tokens.subarray(0, found.chunks[i].counted * 64)]);
    expect(maxDifference(counted, floats(golden, `${clip}.${name}`))).toBeLessThan(3e-4);
  });

  it.each<['padded' | undefined, [string, string][]]>([
    [
      undefined,
      [
        ['short', 'emb'],
        ['mid', 'emb'],
        ['long', 'emb_rmis'],
        ['rem', 'emb_rmis'],
      ],
    ],
    [
      'padded',
      [
        ['mid', 'emb'],
        ['long', 'emb'],
        ['rem', 'emb'],
      ],
    ],
  ])('embeddings (chunks: %s)', async (chunks, cases) => {
    const architecture = recogniseWeights(model, { heads: 4, ...(chunks && { chunks }) });
    expect(architecture).toMatchObject({ family: 'dasheng', config: chunks ? padded : config });
    const encoder = await buildEncoder('dasheng', architecture, model);
    const waves = cases.map(([clip]) => recordingOf(floats32(golden, `${clip}.wave`)));
    const found = await encoder.embedMany(waves);
    for (const [i, [clip, name]] of cases.entries()) {
      const difference = maxDifference(found[i].vector, floats(golden, `${clip}.${name}`));
      expect([clip, difference < 5e-5]).toEqual([clip, true]);
    }
    for (const clip of ['short', 'mid']) {
      const { vector } = await encoder.embed(recordingOf(withoutMean(floats32(golden, `${clip}.wave`))));
      expect(maxDifference(vector, floats(golden, `${clip}.emb_demeaned`))).toBeLessThan(5e-5);
    }
    await encoder.release();
  });
});

describe('chunks', () => {
  const own = (frames: number, chunks?: 'padded') =>
    dashengChunks(frames, { ...dashengSizes.base, ...(chunks && { chunks }) }).map(
      ({ from, columns, counted, heard }) => [from, columns, counted, heard],
    );

  it.each<[number, number[][]]>([
    [4, [[0, 1, 1, 1]]],
    [1001, [[0, 250, 250, 250]]],
    [1011, [[0, 252, 252, 252]]],
    [
      1012,
      [
        [0, 252, 252, 252],
        [1008, 1, 1, 1],
      ],
    ],
    [
      2116,
      [
        [0, 252, 252, 252],
        [1008, 252, 252, 252],
        [2016, 25, 25, 25],
      ],
    ],
  ])('of %i frames: tokens by 252', (frames, expected) => {
    expect(own(frames)).toEqual(expected);
  });

  it.each<[number, number[][]]>([
    [1008, [[0, 252, 252, 252]]],
    // Nothing but padding counts in the release, too.
    [
      1011,
      [
        [0, 252, 252, 252],
        [1008, 252, 252, 0],
      ],
    ],
    [
      1012,
      [
        [0, 252, 252, 252],
        [1008, 252, 1, 1],
      ],
    ],
    [
      2016,
      [
        [0, 252, 252, 252],
        [1008, 252, 252, 252],
      ],
    ],
  ])('of %i frames, padded: frames by 1008', (frames, expected) => {
    expect(own(frames, 'padded')).toEqual(expected);
  });
});

it.each([
  ['base', 85.4],
  ['0.6B', 630],
  ['1.2B', 1134],
])('%s has the published number of parameters, %f million', (size, millions) => {
  const count = parameterCount(parameterShapes(namedArchitectures.get(`dasheng-${size}`)!)) / 1e6;
  expect(Math.abs(count - millions)).toBeLessThan(millions === 85.4 ? 0.06 : 1);
});

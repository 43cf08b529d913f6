import { describe, expect, it } from 'vitest';
import { floats, floats32, hasGolden, maxDifference } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { toFloat32 } from '../graph/stored-tensor.ts';
import { createScope, parameterCount } from '../nn/parameters.ts';
import { buildEncoder, parameterShapes, recogniseWeights } from './build.ts';
import { ced, cedChunks, cedSizes } from './ced.ts';
import { namedArchitectures } from './load.node.ts';
import { hear, melVitGolden, valuesOf } from './mel-vit.test-util.ts';
import { timePositions } from './mel-vit.ts';
import { recordingOf, withoutMean } from './sounds.test-util.ts';

const { model, golden } = melVitGolden('peers_ced');
const config = { width: 64, depth: 2, heads: 4, columns: 20, targetLength: 332 };
const architecture = () => recogniseWeights(model, { heads: 4, targetLength: 332 });

/** The classifier of the release: norm (epsilon 1e-6), linear, sigmoid. */
function probabilities(mean: ArrayLike<number>): number[] {
  const [gain, bias, matrix, offset] = ['0.weight', '0.bias', '1.weight', '1.bias'].map((name) =>
    valuesOf(model, `outputlayer.${name}`),
  );
  const values = Array.from(mean);
  const centre = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / values.length;
  const normed = values.map((value, d) => ((value - centre) / Math.sqrt(variance + 1e-6)) * gain[d] + bias[d]);
  return Array.from(offset, (start, row) => {
    const logit = normed.reduce((sum, value, d) => sum + value * matrix[row * values.length + d], start);
    return 1 / (1 + Math.exp(-logit));
  });
}

const meanRow = (tokens: ArrayLike<number>, width: number): number[] =>
  Array.from({ length: width }, (_, d) => {
    const count = tokens.length / width;
    return (
      Array.from({ length: count }, (_, t) => tokens[t * width + d]).reduce((sum, value) => sum + value, 0) / count
    );
  });

const averaged = (rows: number[][]): number[] => meanRow(rows.flat(), rows[0].length);

describe.skipIf(!hasGolden('peers_ced'))('reference numbers beside the project (peers_ced)', () => {
  it.each(['short', 'mid'])('%s: every step', async (clip) => {
    const wave = floats32(golden, `${clip}.wave`);
    const found = await hear(ced, config, model, wave);
    const expected = (name: string) => floats(golden, `${clip}.${name}`);
    expect(maxDifference(found.levels, expected('mel_db'))).toBeLessThan(2e-3);
    expect(maxDifference(found.input, expected('input'))).toBeLessThan(2e-4);
    expect(maxDifference(found.patchEmbed, expected('patch_embed'))).toBeLessThan(1e-5);
    for (const [i, name] of ['tokens_in', 'layer.0', 'layer.1'].entries()) {
      expect([name, maxDifference(found.states[i], expected(name)) < 1e-5]).toEqual([name, true]);
    }
    expect(maxDifference(found.tokens[0], expected('tokens'))).toBeLessThan(3e-4);
    expect(maxDifference(probabilities(meanRow(found.tokens[0], 64)), expected('probs'))).toBeLessThan(5e-5);
  });

  it.each(['long', 'exact'])('%s: chunks, the last one zero-padded', async (clip) => {
    const found = await hear(ced, config, model, floats32(golden, `${clip}.wave`));
    expect(maxDifference(found.levels, floats(golden, `${clip}.mel_db`))).toBeLessThan(2e-3);
    // The release drops a last chunk that is full.
    const kept = clip === 'exact' ? found.tokens.slice(0, -1) : found.tokens;
    const flat = kept.flatMap((tokens) => [...tokens]);
    expect(maxDifference(flat, floats(golden, `${clip}.tokens`))).toBeLessThan(3e-4);
    const heard = averaged(kept.map((tokens) => probabilities(meanRow(tokens, 64))));
    expect(maxDifference(heard, floats(golden, `${clip}.probs`))).toBeLessThan(5e-5);
    if (clip === 'exact') expect(maxDifference(meanRow(flat, 64), floats(golden, 'exact.emb'))).toBeLessThan(5e-5);
  });

  it('embeddings', async () => {
    const encoder = await buildEncoder('ced', architecture(), model);
    const wave = (clip: string) => floats32(golden, `${clip}.wave`);
    const cases: [Float32Array, string][] = [
      [wave('short'), 'short.emb'],
      [wave('mid'), 'mid.emb'],
      [wave('long'), 'long.emb'],
      [wave('exact'), 'exact.emb_all_chunks'],
      [withoutMean(wave('short')), 'short.emb_demeaned'],
      [withoutMean(wave('mid')), 'mid.emb_demeaned'],
    ];
    const found = await encoder.embedMany(cases.map(([samples]) => recordingOf(samples)));
    for (const [i, [, name]] of cases.entries()) {
      expect([name, maxDifference(found[i].vector, floats(golden, name)) < 5e-5]).toEqual([name, true]);
    }
    await encoder.release();
  });

  it.each([
    [448, 28],
    [160, 10],
  ])('positions in a model of %i frames', async (targetLength, columns) => {
    const positions = timePositions(createScope(), ced, { ...config, targetLength });
    const found = await runGraph({ positions }, model, {});
    const expected = floats(golden, `resize.time_pos_embed_${targetLength}`);
    // [1, D, 1, columns] there, [1, 1, columns, D] here.
    const own = Float64Array.from(expected, (_, i) => found.positions[(i % columns) * 64 + Math.floor(i / columns)]);
    expect(maxDifference(own, expected)).toBeLessThan(1e-6);
  });

  it('is recognised, with its sizes and statistics', () => {
    expect(architecture()).toMatchObject({ family: 'ced', config });
    expect(recogniseWeights(model).config).toMatchObject({ heads: 1, columns: 20, targetLength: 320 });
    const mean = architecture().frontEnd?.get('init_bn.1.running_mean');
    expect(mean && toFloat32(mean)).toEqual(valuesOf(model, 'init_bn.1.running_mean'));
  });
});

describe('chunks', () => {
  const at = (frames: number, targetLength = 1012) =>
    cedChunks(frames, { ...cedSizes.tiny, targetLength }).map(({ from, columns, counted, heard }) => {
      expect(counted).toBe(columns);
      return [from, columns, heard];
    });

  it.each<[number, number[][]]>([
    [16, [[0, 1, 1]]],
    [1001, [[0, 62, 62]]],
    [1012, [[0, 63, 63]]],
    [
      1013,
      [
        [0, 63, 63],
        [1012, 63, 0],
      ],
    ],
    [
      2024,
      [
        [0, 63, 63],
        [1012, 63, 63],
      ],
    ],
    [
      2100,
      [
        [0, 63, 63],
        [1012, 63, 63],
        [2024, 63, 4],
      ],
    ],
  ])('of %i frames', (frames, expected) => {
    expect(at(frames)).toEqual(expected);
  });

  it('are as long as the model was built for', () => {
    expect(at(400, 160)).toEqual([
      [0, 10, 10],
      [160, 10, 10],
      [320, 10, 5],
    ]);
  });
});

it.each([
  ['tiny', 5.5],
  ['mini', 9.7],
  ['small', 21.62],
  ['base', 85.71],
])('%s has the published number of parameters, %f million with its classifier', (size, millions) => {
  const shapes = parameterShapes(namedArchitectures.get(`ced-${size}`)!);
  const width = cedSizes[size as keyof typeof cedSizes].width;
  expect((parameterCount(shapes) + 2 * width + 527 * (width + 1)) / 1e6).toBeCloseTo(millions, 2);
});

import { describe, expect, it } from 'vitest';
import { floats, floats32, type GoldenTensor, maxDifference } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { float32 } from '../graph/runtime.ts';
import { input, type Tensor } from '../graph/tensor.ts';
import { createScope } from '../nn/parameters.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { randomWeights } from './build.ts';
import { feedsOf, goldenFeeds, layersOf, readGoldenSpeech } from './speech.test-util.ts';
import { speechFeeds } from './speech.ts';
import { speechArchitecture } from './speech-family.ts';
import { type SpeechConfig, speechFrames, speechTransformer } from './speech-transformer.ts';

const statesOf = (layers: { states: Tensor[] }, prefix = '') =>
  Object.fromEntries(layers.states.map((state, i) => [`${prefix}hidden_states.${i}`, state]));

/** Every output against the reference of its name. */
function expectGolden(found: Record<string, Float32Array>, io: Map<string, GoldenTensor>, count: number): void {
  const differences = Object.entries(found).map(
    ([key, values]) => [key, maxDifference(values, floats(io, key))] as const,
  );
  expect(differences).toHaveLength(count);
  expect(differences.filter(([, difference]) => !(difference < 1e-4))).toEqual([]);
}

/** [2, frames]: 1 up to the frames of each clip. */
function maskOf(counts: readonly number[], frames: number): Float32Array {
  const mask = new Float32Array(counts.length * frames);
  for (const [clip, count] of counts.entries()) mask.fill(1, clip * frames, clip * frames + count);
  return mask;
}

describe.each(['wav2vec2_group_post', 'wav2vec2_layer_pre'])('%s', (folder) => {
  const { config, model, io } = readGoldenSpeech(folder);

  it.each([8000, 'samples'] as const)('computes every layer (length: %s)', async (length) => {
    const layers = layersOf(config, length);
    const outputs = {
      ...Object.fromEntries(layers.convolutions.map((x, i) => [`norm.conv.${i}`, x])),
      'norm.feat_proj_norm': layers.normed,
      'norm.feat_proj': layers.projected,
      'norm.pos_conv': layers.positions,
      ...statesOf(layers, 'norm.'),
    };
    expectGolden(await runGraph(outputs, model, goldenFeeds(io, 'input_values', config)), io, 14);
  });

  it.each([true, false])('computes the states of samples as they are (fused attention: %s)', async (fusedAttention) => {
    const outputs = statesOf(layersOf(config, 8000, { fusedAttention }), 'raw.');
    expectGolden(await runGraph(outputs, model, goldenFeeds(io, 'input_raw', config)), io, 4);
  });

  it.each([8000, 'samples'] as const)('does not attend to zeros behind a clip (length: %s)', async (length) => {
    const counts = Array.from(io.get('padded.frame_lengths')?.data as BigInt64Array, Number);
    expect(counts).toEqual([8000, 6000].map(speechFrames));
    const frames = speechFrames(8000);
    const last = layersOf(config, length, { masked: true }).states[config.depth];
    const { found } = await runGraph({ found: last }, model, {
      ...goldenFeeds(io, 'padded.input_values', config),
      mask: float32(maskOf(counts, frames), [2, frames]),
    });
    const wanted = floats32(io, 'padded.last_hidden_state');
    for (const [clip, count] of counts.entries()) {
      const [from, to] = [clip * frames, clip * frames + count].map((row) => row * config.width);
      expect(maxDifference(found.subarray(from, to), wanted.subarray(from, to)), `clip ${clip}`).toBeLessThan(1e-4);
    }
  });
});

describe('wavlm_group_post', () => {
  const { config, model, io } = readGoldenSpeech('wavlm_group_post');

  it.each([
    16_000,
    'samples',
  ] as const)('computes every layer, its positions and gates (length: %s)', async (length) => {
    const layers = layersOf(config, length);
    const outputs = {
      feat_proj: layers.projected,
      position_bias: layers.bias as Tensor,
      'layer0.gate': layers.gates[0],
      ...statesOf(layers),
    };
    expect(layers.gates).toHaveLength(config.depth);
    expectGolden(await runGraph(outputs, model, goldenFeeds(io, 'input_values', config)), io, 7);
  });

  it('asks for its buckets', () => {
    const samples = input('samples', [1, 400]);
    expect(() => speechTransformer(createScope(), config, { samples, frames: 1 })).toThrow(
      'speechTransformer: WavLM needs the buckets of its frames',
    );
  });
});

it('hears a shorter clip behind a mask as if it were alone, positions and gates too', async () => {
  const config: SpeechConfig = {
    ...{ width: 64, depth: 2, heads: 4, hidden: 96, convWidth: 16, normalize: 'clip', buckets: 16, maxDistance: 20 },
    ...{ convNorm: 'layer', convBias: 'yes', blockNorm: 'pre' },
  };
  const weights = randomWeights(speechArchitecture(config), 4);
  const random = createRandom('clips');
  const samples = Float32Array.from({ length: 16_000 }, () => random.gaussian(0, 1));
  const [frames, fewer] = [8000, 5210].map(speechFrames);
  const padded = samples.slice();
  padded.fill(0, 8000 + 5210);
  const { together } = await runGraph(
    { together: layersOf(config, 8000, { masked: true }).states[config.depth] },
    weights,
    { ...feedsOf(padded, config), mask: float32(maskOf([frames, fewer], frames), [2, frames]) },
  );
  const { alone } = await runGraph(
    { alone: layersOf(config, 'samples').states[config.depth] },
    weights,
    speechFeeds([samples.subarray(8000, 8000 + 5210)], config),
  );
  const from = frames * config.width;
  expect(maxDifference(together.subarray(from, from + alone.length), alone)).toBeLessThan(1e-4);
  expect(alone).toHaveLength(fewer * config.width);
});

it('counts frames as the convolutions do: 49 in a second, one in 400 samples, none in fewer', () => {
  expect([16_000, 8000, 400, 399, 0, 720, 719].map(speechFrames)).toEqual([49, 24, 1, 0, 0, 2, 1]);
});

it('hands every branch of every block to drop path', () => {
  const { config } = readGoldenSpeech('wav2vec2_group_post');
  const blocks: number[] = [];
  const branch = (x: Tensor, block: number) => {
    expect(x.shape).toEqual([1, 24, 64]);
    blocks.push(block);
    return x;
  };
  speechTransformer(createScope(), config, { samples: input('samples', [1, 8000]), frames: 24 }, { branch });
  expect(blocks).toEqual([0, 0, 1, 1, 2, 2]);
});

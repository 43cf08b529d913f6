// Speech encoders as a family: how their checkpoints are recognised and sized, and how fine-tuning sees them.

import { input } from '../graph/tensor.ts';
import { InputError } from '../signal/errors.ts';
import type { ConfigHints } from './config-hints.ts';
import { type Architecture, architecturesOf, countLayers, type Family, headsFor, shapeAt } from './family.ts';
import { findCounts, findSetting } from './published-settings.ts';
import { requireRate } from './requirements.ts';
import {
  createSpeech,
  SPEECH_LEAST,
  SPEECH_RATE,
  speechFeeds,
  speechGraph,
  speechSamples,
  speechSizes,
} from './speech.ts';
import { speechName } from './speech-names.ts';
import { type SpeechConfig, speechFrames, speechTransformer } from './speech-transformer.ts';
import type { Trunk } from './trunk.ts';

/** What fine-tuning hears: the samples of a crop as rows of one value, normalised where the model wants it. */
const speechTrunk = (config: SpeechConfig): Trunk => ({
  sampleRate: SPEECH_RATE,
  leastSamples: () => SPEECH_LEAST,
  width: config.width,
  states: config.depth + 1,
  features: (samples, sampleRate) => {
    requireRate('speech', sampleRate, SPEECH_RATE);
    return { values: speechSamples(samples, config), frames: samples.length, bins: 1 };
  },
  feeds: (features) =>
    speechFeeds(
      features.map(({ values }) => values),
      config,
    ),
  graph: (scope, { count, samples: length }, options) => {
    const frames = speechFrames(length);
    const samples = input('samples', [count, length]);
    const buckets = config.buckets === undefined ? undefined : input('buckets', [frames, frames], 'int64');
    return { states: speechTransformer(scope, config, { samples, frames, buckets }, options).states, cls: 0 };
  },
});

export const speechArchitecture = (config: SpeechConfig): Architecture => ({
  family: 'speech',
  config,
  graph: (scope, options) => speechGraph(scope, config, options),
  create: (id, fingerprint, _weights, program) => createSpeech(id, fingerprint, config, program),
  trunk: speechTrunk(config),
});

/** What `config.json`, `preprocessor_config.json` and the `cfg` of Microsoft's and fairseq's files say. */
function speechHints(settings: unknown): ConfigHints {
  const normalize = findSetting(settings, 'boolean', 'do_normalize', 'normalize');
  const stable = findSetting(settings, 'boolean', 'do_stable_layer_norm', 'layer_norm_first');
  return {
    ...findCounts(settings, {
      heads: ['num_attention_heads', 'encoder_attention_heads'],
      maxDistance: ['max_bucket_distance', 'max_distance'],
    }),
    ...(normalize !== undefined && { normalize: normalize ? 'clip' : 'none' }),
    ...(stable !== undefined && { blockNorm: stable ? 'pre' : 'post' }),
  };
}

const FIRST_ATTENTION = 'encoder.layers.0.attention';
const CONVOLUTIONS = 'feature_extractor.conv_layers';

/**
 * wav2vec 2.0, HuBERT, UniSpeech(-SAT) and WavLM, by the names of Hugging Face with any prefix, or Microsoft's. Heads and
 * the place of the norms come from the file's settings; without them heads are 64 wide and blocks normalise first where
 * the convolutions have layer norms. Whether clips are normalised, where no setting says so: yes, as the published
 * preprocessors of wav2vec 2.0 and HuBERT and of all large models do; not for a WavLM of the base kind.
 */
export const speechFamily: Family = {
  name: 'speech',
  sizes: architecturesOf<SpeechConfig>(speechSizes, speechArchitecture),
  registryName: (size) => size,
  recognises: (weights) =>
    weights.has(`${CONVOLUTIONS}.0.conv.weight`) && weights.has(`${FIRST_ATTENTION}.q_proj.weight`),
  rename: speechName,
  hintsFrom: speechHints,
  infer: (weights, hints) => {
    const adapted = [...weights.keys()].find((name) => name.includes('.adapter_layer.'));
    if (adapted !== undefined) {
      throw new InputError(
        `loadEncoder: expected a speech encoder without adapters, got ${adapted}; use the base model`,
      );
    }
    const [width, convWidth] = shapeAt(weights, 'feature_projection.projection.weight');
    const depth = countLayers(weights, 'encoder.layers.', '.attention.q_proj.weight');
    const [hidden] = shapeAt(weights, 'encoder.layers.0.feed_forward.intermediate_dense.weight');
    const convNorm = weights.has(`${CONVOLUTIONS}.1.layer_norm.weight`) ? 'layer' : 'group';
    const blockNorm = hints.blockNorm ?? (convNorm === 'layer' ? 'pre' : 'post');
    const gated = weights.has(`${FIRST_ATTENTION}.gru_rel_pos_const`);
    const [buckets, heads] = gated ? shapeAt(weights, `${FIRST_ATTENTION}.rel_attn_embed.weight`) : [];
    return speechArchitecture({
      width,
      depth,
      heads: headsFor(width, { heads: hints.heads ?? heads }),
      hidden,
      convWidth,
      convNorm,
      convBias: weights.has(`${CONVOLUTIONS}.0.conv.bias`) ? 'yes' : 'no',
      blockNorm,
      normalize: hints.normalize ?? (gated && blockNorm === 'post' ? 'none' : 'clip'),
      ...(gated && { buckets, maxDistance: hints.maxDistance ?? 800 }),
    });
  },
};

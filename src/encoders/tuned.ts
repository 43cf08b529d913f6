// A fine-tuned encoder: the hidden states of another one, with the head that fine-tuning gave it. It hears a recording in
// segments of the length it was trained on.
import { reduceMean } from '../graph/reduce.ts';
import type { Program } from '../graph/runtime.ts';
import type { Tensor } from '../graph/tensor.ts';
import { createScope, type ParameterScope } from '../nn/parameters.ts';
import { dense } from '../nn/transformer.ts';
import { concatenate } from '../signal/concatenate.ts';
import { InputError } from '../signal/errors.ts';
import type { Recording } from '../signal/recording.ts';
import { overlappingPieces, pieceStarts } from '../signal/segments.ts';
import type { GraphOptions } from './band-transformer.ts';
import type { TunedConfig } from './config-hints.ts';
import type { Architecture, Family, StateDict } from './family.ts';
import { channelAt } from './requirements.ts';
import type { Trunk } from './trunk.ts';
import { HEAD_PREFIX, recordingVector, tunedHead } from './tuned-head.ts';
import type { Band, Embedding, EmbedOptions, Encoder } from './types.ts';

/** Weights of the encoder below stand under this. */
export const TRUNK_PREFIX = 'trunk.';
/** Classifier: `.weight` [C, E], `.bias` [C]. */
export const CLASSES_KEY = `${HEAD_PREFIX}classes`;

/**
 * Segments that are heard together, which bounds the memory that a long recording needs. Transformer pooling sees so many;
 * the vector of a longer recording is the mean over such parts of it.
 */
export const SEGMENTS_PER_RUN = 32;

/** A scope whose names stand behind a prefix. */
export const within =
  (scope: ParameterScope, prefix: string): ParameterScope =>
  (name, shape) =>
    scope(`${prefix}${name}`, shape);

/** What stands below a prefix, without it. */
export const below = <T>(tensors: ReadonlyMap<string, T>, prefix: string): Map<string, T> =>
  new Map(
    [...tensors].flatMap(([name, own]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), own] as const] : [])),
  );

/**
 * The inference graph for the segments of one recording: `embedding` [1, E], `segments` [S, E], and of a classifier
 * `logits` [1, C], the mean over the segments.
 */
function tunedGraph(
  scope: ParameterScope,
  config: TunedConfig,
  trunk: Trunk,
  options?: GraphOptions,
): Record<string, Tensor> {
  const crops = { count: 'segments', samples: config.cropSamples, sampleRate: config.sampleRate };
  const hidden = trunk.graph(within(scope, TRUNK_PREFIX), crops, options);
  const segments = tunedHead(scope, config, hidden, { training: false });
  const outputs = { embedding: recordingVector(scope, config, segments), segments };
  if (!config.labels) return outputs;
  return { ...outputs, logits: reduceMean(dense(scope, CLASSES_KEY, segments, config.labels.names.length), [0], true) };
}

/** Mean of vectors, weighted. */
function weightedMean(parts: readonly { values: Float32Array; weight: number }[]): Float32Array {
  if (parts.length === 1) return parts[0].values;
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  const mean = new Float64Array(parts[0].values.length);
  for (const { values, weight } of parts)
    for (const [d, value] of values.entries()) mean[d] += (value * weight) / total;
  return Float32Array.from(mean);
}

/** An encoder around a compiled program of `tunedGraph`. Its one band is all that it hears. */
function createTuned(id: string, fingerprint: string, config: TunedConfig, trunk: Trunk, program: Program): Encoder {
  const { sampleRate, cropSamples, hopSamples } = config;
  const embedOne = async (recording: Recording, { frames }: EmbedOptions): Promise<Embedding> => {
    const samples = channelAt(recording, sampleRate);
    if (samples.length === 0) {
      throw new InputError(`embed: expected samples, found none (${recording.name}); leave the recording out`);
    }
    const pieces = overlappingPieces(samples, cropSamples, hopSamples);
    const results: Record<'embedding' | 'segments' | 'logits', { values: Float32Array; weight: number }[]> = {
      embedding: [],
      segments: [],
      logits: [],
    };
    for (let from = 0; from < pieces.length; from += SEGMENTS_PER_RUN) {
      const some = pieces.slice(from, from + SEGMENTS_PER_RUN);
      const heard = await program.run(
        trunk.feeds(
          some.map((piece) => trunk.features(piece, sampleRate)),
          sampleRate,
        ),
      );
      for (const name of ['embedding', 'segments', 'logits'] as const) {
        if (heard[name]) results[name].push({ values: heard[name].data as Float32Array, weight: some.length });
      }
    }
    const vector = weightedMean(results.embedding);
    const width = vector.length;
    const band = (size: number): Band[] => [{ lowHz: 0, highHz: sampleRate / 2, start: 0, end: size }];
    const embedding: Embedding = { vector, bands: band(width) };
    if (results.logits.length > 0) embedding.logits = weightedMean(results.logits);
    if (!frames) return embedding;
    const values = concatenate(
      Float32Array,
      results.segments.map((part) => part.values),
    );
    const starts = Float64Array.from(pieceStarts(samples.length, cropSamples, 0, hopSamples), (n) => n / sampleRate);
    const seconds = cropSamples / sampleRate;
    return { ...embedding, frames: { values, count: pieces.length, width, starts, seconds, bands: band(width) } };
  };
  const embedMany = async (recordings: readonly Recording[], options: EmbedOptions = {}): Promise<Embedding[]> => {
    const embeddings: Embedding[] = [];
    for (const recording of recordings) embeddings.push(await embedOne(recording, options));
    return embeddings;
  };
  return {
    id,
    fingerprint,
    ...(config.labels && { labels: config.labels }),
    embedMany,
    embed: (recording, options = {}) => embedOne(recording, options),
    release: () => program.release(),
  };
}

/** The trunk of an encoder. @throws InputError where it cannot be fine-tuned */
export function trunkOf(base: Architecture): Trunk {
  if (base.trunk) return base.trunk;
  throw new InputError(
    `loadEncoder: expected an encoder that can be fine-tuned, got one of family ${base.family}; begin with the one it was made from`,
  );
}

/**
 * The fine-tuned encoder of this configuration.
 * @param base the encoder below, and `weights` its own by its own names
 */
export function tunedArchitecture(config: TunedConfig, base: Architecture, weights: StateDict): Architecture {
  const trunk = trunkOf(base);
  const outside = [...(base.frontEnd?.keys() ?? [])].flatMap((name) => {
    const tensor = weights.get(name);
    return tensor ? [[`${TRUNK_PREFIX}${name}`, tensor] as const] : [];
  });
  return {
    family: 'tuned',
    config,
    graph: (scope, options) => tunedGraph(scope, config, trunk, options),
    create: (id, fingerprint, _weights, program) => createTuned(id, fingerprint, config, trunk, program),
    frontEnd: new Map(outside),
  };
}

/** @throws InputError for settings that no fine-tuning of this encoder makes: damaged ones */
function checkSettings({ sampleRate, cropSamples, pooling, segments, embedding }: TunedConfig, trunk: Trunk): void {
  const heard = (trunk.sampleRate ?? sampleRate) === sampleRate && cropSamples >= trunk.leastSamples(sampleRate);
  const divides = !segments || embedding === undefined || embedding % segments.heads === 0;
  const crop = { count: 1, samples: cropSamples, sampleRate };
  if (heard && divides && (pooling !== 'cls' || trunk.graph(createScope(), crop).cls > 0)) return;
  throw new InputError(
    `loadEncoder: expected settings that fit the encoder below a fine-tuned one, got crops of ${cropSamples} samples at ${sampleRate} Hz, pooling ${pooling}${segments ? `, ${segments.heads} heads for ${embedding} values` : ''}; restore the file that fine-tuning wrote`,
  );
}

/** Fine-tuned encoders of any of the families. */
export const tunedFamily = (families: readonly Family[]): Family => ({
  name: 'tuned',
  sizes: {},
  recognises: (weights) => [...weights.keys()].some((name) => name.startsWith(TRUNK_PREFIX)),
  infer: (weights, { tuned }) => {
    if (!tuned) {
      throw new InputError(
        'loadEncoder: expected the settings of a fine-tuned encoder beside its weights, found none; restore the file that fine-tuning wrote',
      );
    }
    const own = below(weights, TRUNK_PREFIX);
    const family = families.find(({ name }) => name === tuned.base.family);
    if (!family) {
      throw new InputError(
        `loadEncoder: expected a family of ${families.map(({ name }) => name).join(', ')} below a fine-tuned encoder, got ${tuned.base.family}`,
      );
    }
    const base = family.infer(own, tuned.base.hints);
    checkSettings(tuned, trunkOf(base));
    return tunedArchitecture(tuned, base, own);
  },
});

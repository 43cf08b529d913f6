// Speech encoders that listen to machines: wav2vec 2.0, HuBERT, UniSpeech-SAT and WavLM.

import { reduceMean } from '../graph/reduce.ts';
import { type Feeds, float32, type Program } from '../graph/runtime.ts';
import { input, type Tensor } from '../graph/tensor.ts';
import type { ParameterScope } from '../nn/parameters.ts';
import { relativeBuckets } from '../nn/relative-positions.ts';
import { concatenate } from '../signal/concatenate.ts';
import { InputError } from '../signal/errors.ts';
import type { Recording } from '../signal/recording.ts';
import { type GraphOptions, meanVector } from './band-transformer.ts';
import { batchEncoder } from './batch-encoder.ts';
import { channelAt, requireSamples } from './requirements.ts';
import { segmentStarts } from './segment-starts.ts';
import { SPEECH_HOP, type SpeechConfig, speechFrames, speechTransformer } from './speech-transformer.ts';
import type { Band, Embedding, EmbedOptions, Encoder, Frames } from './types.ts';

const base = {
  width: 768,
  depth: 12,
  heads: 12,
  hidden: 3072,
  convWidth: 512,
  convNorm: 'group',
  convBias: 'no',
  blockNorm: 'post',
  normalize: 'clip',
} as const satisfies SpeechConfig;

/** The published ones, and a small one of our own for tests and small machines. */
export const speechSizes = {
  'wav2vec2-base': base,
  'wav2vec2-xls-r-300m': {
    ...base,
    ...{ width: 1024, depth: 24, heads: 16, hidden: 4096 },
    ...{ convNorm: 'layer', convBias: 'yes', blockNorm: 'pre' },
  },
  'hubert-base': base,
  'unispeech-sat-base': base,
  'wavlm-base-plus': { ...base, normalize: 'none', buckets: 320, maxDistance: 800 },
  'speech-tiny': { ...base, width: 192, depth: 4, heads: 3, hidden: 768, convWidth: 128 },
} satisfies Record<string, SpeechConfig>;

export const SPEECH_RATE = 16_000;
/** Samples of one frame: fewer make none. */
export const SPEECH_LEAST = 400;
/** Samples that are heard at once, 10 s: attention grows with the square. */
const WINDOW = 10 * SPEECH_RATE;
/** Most samples of a run; the first convolution alone makes 400 bytes of each. */
const SAMPLES_PER_RUN = WINDOW;

/**
 * A clip at 16 kHz as the model hears it: (x - mean) / sqrt(biased variance + 1e-5), or as it is.
 * @throws InputError for fewer than 400 samples and values that are not finite
 */
export function speechSamples(samples: Float32Array, { normalize }: SpeechConfig, name = 'a crop'): Float32Array {
  requireSamples('speech', samples.length, SPEECH_LEAST, SPEECH_RATE, name);
  let [sum, squares] = [0, 0];
  for (const value of samples) sum += value;
  if (!Number.isFinite(sum)) throw new InputError(`speech: expected finite samples, got others (${name})`);
  if (normalize === 'none') return samples.slice();
  const mean = sum / samples.length;
  for (const value of samples) squares += (value - mean) ** 2;
  const scale = 1 / Math.sqrt(squares / samples.length + 1e-5);
  return samples.map((value) => (value - mean) * scale);
}

/** Inputs of the graph for clips of equal length, as `speechSamples` gives them. */
export function speechFeeds(clips: readonly Float32Array[], { buckets, maxDistance = 0 }: SpeechConfig): Feeds {
  const [{ length }] = clips;
  const samples = float32(concatenate(Float32Array, clips), [clips.length, length]);
  if (buckets === undefined) return { samples };
  return { samples, buckets: relativeBuckets(speechFrames(length), buckets, maxDistance) };
}

/**
 * The inference graph: inputs `samples` [B, N] and for WavLM `buckets` int64 [T, T]; outputs `frames` [B, T, D], the last
 * hidden state, and `mean` [B, D] over its frames.
 */
export function speechGraph(
  scope: ParameterScope,
  config: SpeechConfig,
  options: GraphOptions = {},
): { mean: Tensor; frames: Tensor } {
  const samples = input('samples', ['clips', 'samples']);
  const buckets = config.buckets === undefined ? undefined : input('buckets', ['frames', 'frames'], 'int64');
  const { states } = speechTransformer(scope, config, { samples, frames: 'frames', buckets }, options);
  const frames = states[config.depth];
  return { mean: reduceMean(frames, [1]), frames };
}

/** One window of a recording: where it starts, its samples as the model hears them. */
type Window = { from: number; samples: Float32Array };
type Heard = { mean: Float32Array; frames: Float32Array };

/** Runs windows, those of one length together; the order of the results is theirs. */
async function hearWindows(program: Program, config: SpeechConfig, windows: readonly Window[]): Promise<Heard[]> {
  const { width } = config;
  const heard = new Array<Heard>(windows.length);
  const byLength = new Map<number, number[]>();
  for (const [i, { samples }] of windows.entries()) {
    byLength.set(samples.length, [...(byLength.get(samples.length) ?? []), i]);
  }
  for (const [length, indices] of byLength) {
    const together = Math.max(1, Math.floor(SAMPLES_PER_RUN / length));
    const size = speechFrames(length) * width;
    for (let at = 0; at < indices.length; at += together) {
      const batch = indices.slice(at, at + together);
      const feeds = speechFeeds(
        batch.map((i) => windows[i].samples),
        config,
      );
      const { mean, frames } = await program.run(feeds);
      for (const [row, i] of batch.entries()) {
        heard[i] = {
          mean: (mean.data as Float32Array).slice(row * width, (row + 1) * width),
          frames: (frames.data as Float32Array).slice(row * size, (row + 1) * size),
        };
      }
    }
  }
  return heard;
}

function framesOf(windows: readonly Window[], heard: readonly Heard[], bands: Band[], width: number): Frames {
  const counts = heard.map(({ frames }) => frames.length / width);
  const count = counts.reduce((sum, own) => sum + own, 0);
  const values = new Float32Array(count * width);
  const starts = new Float64Array(count);
  let at = 0;
  for (const [i, { frames }] of heard.entries()) {
    values.set(frames, at * width);
    for (let t = 0; t < counts[i]; t++) starts[at + t] = (windows[i].from + t * SPEECH_HOP) / SPEECH_RATE;
    at += counts[i];
  }
  return { values, count, width, starts, seconds: SPEECH_HOP / SPEECH_RATE, bands };
}

/**
 * A speech encoder around a compiled program of `speechGraph`. Recordings of other rates are resampled to 16 kHz; those
 * longer than 10 s are heard in windows, the last of which ends with the recording. Each window is a clip of its own to
 * the normalisation. The embedding is the mean over the frames of the last hidden state [D], and over windows; it hears
 * all frequencies at once, so explanations have one band. Frames are 20 ms apart.
 */
export function createSpeech(id: string, fingerprint: string, config: SpeechConfig, program: Program): Encoder {
  const { width } = config;
  const bands: Band[] = [{ lowHz: 0, highHz: SPEECH_RATE / 2, start: 0, end: width }];
  const windowsOf = (recording: Recording): Window[] => {
    const { name } = recording;
    const samples = channelAt(recording, SPEECH_RATE);
    return segmentStarts(samples.length, WINDOW).map(({ from, frames: length }) => ({
      from,
      samples: speechSamples(samples.subarray(from, from + length), config, name),
    }));
  };
  const embedMany = async (recordings: readonly Recording[], options: EmbedOptions = {}): Promise<Embedding[]> => {
    const windows = recordings.map(windowsOf);
    const heard = await hearWindows(program, config, windows.flat());
    let at = 0;
    return windows.map((own) => {
      const parts = heard.slice(at, at + own.length);
      at += own.length;
      const vector = meanVector(parts.map(({ mean }) => mean));
      return options.frames ? { vector, bands, frames: framesOf(own, parts, bands, width) } : { vector, bands };
    });
  };
  return batchEncoder({ id, fingerprint, embedMany, release: () => program.release() });
}

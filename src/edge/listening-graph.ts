// Graphs that a front end of any ONNX settings can feed: samples or filter banks in, what the encoder cuts and adds done inside.

import { AUDIOMAE_DEVIATION, AUDIOMAE_MEAN } from '../encoders/audiomae.ts';
import type { AudiomaeConfig } from '../encoders/audiomae-transformer.ts';
import type { BeatsConfig } from '../encoders/beats-transformer.ts';
import { EAT_MAX_PATCHES, eatPositions } from '../encoders/eat.ts';
import type { EatTransformerConfig } from '../encoders/eat-transformer.ts';
import type { Architecture } from '../encoders/family.ts';
import { COLUMNS, MEL_RATE, MELS, PATCH, PATCH_SIZE } from '../encoders/mel-patches.ts';
import { type OnnxSettings, plainFrontEnd } from '../encoders/onnx-settings.ts';
import { SPEECH_LEAST, SPEECH_RATE } from '../encoders/speech.ts';
import { SPEECH_HOP, type SpeechConfig, speechFrames } from '../encoders/speech-transformer.ts';
import { add, div, mul, sqrt, sub } from '../graph/elementwise.ts';
import { gatherRows } from '../graph/indexing.ts';
import { reduceMean } from '../graph/reduce.ts';
import { reshape, runtimeDim, transpose } from '../graph/reshape.ts';
import { pad, takeLike } from '../graph/slicing.ts';
import { apply, constant, input, int64, type Tensor } from '../graph/tensor.ts';
import { relativeBucket } from '../nn/relative-positions.ts';
import { rewriteGraph } from './rewrite-graph.ts';

export type ListeningGraph = {
  outputs: Record<string, Tensor>;
  /** What to put beside the model, for `--encoder model.onnx`. */
  settings: OnnxSettings;
};

/** Seconds that the encoders of 10 s hear at once, and those of 1024 frames of 25 ms, 10 ms apart. */
const WINDOW_SECONDS = 10;
const secondsOf = (frames: number): number => (frames - 1) * 0.01 + 0.025;

const window = (seconds: number) => ({ seconds, remainder: 0, pad: false });

/** The graph with inputs in place of which `sources` are computed. */
const fedBy = (outputs: Readonly<Record<string, Tensor>>, sources: Readonly<Record<string, Tensor>>) =>
  rewriteGraph(outputs, ({ op, name }) => (op === 'Input' ? [sources[name as string]] : undefined));

/** A whole number computed when the model runs, int64 [1]. */
const whole = (op: 'Add' | 'Sub' | 'Mul' | 'Div', a: Tensor, b: number): Tensor =>
  apply(op, [a, int64([b])], { shape: [1], dtype: 'int64' });

/** Buckets of all pairs of `length` (int64 [1]) positions, at most `most`: int64 [T, T], as `relativeBuckets` has them. */
function bucketsInGraph(
  length: Tensor,
  most: number,
  { buckets, maxDistance }: { buckets: number; maxDistance: number },
): Tensor {
  const all = Array.from({ length: 2 * most - 1 }, (_, i) => relativeBucket(i + 1 - most, buckets, maxDistance));
  const count = int64(Array.from({ length: most }, (_, i) => i));
  const places = apply('Slice', [count, int64([0]), length, int64([0])], { shape: ['positions'], dtype: 'int64' });
  const keys = reshape(places, [1, 'positions']);
  const queries = reshape(places, ['positions', 1]);
  const distances = add(sub(keys, queries), constant([most - 1], [1], 'int64'));
  return gatherRows(int64(all), distances);
}

function speechGraphOf(outputs: Record<string, Tensor>, config: SpeechConfig, parameters: number): ListeningGraph {
  const sound = input('samples', ['clips', 'samples']);
  const centred = sub(sound, reduceMean(sound, [1], true));
  const variance = reduceMean(mul(centred, centred), [1], true);
  const samples = config.normalize === 'clip' ? div(centred, sqrt(add(variance, 1e-5))) : sound;
  const frames = whole('Add', whole('Div', whole('Sub', runtimeDim(sound, 1), SPEECH_LEAST), SPEECH_HOP), 1);
  const most = speechFrames(WINDOW_SECONDS * SPEECH_RATE);
  const { buckets, maxDistance = 0 } = config;
  const relative = buckets !== undefined && { buckets: bucketsInGraph(frames, most, { buckets, maxDistance }) };
  return {
    outputs: fedBy(outputs, { samples, ...relative }),
    settings: {
      rate: SPEECH_RATE,
      input: 'samples',
      output: 'mean',
      frontEnd: { kind: 'waveform' },
      shape: ['1', 'samples'],
      pooling: 'none',
      window: window(WINDOW_SECONDS),
      minSeconds: SPEECH_LEAST / SPEECH_RATE,
      parameters,
    },
  };
}

/** Filter banks [N, frames, 128] as patches [N, L, 256], token = t * 8 + f; frames that fill no patch are left out. */
function patchesInGraph(features: Tensor): Tensor {
  const [clips] = features.shape;
  const end = whole('Mul', whole('Div', runtimeDim(features, 1), PATCH), PATCH);
  const full = apply('Slice', [features, int64([0]), end, int64([1])], {
    shape: [clips, 'whole frames', MELS],
    dtype: 'float32',
  });
  const apart = reshape(full, [clips, 'rows', PATCH, COLUMNS, PATCH]);
  return reshape(transpose(apart, [0, 1, 3, 2, 4]), [clips, 'patches', PATCH_SIZE]);
}

type MelFrontEnd = { frontEnd: OnnxSettings['frontEnd']; seconds: number; least: number };

const melSettings = ({ frontEnd, seconds, least }: MelFrontEnd, parameters: number): OnnxSettings => ({
  rate: MEL_RATE,
  input: 'features',
  output: 'cls',
  frontEnd,
  shape: ['1', 'frames', 'mels'],
  pooling: 'none',
  window: window(seconds),
  minSeconds: least,
  parameters,
});

const melInput = (): Tensor => input('features', ['sequences', 'frames', MELS]);

function beatsGraphOf(outputs: Record<string, Tensor>, config: BeatsConfig, parameters: number): ListeningGraph {
  const patches = patchesInGraph(melInput());
  const most = Math.floor((WINDOW_SECONDS * 100 - 2) / PATCH) * COLUMNS;
  const buckets = bucketsInGraph(runtimeDim(patches, 1), most, config);
  const front = { frontEnd: { kind: 'beats' }, seconds: WINDOW_SECONDS, least: 0.175 } as const;
  return { outputs: fedBy(outputs, { patches, buckets }), settings: melSettings(front, parameters) };
}

/** Frames of a segment of EAT. */
const EAT_FRAMES = 1024;

function eatGraphOf(
  outputs: Record<string, Tensor>,
  { width }: EatTransformerConfig,
  parameters: number,
): ListeningGraph {
  const { order: _order, frames: _frames, ...frontEnd } = plainFrontEnd({ kind: 'eat' }) as EatFrontEnd;
  // What is missing to a whole patch are zeros before the normalisation.
  const silence = (0 - (frontEnd.mean ?? 0)) / (frontEnd.deviation ?? 1);
  const patches = patchesInGraph(pad(melInput(), 1, 0, PATCH - 1, silence, 'padded frames'));
  const most = Math.min(EAT_MAX_PATCHES, (EAT_FRAMES / PATCH) * COLUMNS);
  const table = constant(eatPositions(most, width), [1, most, width]);
  const front = { frontEnd, seconds: secondsOf(EAT_FRAMES), least: 0.025 };
  const sources = { patches, positions: takeLike(table, patches, 1) };
  return { outputs: fedBy(outputs, sources), settings: melSettings(front, parameters) };
}

type EatFrontEnd = Extract<ReturnType<typeof plainFrontEnd>, { kind: 'kaldi' }>;

function audiomaeGraphOf(
  outputs: Record<string, Tensor>,
  { frames }: AudiomaeConfig,
  parameters: number,
): ListeningGraph {
  const frontEnd = {
    ...({ kind: 'kaldi', mels: MELS, window: 'hanning', frames, order: 'pad-first' } as const),
    mean: AUDIOMAE_MEAN,
    deviation: 2 * AUDIOMAE_DEVIATION,
  };
  const features = input('features', ['sequences', frames, MELS]);
  const front = { frontEnd, seconds: secondsOf(frames), least: 0.025 };
  return { outputs: fedBy(outputs, { patches: patchesInGraph(features) }), settings: melSettings(front, parameters) };
}

/**
 * The inference graph `outputs` of an encoder with a front end that ONNX settings can say; undefined where they cannot.
 * Input `samples` [N, samples] or `features` [N, frames, 128]. Embeddings are those of the encoder, but that EAT and
 * AudioMAE count their windows in frames of the whole recording, so that beyond 10.2 s theirs begin up to 15 ms earlier
 * for every window before.
 * @param parameters their number, for tables
 */
export function listeningGraph(
  { family, config }: Pick<Architecture, 'family' | 'config'>,
  outputs: Record<string, Tensor>,
  parameters: number,
): ListeningGraph | undefined {
  switch (family) {
    case 'speech':
      return speechGraphOf(outputs, config as SpeechConfig, parameters);
    case 'beats':
      return beatsGraphOf(outputs, config as BeatsConfig, parameters);
    case 'eat':
      return eatGraphOf(outputs, config as EatTransformerConfig, parameters);
    case 'audiomae':
      return audiomaeGraphOf(outputs, config as AudiomaeConfig, parameters);
    default:
      return undefined;
  }
}

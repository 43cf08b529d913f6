// From one recording to the embeddings of its segments: rate, part, channel, pieces, encoder.
import { InputError } from '../signal/errors.ts';
import { duration, type Recording } from '../signal/recording.ts';
import { resample } from '../signal/resample.ts';
import {
  type ChannelSelection,
  checkFinite,
  isConstant,
  type Part,
  partStart,
  pickChannel,
  type Segment,
  segmentRecording,
  takePart,
} from '../signal/segments.ts';
import { addFrames, type FrameSums } from './frame-sums.ts';
import type { Band, Embedding, Encoder, Frames } from './types.ts';

/** How a recording is brought to an encoder. */
export type Preparation = {
  channel: ChannelSelection;
  segmentSeconds: number | null;
  /** Share of a segment from which a remainder makes a last one; a half by default. */
  remainder?: number;
  part?: Part;
  /** The rate that is expected; a recording of another rate is refused, or resampled if `resample` says so. */
  sampleRate?: number;
  resample?: boolean;
  /** Factor on all samples, so that a data set keeps within full scale. */
  gain?: number;
};

/** Which features over time come back: none, their sums, or the frames themselves. `peak`: the encoder is left out. */
export type FrameDetail = 'none' | 'sums' | 'values' | 'peak';

/** The largest magnitude among all samples of all recordings. */
const peakOf = (recordings: readonly Recording[]): number =>
  recordings
    .flatMap(({ channels }) => channels)
    .reduce((most, samples) => samples.reduce((peak, value) => Math.max(peak, Math.abs(value)), most), 0);

/** `startSeconds` counts from the beginning of the recording, also where only a part of it is used. */
export type EmbeddedSegment = {
  startSeconds: number;
  durationSeconds: number;
  vector: Float32Array;
  frames?: Frames;
  /** What a classifier says of the segment, averaged over its channels. */
  logits?: Float32Array;
};

export type EmbeddedRecording = {
  name: string;
  /** Of what was embedded, and of the file. */
  sampleRate: number;
  originalSampleRate: number;
  durationSeconds: number;
  channelCount: number;
  /** Every sample is the same: digital silence, or a dead sensor. */
  constant: boolean;
  /** The largest magnitude in the chosen channels. */
  peak: number;
  segments: EmbeddedSegment[];
  bands: Band[];
  frameSums?: FrameSums;
};

/** Brings a recording to the expected rate, or refuses it. */
function atRate(recording: Recording, { sampleRate, resample: allowed }: Preparation): Recording {
  if (sampleRate === undefined || recording.sampleRate === sampleRate) return recording;
  if (!allowed) {
    throw new InputError(
      `${recording.name}: sampled at ${recording.sampleRate} Hz, expected ${sampleRate} Hz; convert it with --resample, or fit a detector for this rate`,
    );
  }
  const channels = recording.channels.map((samples) => resample(samples, recording.sampleRate, sampleRate));
  return { ...recording, channels, sampleRate };
}

const scaled = (recording: Recording, gain = 1): Recording =>
  gain === 1
    ? recording
    : { ...recording, channels: recording.channels.map((samples) => samples.map((value) => value * gain)) };

/** The recording as the encoder will hear it: part, rate, finite samples. */
export function prepareRecording(recording: Recording, preparation: Preparation): Recording {
  const part = preparation.part ? takePart(recording, preparation.part) : recording;
  checkFinite(part);
  return scaled(atRate(part, preparation), preparation.gain);
}

const shiftBands = (bands: readonly Band[], by: number): Band[] =>
  bands.map((band) => ({ ...band, start: band.start + by, end: band.end + by }));

/** Embeddings of the channels of one segment, one after the other in one vector. Frames are those of the first channel. */
function joinChannels(parts: readonly Embedding[]): Embedding {
  if (parts.length === 1) return parts[0];
  const vector = new Float32Array(parts.reduce((total, part) => total + part.vector.length, 0));
  const bands: Band[] = [];
  let at = 0;
  for (const part of parts) {
    vector.set(part.vector, at);
    bands.push(...shiftBands(part.bands, at));
    at += part.vector.length;
  }
  const logits = parts[0].logits?.map((_, c) => parts.reduce((sum, part) => sum + (part.logits?.[c] ?? 0), 0) / parts.length);
  return { vector, bands, ...(parts[0].frames && { frames: parts[0].frames }), ...(logits && { logits }) };
}

/** Segments whose embeddings are computed together; bounds memory on long recordings. */
const SEGMENTS_PER_BATCH = 16;

async function embedSegments(encoder: Encoder, segments: readonly Segment[], frames: boolean): Promise<Embedding[]> {
  const perSegment = segments[0].channels.length;
  const flat = await encoder.embedMany(
    segments.flatMap(({ channels }) => channels),
    { frames },
  );
  return segments.map((_, i) => joinChannels(flat.slice(i * perSegment, (i + 1) * perSegment)));
}

/**
 * Embeds every segment of a recording.
 * @throws InputError for another rate than expected, samples that are not finite, or too few samples.
 */
export async function embedRecording(
  encoder: Encoder,
  recording: Recording,
  preparation: Preparation,
  detail: FrameDetail = 'none',
): Promise<EmbeddedRecording> {
  const prepared = prepareRecording(recording, preparation);
  const segments = segmentRecording(prepared, preparation.segmentSeconds, preparation.channel, preparation.remainder);
  const offset = preparation.part ? partStart(recording, preparation.part) : 0;
  const embedded: EmbeddedSegment[] = [];
  let bands: Band[] = [];
  let frameSums: FrameSums | undefined;
  for (let from = 0; from < segments.length && detail !== 'peak'; from += SEGMENTS_PER_BATCH) {
    const batch = segments.slice(from, from + SEGMENTS_PER_BATCH);
    for (const [i, embedding] of (await embedSegments(encoder, batch, detail !== 'none')).entries()) {
      const { durationSeconds } = batch[i];
      const startSeconds = offset + batch[i].startSeconds;
      const { vector, frames, logits } = embedding;
      bands = embedding.bands;
      if (frames && detail === 'sums') frameSums = addFrames(frameSums, frames);
      embedded.push({
        startSeconds,
        durationSeconds,
        vector,
        ...(detail === 'values' && { frames }),
        ...(logits && { logits }),
      });
    }
  }
  return {
    name: recording.name,
    sampleRate: prepared.sampleRate,
    originalSampleRate: recording.sampleRate,
    durationSeconds: duration(prepared),
    channelCount: recording.channels.length,
    constant: isConstant(prepared),
    peak: peakOf(pickChannel(prepared, preparation.channel)),
    segments: embedded,
    bands,
    ...(frameSums && { frameSums }),
  };
}

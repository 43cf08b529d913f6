// From a recording to what an encoder hears: the part asked for, one channel, pieces of equal length.
import { InputError } from './errors.ts';
import { duration, type Recording, sampleCount } from './recording.ts';

/** A channel number from 0, the mean of all channels, or all of them one after the other. */
export type ChannelChoice = number | 'mean' | 'all';

/** Also some of the channels, one after the other. */
export type ChannelSelection = ChannelChoice | readonly number[];

/** Part of a recording: in seconds, or as fractions of the whole (`percent`, 0 to 100). */
export type Part = { from: number; to: number; unit: 's' | '%' };

/** A piece of a recording: `Recording`s of one channel (several for `all`), and where the piece lies. */
export type Segment = { channels: Recording[]; startSeconds: number; durationSeconds: number };

/**
 * Checks that every sample is a finite number.
 * @throws InputError naming the first one that is not.
 */
export function checkFinite(recording: Recording): void {
  for (const [c, samples] of recording.channels.entries()) {
    for (let i = 0; i < samples.length; i++) {
      if (!Number.isFinite(samples[i])) {
        throw new InputError(
          `${recording.name}: sample ${i} of channel ${c + 1} is ${samples[i]}; repair the recording or cut it out with --part`,
        );
      }
    }
  }
}

/** Whether all channels are constant: a dead sensor, or digital silence. */
export const isConstant = (recording: Recording): boolean =>
  recording.channels.every((samples) => samples.every((value) => value === samples[0]));

/** Samples [from, to) of every channel; views, nothing is copied. */
const cut = (recording: Recording, from: number, to: number): Recording => ({
  ...recording,
  channels: recording.channels.map((samples) => samples.subarray(from, to)),
});

/**
 * The chosen channel as a recording of one channel; `all` and a list of numbers give one recording per channel.
 * @throws InputError if there is no such channel.
 */
export function pickChannel(recording: Recording, choice: ChannelSelection): Recording[] {
  const { channels } = recording;
  if (choice === 'all') return channels.map((samples) => ({ ...recording, channels: [samples] }));
  if (choice === 'mean') {
    if (channels.length === 1) return [recording];
    const mixed = new Float32Array(sampleCount(recording));
    for (const samples of channels) for (let i = 0; i < mixed.length; i++) mixed[i] += samples[i] / channels.length;
    return [{ ...recording, channels: [mixed] }];
  }
  if (typeof choice === 'object') return choice.flatMap((number) => pickChannel(recording, number));
  if (channels[choice] === undefined) {
    throw new InputError(
      `${recording.name}: expected a channel ${choice + 1}, but there ${channels.length === 1 ? 'is 1' : `are ${channels.length}`}; choose one with --channel`,
    );
  }
  return [{ ...recording, channels: [channels[choice]] }];
}

/** First and last+1 sample of a part. */
function sampleRange(recording: Recording, part: Part): [number, number] {
  const total = sampleCount(recording);
  const at = (value: number) =>
    Math.min(total, Math.round(part.unit === '%' ? (value / 100) * total : value * recording.sampleRate));
  return [at(part.from), at(part.to)];
}

/** Where a part begins, in seconds from the beginning of the recording. */
export const partStart = (recording: Recording, part: Part): number =>
  sampleRange(recording, part)[0] / recording.sampleRate;

/** The part of a recording that `part` means. @throws InputError if it is empty. */
export function takePart(recording: Recording, part: Part): Recording {
  const [from, to] = sampleRange(recording, part);
  if (!(from >= 0 && to > from)) {
    throw new InputError(
      `${recording.name}: nothing lies between ${part.from} and ${part.to} ${part.unit} of ${duration(recording)} s; change --part`,
    );
  }
  return cut(recording, from, to);
}

/**
 * Starts of pieces of `length` samples in `total`, one every `hop` (by default one after the other). What they leave at
 * the end makes a last full piece if it is at least the share `remainder` of a piece (and more than nothing), which ends
 * with the signal; a smaller one is left out. What is shorter than one piece is one piece.
 * With `remainder` 0 all is covered: the segments of transformer pooling, whose public code adds the last piece again
 * where nothing is left. That is not done here: it would count that piece twice in a mean.
 */
export function pieceStarts(total: number, length: number, remainder: number, hop = length): number[] {
  const starts: number[] = [];
  for (let from = 0; from + length <= total; from += hop) starts.push(from);
  if (starts.length === 0) return [0];
  const rest = total - (starts[starts.length - 1] + length);
  return rest > 0 && rest >= remainder * length ? [...starts, total - length] : starts;
}

/** `length` samples from `start` on; what lies beyond the end is the signal again, from its start. */
export function cutRepeated(samples: Float32Array, start: number, length: number): Float32Array {
  const cut = new Float32Array(length);
  for (let at = 0, from = start; at < length; from = 0) {
    const part = samples.subarray(from, Math.min(samples.length, from + length - at));
    cut.set(part, at);
    at += part.length;
  }
  return cut;
}

/**
 * Pieces of `length` samples, one every `hop`, the last one aligned with the end; views of `samples`. A signal shorter
 * than `length` is one piece, repeated from its start until it fills it.
 * @throws InputError without samples, and for a length or hop that is not a whole number of at least 1.
 */
export function overlappingPieces(samples: Float32Array, length: number, hop: number): Float32Array[] {
  if (samples.length === 0 || !Number.isInteger(length) || !Number.isInteger(hop) || length < 1 || hop < 1) {
    throw new InputError(
      `overlappingPieces: expected samples, and whole numbers above 0 as length and hop, found ${samples.length} samples, ${length} and ${hop}`,
    );
  }
  if (samples.length < length) return [cutRepeated(samples, 0, length)];
  return pieceStarts(samples.length, length, 0, hop).map((from) => samples.subarray(from, from + length));
}

/**
 * Cuts a recording into consecutive pieces of `segmentSeconds`, by the rule of `pieceStarts`: by default a remainder of
 * at least half a piece is taken as the last full piece. `null`: the whole.
 * @throws InputError if the length is not positive, or there is no such channel.
 */
export function segmentRecording(
  recording: Recording,
  segmentSeconds: number | null,
  choice: ChannelSelection,
  remainder = 0.5,
): Segment[] {
  const channels = pickChannel(recording, choice);
  const total = sampleCount(recording);
  const { sampleRate } = recording;
  if (segmentSeconds !== null && !(segmentSeconds > 0)) {
    throw new InputError(`${recording.name}: expected segments longer than 0 s, got ${segmentSeconds}`);
  }
  const length = Math.max(1, segmentSeconds === null ? total : Math.round(segmentSeconds * sampleRate));
  return pieceStarts(total, length, remainder).map((from) => {
    const to = Math.min(total, from + length);
    return {
      channels: channels.map((channel) => cut(channel, from, to)),
      startSeconds: from / sampleRate,
      durationSeconds: (to - from) / sampleRate,
    };
  });
}

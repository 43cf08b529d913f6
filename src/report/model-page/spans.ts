// Which stretches of a sound the model hears: of a file one per second, of a microphone overlapping windows.
import type { Span } from './messages.ts';

/** Where weights leave it open how much they hear at once. */
const USUAL_SECONDS = 2;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const ratio = (samples: unknown, sampleRate: unknown): number | undefined =>
  typeof samples === 'number' && typeof sampleRate === 'number' && sampleRate > 0 && samples > 0
    ? samples / sampleRate
    : undefined;

/** Frames of the spectrogram of sub-bands are 10 ms apart (arXiv 2508.14689, section 2). */
const BAND_FRAME_SECONDS = 0.01;

/**
 * How much of a sound an encoder hears at once, in seconds, by its configuration: the crop of a fine-tuned one, the window
 * of a student's front end; 2 s for all others, which take any length.
 */
export function windowSeconds({ cropSamples, sampleRate, frontEnd }: Readonly<Record<string, unknown>>): number {
  const crop = ratio(cropSamples, sampleRate);
  if (crop !== undefined) return crop;
  if (!isRecord(frontEnd) || typeof frontEnd.frames !== 'number') return USUAL_SECONDS;
  if (frontEnd.kind === 'bands') return frontEnd.frames * BAND_FRAME_SECONDS;
  // As `windowSamples` of students has it: the first frame is centred on the first sample.
  const hops = frontEnd.variant === undefined ? frontEnd.frames - 1 : frontEnd.frames;
  return ratio(hops * Number(frontEnd.hopLength), frontEnd.sampleRate) ?? USUAL_SECONDS;
}

/** A second of a file, and the stretch around its middle that is heard for it. */
export type Piece = Span & { heard: Span };

/**
 * The seconds of a sound of `seconds`; what is left at its end belongs to the last one, or is one of its own from half a
 * second on. For each a window is heard, or all of the second where the window is shorter.
 */
export function secondPieces(seconds: number, window: number): Piece[] {
  const count = Math.max(1, Math.round(seconds));
  const length = Math.min(seconds, Math.max(1, window));
  return Array.from({ length: count }, (_, s) => {
    const end = s === count - 1 ? seconds : s + 1;
    const start = Math.min(Math.max(0, (s + end - length) / 2), seconds - length);
    return { start: s, end, heard: { start, end: start + length } };
  });
}

/** Of a microphone, so much is shown and remembered, in seconds. */
export const STREAM_SECONDS = 60;

export type Windower = {
  /** Takes the next samples; gives the latest window whenever another hop is complete. `end` is in seconds. */
  push(block: Float32Array): { samples: Float32Array; end: number } | undefined;
};

/** Results come at most this often, in seconds, however short the windows are. */
const SHORTEST_HOP = 0.25;

/** Overlapping windows out of a stream: as long as the model hears, one every half of that. */
export function createWindower(sampleRate: number, window: number): Windower {
  const length = Math.max(1, Math.floor(window * sampleRate));
  const hop = Math.round(Math.max(SHORTEST_HOP, window / 2) * sampleRate);
  // A ring; `total` samples came so far.
  const ring = new Float32Array(length);
  let total = 0;
  let next = length;
  return {
    push(block) {
      for (const sample of block) ring[total++ % length] = sample;
      if (total < next) return undefined;
      // Of hops that came at once the last one counts.
      next += hop * (1 + Math.floor((total - next) / hop));
      const oldest = total % length;
      const samples = new Float32Array(length);
      samples.set(ring.subarray(oldest));
      samples.set(ring.subarray(0, oldest), length - oldest);
      return { samples, end: total / sampleRate };
    },
  };
}

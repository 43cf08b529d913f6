// Windows of consecutive frames out of the log-mel levels of many recordings: what both baselines learn from and score.
import { InputError } from '../../signal/errors.ts';
import { autoencoderLogMel } from '../../signal/log-mel.ts';
import { finiteMean, type Samples } from '../../signal/samples.ts';
import type { Spectrogram } from '../../signal/spectrogram.ts';
import type { Padding } from '../../signal/stft.ts';

/** Mel bands of a frame, and samples between frames. */
export const MELS = 128;
const HOP = 512;

/** A recording to learn from; `name` is for messages. */
export type BaselineClip = { samples: Samples; sampleRate: number; name?: string };

/** How windows are cut: their length and the distance between them, in frames, and what lies beyond the recording's ends. */
export type WindowShape = { frames: number; hop: number; padding: Padding };

/** Windows by number, over all recordings in turn. They share the memory of the levels, however much they overlap. */
export type Windows = {
  count: number;
  /** Values of one window, frames x mels, earliest frame first. */
  size: number;
  /** Recording of every window. */
  recordingOf: Int32Array;
  /** The windows of these numbers, one after the other: [numbers, size]. */
  gather(numbers: ArrayLike<number>): Float32Array;
};

/** @throws InputError if a recording is shorter than a window, or has samples that are not finite. */
export function checkRecording(caller: string, samples: Samples, frames: number): void {
  const least = (frames - 1) * HOP;
  if (samples.length < least) {
    throw new InputError(
      `${caller}: expected at least ${least} samples (${frames} frames), got ${samples.length}; give a longer recording`,
    );
  }
  finiteMean(caller, samples);
}

/**
 * Levels of one recording in dB: `autoencoderLogMel`, [frames, 128].
 * @throws InputError as `checkRecording`.
 */
export function levelsOf(
  caller: string,
  samples: Samples,
  sampleRate: number,
  { frames, padding }: WindowShape,
): Spectrogram {
  checkRecording(caller, samples, frames);
  const levels = autoencoderLogMel(samples, sampleRate, { padding });
  return { ...levels, values: Float32Array.from(levels.values) };
}

/** All windows of recordings that are at least one window long. */
export function cutWindows(recordings: readonly Spectrogram[], { frames, hop }: WindowShape): Windows {
  const starts = recordings.map((levels) =>
    Array.from({ length: Math.floor((levels.frames - frames) / hop) + 1 }, (_, i) => i * hop * MELS),
  );
  const startOf = Int32Array.from(starts.flat());
  const recordingOf = Int32Array.from(starts.flatMap((own, recording) => own.map(() => recording)));
  const size = frames * MELS;
  return {
    count: startOf.length,
    size,
    recordingOf,
    gather(numbers) {
      const values = new Float32Array(numbers.length * size);
      for (let i = 0; i < numbers.length; i++) {
        const [recording, start] = [recordingOf[numbers[i]], startOf[numbers[i]]];
        values.set(recordings[recording].values.subarray(start, start + size), i * size);
      }
      return values;
    },
  };
}

/**
 * Windows of the recordings to learn from, and their common rate.
 * @throws InputError for fewer than two recordings (no threshold comes from one), rates that differ, and as `levelsOf`.
 */
export function trainingWindows(
  caller: string,
  clips: readonly BaselineClip[],
  shape: WindowShape,
): { windows: Windows; sampleRate: number } {
  if (clips.length < 2) {
    throw new InputError(`${caller}: expected at least 2 recordings, got ${clips.length}; give more`);
  }
  const { sampleRate } = clips[0];
  const levels = clips.map((clip, i) => {
    const named = `${caller}: ${clip.name ?? `recording ${i}`}`;
    if (clip.sampleRate !== sampleRate) {
      throw new InputError(
        `${named}: expected ${sampleRate} Hz as the first has, got ${clip.sampleRate} Hz; resample it`,
      );
    }
    return levelsOf(named, clip.samples, clip.sampleRate, shape);
  });
  return { windows: cutWindows(levels, shape), sampleRate };
}

/**
 * Windows of one recording to score.
 * @throws InputError for another rate than the model's, and as `levelsOf`.
 */
export function scoringWindows(
  caller: string,
  samples: Samples,
  sampleRate: number,
  trainedRate: number,
  shape: WindowShape,
): Windows {
  if (sampleRate !== trainedRate) {
    throw new InputError(
      `${caller}: expected ${trainedRate} Hz as in training, got ${sampleRate} Hz; resample the recording`,
    );
  }
  return cutWindows([levelsOf(caller, samples, sampleRate, shape)], shape);
}

/** Numbers of a list in parts of at most `length`. */
export function* parts(numbers: Int32Array, length: number): Generator<Int32Array> {
  for (let from = 0; from < numbers.length; from += length) yield numbers.subarray(from, from + length);
}

/** Numbers of the windows of every recording, in order. */
export function windowsByRecording({ count, recordingOf }: Pick<Windows, 'count' | 'recordingOf'>): Int32Array[] {
  const own: number[][] = [];
  for (let number = 0; number < count; number++) {
    own[recordingOf[number]] ??= [];
    own[recordingOf[number]].push(number);
  }
  return own.map((numbers) => Int32Array.from(numbers));
}

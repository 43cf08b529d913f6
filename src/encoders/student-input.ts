// What a student hears: windows of a recording as pictures of one size, the inputs of a small convolutional network.

import { InputError } from '../signal/errors.ts';
import { logMel, preEmphasised } from '../signal/log-mel.ts';
import { melFilterbank } from '../signal/mel.ts';
import { resample } from '../signal/resample.ts';
import { overlappingPieces, pieceStarts } from '../signal/segments.ts';
import type { StftOptions } from '../signal/stft.ts';
import { hannWindow } from '../signal/window.ts';
import { describeBands, echoBands, echoInput } from './echo.ts';
import { segmentStarts } from './segment-starts.ts';
import type { BandFrontEnd, MelFrontEnd, StudentConfig } from './student-config.ts';

const plain = { floor: 1e-5, mean: 0, deviation: 1 };

/** Acoustic scenes at 16 kHz: 0.992 s, 63 frames of 128 mels. */
export const sceneFrontEnd: MelFrontEnd = {
  ...{ kind: 'mel', sampleRate: 16_000, nFft: 1024, winLength: 1024, hopLength: 256 },
  ...{ mels: 128, fMin: 0, fMax: 8000, frames: 63, ...plain },
};

/** As the baseline of DCASE 2024 Task 1 hears a second: 65 frames of 256 mels at 32 kHz (`sceneLogMel2024`). */
export const sceneFrontEnd2024: MelFrontEnd = {
  ...{ kind: 'mel', sampleRate: 32_000, nFft: 4096, winLength: 3072, hopLength: 500 },
  ...{ mels: 256, fMin: 0, fMax: 16_000, frames: 65, ...plain },
};

/** As the winner of DCASE 2023 Task 1 hears a second: 64 frames (`sceneLogMel2023`). */
export const sceneFrontEnd2023: MelFrontEnd = {
  ...sceneFrontEnd2024,
  ...{ fMax: 15_500, frames: 64, mean: -4.5, deviation: 5, variant: 'cpjku-2023' },
};

/** ECHO's bands of 32 bins, 1.28 s at a time. */
export const bandsFrontEnd: BandFrontEnd = { kind: 'bands', bandBins: 32, frames: 128, mean: 0, deviation: 1 };

/** Samples of a window of log-mels. Pre-emphasis of the variant leaves one fewer, hence its one hop more. */
export const windowSamples = ({ frames, hopLength, variant }: MelFrontEnd): number =>
  (variant === undefined ? frames - 1 : frames) * hopLength;

export type StudentPictures = {
  /** [windows * bands, channels, rows, columns] as `studentInput` has them; the bands of a window follow one another. */
  values: Float32Array;
  windows: number;
  /** What the pictures of a window show, from low to high: all that is heard, or its sub-bands. Hz. */
  bands: { lowHz: number; highHz: number }[];
  /** Of every window, in seconds from the beginning of the recording. */
  starts: Float64Array;
  /** Length of a window in seconds. */
  seconds: number;
  /** What was taken away from the values of the whole recording (`echoInput`); 0 of log-mels. */
  level: number;
};

function melPictures(samples: Float32Array, sampleRate: number, frontEnd: MelFrontEnd): StudentPictures {
  const { sampleRate: rate, nFft, winLength, hopLength, mels, fMin, fMax, floor, mean, deviation, frames } = frontEnd;
  const emphasis = frontEnd.variant === 'cpjku-2023';
  const bank = melFilterbank({ sampleRate: rate, nFft, mels, fMin, fMax, scale: emphasis ? 'kaldi' : 'htk' });
  const stft: StftOptions = {
    nFft,
    hopLength,
    window: hannWindow(winLength, { periodic: !emphasis }),
    center: 'reflect',
  };
  const heard = resample(samples, sampleRate, rate);
  const length = windowSamples(frontEnd);
  const pieces = overlappingPieces(heard, length, length);
  const values = new Float32Array(pieces.length * mels * frames);
  for (const [w, piece] of pieces.entries()) {
    const signal = emphasis ? preEmphasised(piece) : piece;
    const levels = logMel('studentPictures', signal, rate, stft, bank, (energy) => {
      return (Math.log(energy + floor) - mean) / deviation;
    });
    // [frames, mels] -> [mels, frames]
    const at = w * mels * frames;
    for (let t = 0; t < frames; t++) {
      for (let mel = 0; mel < mels; mel++) values[at + mel * frames + t] = levels.values[t * mels + mel];
    }
  }
  const starts = Float64Array.from(pieceStarts(heard.length, length, 0), (start) => start / rate);
  const bands = [{ lowHz: 0, highHz: Math.min(sampleRate / 2, fMax) }];
  return { values, windows: pieces.length, bands, starts, seconds: length / rate, level: 0 };
}

function bandPictures(samples: Float32Array, sampleRate: number, frontEnd: BandFrontEnd): StudentPictures {
  const { bandBins, frames, mean, deviation } = frontEnd;
  const { spectrogram, level } = echoInput(samples, sampleRate, { level: 'removed' });
  const { bins, nFft, hopLength } = spectrogram;
  const bands = echoBands(bins, nFft, bandBins);
  const windows = segmentStarts(spectrogram.frames, frames);
  const plane = bandBins * frames;
  const values = new Float32Array(windows.length * bands.length * 3 * plane);
  // Below a short last band there is nothing but the level itself, which is 0.
  const nothing = (0 - mean) / deviation;
  let at = 0;
  for (const { from, frames: heard } of windows) {
    for (const { start, end, position } of bands) {
      const missing = bandBins - (end - start);
      values.fill(nothing, at, at + missing * frames);
      for (let bin = start; bin < end; bin++) {
        const row = at + (missing + bin - start) * frames;
        for (let t = 0; t < frames; t++) {
          values[row + t] = (spectrogram.values[(from + (t % heard)) * bins + bin] - mean) / deviation;
        }
      }
      values.fill(2 * Math.sin(Math.PI * position), at + plane, at + 2 * plane);
      values.fill(2 * Math.cos(Math.PI * position), at + 2 * plane, at + 3 * plane);
      at += 3 * plane;
    }
  }
  return {
    values,
    windows: windows.length,
    bands: describeBands(spectrogram, bandBins, 1),
    starts: Float64Array.from(windows, ({ from }) => (from * hopLength) / sampleRate),
    seconds: (frames * hopLength) / sampleRate,
    level,
  };
}

/**
 * Pictures of one channel of samples at `sampleRate` Hz. Windows follow one another, the last one ends with the
 * recording; a shorter recording is repeated until it fills one.
 * `mel`: resampled, then every window by itself: reflected ends, power, mels, (ln(energy + floor) - mean) / deviation;
 * [1, mels, frames].
 * `bands`: ECHO's spectrogram without its level, cut into bands; a short last band has its bins at the top, and below
 * them the level, 0. Plane 1 is (value - mean) / deviation, planes 2 and 3 are 2 sin(pi p) and 2 cos(pi p), p being
 * the relative frequency of the band; [3, bandBins, frames].
 * @throws InputError without samples, for samples that are not finite, and for `bands` as `echoSpectrogram`
 */
export function studentPictures(
  samples: Float32Array,
  sampleRate: number,
  { frontEnd }: Pick<StudentConfig, 'frontEnd'>,
): StudentPictures {
  if (samples.length === 0) {
    throw new InputError('studentPictures: expected samples, found none; leave the recording out');
  }
  return frontEnd.kind === 'mel'
    ? melPictures(samples, sampleRate, frontEnd)
    : bandPictures(samples, sampleRate, frontEnd);
}

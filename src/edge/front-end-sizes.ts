// What of a front end is known before any sound: lengths, counts, places of bands. At one sampling rate.
import { echoBands } from '../encoders/echo.ts';
import type { BandFrontEnd, MelFrontEnd } from '../encoders/student-config.ts';
import { InputError } from '../signal/errors.ts';
import { spectrogramSize } from '../signal/spectrogram.ts';

export type FrontEndSizes = {
  /** Hz. */
  sampleRate: number;
  /** Samples of a window. */
  samples: number;
  nFft: number;
  hopLength: number;
  frames: number;
  /** Rows of the picture of one band, mels or bins. */
  rows: number;
  /** Planes of the network's input. */
  planes: number;
  /** Relative frequencies of the bands; undefined for mels, which the network hears at once. */
  bands?: readonly number[];
  /** Values that the front end hands to the network: [rows, frames], or [bands, rows, frames] and the level. */
  features: number;
};

function bandSizes({ bandBins, frames }: BandFrontEnd, sampleRate: number | undefined): FrontEndSizes {
  if (sampleRate === undefined) {
    throw new InputError(
      'cSource: expected the sample rate of the sensor, as bands fit any rate; give sampleRate in Hz',
    );
  }
  const { nFft, hopLength, bins } = spectrogramSize(0, sampleRate);
  const bands = echoBands(bins, nFft, bandBins).map(({ position }) => position);
  const samples = (frames - 1) * hopLength + nFft;
  const features = bands.length * bandBins * frames + 1;
  return { sampleRate, samples, nFft, hopLength, frames, rows: bandBins, planes: 3, bands, features };
}

/**
 * Sizes of a front end.
 * @param sampleRate Hz, needed for bands; mels have a rate of their own
 * @throws InputError for bands without a rate, mels at another rate than theirs, and windows too short for their transform
 */
export function frontEndSizes(frontEnd: MelFrontEnd | BandFrontEnd, sampleRate?: number): FrontEndSizes {
  if (frontEnd.kind === 'bands') return bandSizes(frontEnd, sampleRate);
  const { nFft, hopLength, mels, frames, variant, sampleRate: rate } = frontEnd;
  if (sampleRate !== undefined && sampleRate !== rate) {
    throw new InputError(`cSource: expected the front end's own ${rate} Hz, got ${sampleRate}; leave sampleRate out`);
  }
  // Pre-emphasis takes one sample, hence one hop more (`windowSamples` of the student).
  const samples = (variant === undefined ? frames - 1 : frames) * hopLength;
  const heard = variant === undefined ? samples : samples - 1;
  if (heard < (nFft >> 1) + 1) {
    throw new InputError(
      `cSource: expected a window of more than half of nFft ${nFft}, got ${heard} samples; take more frames`,
    );
  }
  return { sampleRate: rate, samples, nFft, hopLength, frames, rows: mels, planes: 1, features: mels * frames };
}

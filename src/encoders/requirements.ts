// What encoders require of what they hear: one channel, a rate, enough samples.
import { InputError } from '../signal/errors.ts';
import type { Recording } from '../signal/recording.ts';
import { resample } from '../signal/resample.ts';

/** The only channel of a recording. @throws InputError if there are several. */
export function onlyChannel(recording: Recording): Float32Array {
  if (recording.channels.length !== 1) {
    throw new InputError(
      `embed: expected one channel, got ${recording.channels.length} (${recording.name}); choose one with pickChannel`,
    );
  }
  return recording.channels[0];
}

/** The only channel at `sampleRate`: as it is, or resampled. @throws InputError if there are several. */
export function channelAt(recording: Recording, sampleRate: number): Float32Array {
  const samples = onlyChannel(recording);
  return recording.sampleRate === sampleRate ? samples : resample(samples, recording.sampleRate, sampleRate);
}

/** Of crops, which nothing resamples. @throws InputError for another rate than the family's */
export function requireRate(family: string, sampleRate: number, expected: number): void {
  if (sampleRate === expected) return;
  throw new InputError(`${family}: expected crops at ${expected} Hz, got ${sampleRate} Hz; resample them`);
}

/** @throws InputError for fewer than `least` samples at `sampleRate` */
export function requireSamples(
  family: string,
  samples: number,
  least: number,
  sampleRate: number,
  name = 'a crop',
): void {
  if (samples >= least) return;
  const seconds = Number((least / sampleRate).toPrecision(3));
  throw new InputError(
    `${family}: expected at least ${least} samples at ${sampleRate} Hz (${seconds} s), got ${samples} (${name}); use a longer recording`,
  );
}

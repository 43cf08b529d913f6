// Limits on what a file may hold once it is decoded: a few bytes can claim to be hours of sound.
import { InputError } from '../errors.ts';
import type { ReadOptions } from '../recording.ts';

const START = 'readRecordings: expected at most';

/** Whether the file was refused for its length alone; it is so behind a thread too, where only the message is left. */
export const isTooLong = (error: InputError): boolean => error.message.startsWith(START);

/** @throws InputError for more samples, of all channels together, than `options.maxSamples`; asked before they are decoded */
export function checkSamples(samples: number, options: ReadOptions, name: string): void {
  const { maxSamples } = options;
  if (maxSamples !== undefined && !(samples <= maxSamples)) {
    throw new InputError(`${START} ${maxSamples} samples, found ${samples} (${name}); split the recording`);
  }
}

/** @throws InputError for a recording that is longer than `options.maxSeconds` */
export function checkSeconds(seconds: number, options: ReadOptions, name: string): void {
  const { maxSeconds } = options;
  if (maxSeconds !== undefined && !(seconds <= maxSeconds)) {
    throw new InputError(`${START} ${maxSeconds} s, found ${Math.round(seconds * 10) / 10} s (${name}); split it`);
  }
}

// Reads the detector that a command was given.
import { readFileSync } from 'node:fs';
import type { Detector } from '../detection/detector.ts';
import { readDetector } from '../detection/detector-file.ts';
import { InputError } from '../signal/errors.ts';

/** @throws InputError if the file is not there or is no detector. */
export async function readDetectorFile(path: string): Promise<Detector> {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new InputError(
      `${path}: cannot read the detector: ${(error as NodeJS.ErrnoException).code ?? error}; make one with thrum fit`,
    );
  }
  return readDetector(bytes, path);
}

// Reads the detector that a command was given.
import { readFileSync } from 'node:fs';
import type { Detector } from '../detection/detector.ts';
import { readDetector } from '../detection/detector-file.ts';
import { InputError } from '../signal/errors.ts';
import { systemReason } from '../signal/system-error.node.ts';

/** @throws InputError if the file is not there or is no detector. */
export async function readDetectorFile(path: string): Promise<Detector> {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new InputError(`${path}: cannot read the detector: ${systemReason(error)}; make one with thrum fit`);
  }
  try {
    return await readDetector(bytes, path);
  } catch (error) {
    // The container was not even one: whatever this file is, it says so in terms of the container.
    if (!(error instanceof InputError) || !error.message.startsWith('readSafetensors')) throw error;
    throw new InputError(`${path}: no detector, or a damaged one; make one with thrum fit (${error.message})`);
  }
}

// Files of one result in a folder: checked before the work, written after it.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../signal/errors.ts';
import { systemReason } from '../signal/system-error.node.ts';
import { checkWritable, note, writeFileSafely } from './output.ts';

/** A file of the folder, and what goes into it. */
export type Output<T> = { file: string; contentOf: (result: T) => string };

/** Makes a folder, and those above it. @throws InputError where it cannot be made */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new InputError(`cannot make the folder ${folder}: ${systemReason(error)}; name another with --out`);
  }
}

/** Makes the folder. @throws InputError where it, or a file in it, cannot be written; asked before the work, which would be lost */
export function checkOutputs<T>(folder: string, outputs: readonly Output<T>[]): void {
  makeFolder(folder);
  for (const { file } of outputs) checkWritable(join(folder, file));
}

/** Writes every file and says so. @throws InputError as `checkOutputs` */
export function writeOutputs<T>(folder: string, outputs: readonly Output<T>[], result: T): void {
  for (const { file, contentOf } of outputs) writeFileSafely(join(folder, file), contentOf(result));
  note(`${outputs.map(({ file }) => file).join(', ')} written to ${folder}`);
}

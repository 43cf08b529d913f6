// What commands write: files (never half of one), messages, progress.
import { accessSync, constants, realpathSync, renameSync, rmSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import pc from 'picocolors';
import type { Failure } from '../encoders/embed-file.node.ts';
import { InputError, oneLine } from '../signal/errors.ts';
import { systemReason } from '../signal/system-error.node.ts';

const statsOf = (path: string): Stats | undefined => statSync(path, { throwIfNoEntry: false });

/** @throws InputError if nothing can be written to `path`; asked before the work, which would be lost. */
export function checkWritable(path: string): void {
  try {
    const stats = statsOf(path);
    if (stats?.isDirectory()) throw new Error('it is a folder');
    if (!stats && !statsOf(dirname(path))?.isDirectory()) throw new Error(`there is no folder ${dirname(path)}`);
    accessSync(stats && !stats.isFile() ? path : dirname(path), constants.W_OK);
  } catch (error) {
    throw notWritten(path, error);
  }
}

const notWritten = (path: string, error: unknown): InputError =>
  new InputError(`cannot write ${path}: ${systemReason(error)}; name another file, or mend that`);

/**
 * Writes under a temporary name and renames: an interrupted run leaves the old file or the new one, never a part.
 * A link stays one: its target is replaced. A device or pipe is no file to replace, and is written to as it is.
 */
export function writeFileSafely(path: string, content: Uint8Array | string): void {
  let temporary: string | undefined;
  try {
    const stats = statsOf(path);
    if (stats && !stats.isFile()) {
      writeFileSync(path, content);
      return;
    }
    const target = stats ? realpathSync(path) : path;
    temporary = `${target}.${process.pid}.tmp`;
    writeFileSync(temporary, content);
    renameSync(temporary, target);
  } catch (error) {
    if (temporary !== undefined) rmSync(temporary, { force: true });
    throw notWritten(path, error);
  }
}

/**
 * Files that belong together: all are written under temporary names before the first gets its own, in the order given.
 * Links stay links.
 * @throws InputError where one cannot be written; then none is
 */
export function writeFilesTogether(files: readonly (readonly [path: string, content: Uint8Array | string])[]): void {
  const waiting: { target: string; temporary: string }[] = [];
  let current = '';
  try {
    for (const [path, content] of files) {
      current = path;
      const target = statsOf(path) ? realpathSync(path) : path;
      const temporary = `${target}.${process.pid}.tmp`;
      waiting.push({ target, temporary });
      writeFileSync(temporary, content);
    }
    for (const { target, temporary } of waiting) {
      current = target;
      renameSync(temporary, target);
    }
  } catch (error) {
    for (const { temporary } of waiting) rmSync(temporary, { force: true });
    throw notWritten(current, error);
  }
}

/** Colours where standard error is a terminal: `picocolors` by itself asks standard output. */
const colours = pc.createColors(process.stderr.isTTY === true && pc.isColorSupported);

/** Removes the progress line, so that what is printed next does not stand behind it. */
let clearProgress = (): void => {};

export const print = (line: string): void => {
  if (process.stdout.isTTY) clearProgress();
  process.stdout.write(`${line}\n`);
};

/** A remark beside the result, on standard error. */
export const note = (line: string): void => {
  clearProgress();
  process.stderr.write(`${colours.dim('note:')} ${oneLine(line)}\n`);
};

/** One line per file that could not be used, and the sum of them. Returns the exit status. */
export function reportFailures(failures: readonly Failure[], total: number): number {
  for (const { file, message } of failures) {
    const named = message.includes(file) ? message : `${file}: ${message}`;
    process.stderr.write(`${colours.red('failed:')} ${oneLine(named)}\n`);
  }
  if (failures.length > 0) note(`${failures.length} of ${total} ${total === 1 ? 'input' : 'inputs'} could not be used`);
  return failures.length > 0 ? 1 : 0;
}

const formatSeconds = (seconds: number): string =>
  seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;

/** A progress line on standard error with the time left, after the first second; nothing when that is no terminal. */
export function createProgress(what: string) {
  const started = performance.now();
  let last = 0;
  let shown = false;
  const end = (): void => {
    if (shown) process.stderr.write('\r\x1b[K');
    shown = false;
  };
  clearProgress = end;
  return {
    update(done: number, total: number) {
      const now = performance.now();
      if (!process.stderr.isTTY || now - started < 1000 || now - last < 100) return;
      last = now;
      shown = true;
      const left = (((now - started) / 1000) * (total - done)) / Math.max(1, done);
      process.stderr.write(`\r\x1b[K${what} ${done} of ${total}, ${formatSeconds(left)} left`);
    },
    end,
  };
}

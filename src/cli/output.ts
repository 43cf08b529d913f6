// What commands write: files (never half of one), messages, progress.
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import pc from 'picocolors';
import { InputError } from '../signal/errors.ts';

/** Writes under a temporary name and renames: an interrupted run leaves the old file or the new one, never a part. */
export function writeFileSafely(path: string, content: Uint8Array | string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, content);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new InputError(`cannot write ${path}: ${(error as NodeJS.ErrnoException).code ?? error}`);
  }
}

export const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** A remark beside the result, on standard error. */
export const note = (line: string): void => {
  process.stderr.write(`${pc.dim('note:')} ${line}\n`);
};

/** One line per file that could not be used, and the sum of them. Returns the exit status. */
export function reportFailures(failures: readonly { message: string }[], total: number): number {
  for (const { message } of failures)
    process.stderr.write(`${pc.red('failed:')} ${message.replace(/\s*\n\s*/g, ' ')}\n`);
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
  return {
    update(done: number, total: number) {
      const now = performance.now();
      if (!process.stderr.isTTY || now - started < 1000 || now - last < 100) return;
      last = now;
      shown = true;
      const left = (((now - started) / 1000) * (total - done)) / Math.max(1, done);
      process.stderr.write(`\r\x1b[K${what} ${done} of ${total}, ${formatSeconds(left)} left`);
    },
    end() {
      if (shown) process.stderr.write('\r\x1b[K');
    },
  };
}

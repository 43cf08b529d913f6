// Which files are done, in a file of its own, so that a restart neither misses one nor repeats it.
import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import { z } from 'zod';
import { InputError } from '../../signal/errors.ts';
import { systemCode, systemReason } from '../../signal/system-error.node.ts';
import { notWritten, readAll, writeAll, writeDurably } from '../../training/durable-file.node.ts';

/** A file at one state of it. `path` is relative to the folder; `size` in bytes. */
export type FileMark = { path: string; size: number; mtimeMs: number };

export type Ledger = {
  has(mark: FileMark): boolean;
  /** On the disk when it returns. @throws InputError where it cannot be written; it is remembered all the same */
  add(mark: FileMark): void;
};

const HEADER = '{"thrum":"ledger","version":1}';
const lineSchema = z.tuple([z.string(), z.number(), z.number()]);

/** The last state of every file. Lines that an interrupted write has left are passed over: their files are read again. */
function parse(content: string): Map<string, [size: number, mtimeMs: number]> {
  const marks = new Map<string, [number, number]>();
  for (const line of content.split('\n').slice(1)) {
    try {
      const [path, size, mtimeMs] = lineSchema.parse(JSON.parse(line));
      marks.set(path, [size, mtimeMs]);
    } catch {}
  }
  return marks;
}

const format = (path: string, size: number, mtimeMs: number): string => `${JSON.stringify([path, size, mtimeMs])}\n`;

function read(path: string): Map<string, [number, number]> {
  if (!existsSync(path)) return new Map();
  let content: string;
  try {
    content = Buffer.from(readAll(path)).toString('utf8');
  } catch (error) {
    throw new InputError(`openLedger: cannot read ${path}: ${systemReason(error)}; name another file`);
  }
  if (content !== '' && !content.startsWith(`${HEADER}\n`)) {
    throw new InputError(`openLedger: ${path} is no ledger of done files; name another one, it would be overwritten`);
  }
  return parse(content);
}

function append(path: string, text: string): void {
  const descriptor = openSync(path, 'a');
  try {
    writeAll(descriptor, Buffer.from(text));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Opens or begins a ledger. It is rewritten at the start, one line for each file; then every file that is done adds a line.
 * @throws InputError where it cannot be read or written, and for a file that is something else
 */
export function openLedger(path: string): Ledger {
  const marks = read(path);
  try {
    const lines = [...marks].map(([file, [size, mtimeMs]]) => format(file, size, mtimeMs));
    writeDurably(path, Buffer.from(`${HEADER}\n${lines.join('')}`));
  } catch (error) {
    throw notWritten('openLedger', path, error, 'start again, or name another file');
  }
  /** A full disk may have taken a part of the last line. */
  let isTorn = false;
  return {
    has({ path: file, size, mtimeMs }) {
      const mark = marks.get(file);
      return mark !== undefined && mark[0] === size && mark[1] === mtimeMs;
    },
    add({ path: file, size, mtimeMs }) {
      marks.set(file, [size, mtimeMs]);
      try {
        append(path, `${isTorn ? '\n' : ''}${format(file, size, mtimeMs)}`);
        isTorn = false;
      } catch (error) {
        isTorn = true;
        if (systemCode(error) === undefined) throw error;
        throw new InputError(
          `openLedger: cannot write ${path}: ${systemReason(error)}; ${file} would be heard again after a restart`,
        );
      }
    },
  };
}

// The log of a run: one JSON object per line, cut back to the checkpoint on resuming, so that it reads as if never interrupted.
import { closeSync, existsSync, fsyncSync, openSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { z } from 'zod';
import { InputError } from '../signal/errors.ts';
import { notWritten, writeAll, writeDurably } from './durable-file.node.ts';

/** Numbers of one logged step, counted from 1. Not every line need have every number. */
export type Metrics = { readonly step: number } & Readonly<Record<string, number>>;

export type MetricsFile = {
  append(metrics: Metrics): void;
  /** Returns when everything appended is on the disk. */
  flush(): void;
  close(): void;
};

const lineSchema = z.object({ step: z.number() }).catchall(z.number());

const parseLine = (line: string): Metrics | undefined => {
  try {
    return lineSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
};

/** All whole lines of a log, in their order; none without a file. What follows the last line end is not one yet. */
export function readMetrics(path: string): Metrics[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.flatMap((line) => parseLine(line) ?? []);
}

/**
 * Cuts off every line after `step`, a half-written last line, and lines that are damaged (which are told of).
 * Nothing is written if nothing is to be cut.
 */
export function cutMetrics(path: string, step: number, warn: (line: string) => void): void {
  if (!existsSync(path)) return;
  const before = readFileSync(path, 'utf8');
  const lines = before.split('\n').slice(0, -1);
  const parsed = lines.map(parseLine);
  const damaged = parsed.filter((line) => line === undefined).length;
  const kept = lines.filter((_, i) => (parsed[i]?.step ?? Number.POSITIVE_INFINITY) <= step);
  const after = kept.map((line) => `${line}\n`).join('');
  if (after !== before) writeDurably(path, Buffer.from(after));
  if (damaged > 0) warn(`removed ${damaged} damaged ${damaged === 1 ? 'line' : 'lines'} from ${basename(path)}`);
}

/** Opens a log to append to it. */
export function openMetrics(path: string): MetricsFile {
  const attempt = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw notWritten('log', path, error, 'resume the run');
    }
  };
  const descriptor = attempt(() => openSync(path, 'a'));
  let last = readMetrics(path).at(-1)?.step ?? 0;
  return {
    append(metrics) {
      const { step } = metrics;
      const wrong = Object.entries(metrics).find(([, value]) => !Number.isFinite(value));
      if (wrong) {
        throw new InputError(
          `log: expected finite numbers at step ${step}, got ${wrong[1]} as ${wrong[0]}; the run has diverged, start another with a lower learning rate`,
        );
      }
      if (!(step > last)) throw new InputError(`log: expected a step after ${last}, got ${step}`);
      attempt(() => writeAll(descriptor, Buffer.from(`${JSON.stringify(metrics)}\n`)));
      last = step;
    },
    flush: () => attempt(() => fsyncSync(descriptor)),
    close: () => closeSync(descriptor),
  };
}

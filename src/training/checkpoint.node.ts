// Checkpoints of a run as safetensors files that know their own hash: how they are written, found, and read again.
import { createHash } from 'node:crypto';
import { readdirSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { readSafetensors, writeSafetensors } from '../graph/safetensors.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { InputError } from '../signal/errors.ts';
import { systemCode, systemReason } from '../signal/system-error.node.ts';
import { readAll } from './durable-file.node.ts';
import { TEACHER_PREFIX } from './self-distillation.ts';
import type { TrainingState } from './step.ts';

/** Where a run stands: everything a step changes, and what else the loop wants back (random streams, places in the data). */
export type Checkpoint = { state: TrainingState; extra: Readonly<Record<string, unknown>> };

const PATTERN = /^checkpoint-(\d{8,})\.safetensors$/;
export const DAMAGED = '.damaged';

export const checkpointName = (step: number): string => `checkpoint-${String(step).padStart(8, '0')}.safetensors`;

/** Complete checkpoints of a folder by their names, newest first. */
export function listCheckpoints(folder: string): { step: number; path: string }[] {
  const found = readdirSync(folder).flatMap((name) => {
    const digits = PATTERN.exec(name)?.[1];
    return digits === undefined ? [] : [{ step: Number(digits), path: join(folder, name) }];
  });
  return found.sort((a, b) => b.step - a.step);
}

const sets = [
  ['teacher', TEACHER_PREFIX],
  ['first', 'first.'],
  ['second', 'second.'],
] as const;

function tensorsOf(state: TrainingState): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  const add = (name: string, data: Float32Array) => tensors.set(name, { dtype: 'F32', shape: [data.length], data });
  for (const [name, data] of state.parameters) {
    const taken = sets.find(([, prefix]) => name.startsWith(prefix));
    if (taken) throw new InputError(`saveCheckpoint: expected no parameter named ${taken[1]}…, got ${name}`);
    add(name, data);
  }
  for (const [set, prefix] of sets) for (const [name, data] of state[set]) add(`${prefix}${name}`, data);
  return tensors;
}

/** What stands in the place of the hash while the hash is taken. */
const BLANK = '0'.repeat(64);
const MARK = '"sha256":"';

/** Where in the file the hash is written: in the header, where JSON escapes the mark in every other text. */
function hashPlace(bytes: Uint8Array): number | undefined {
  if (bytes.length < 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = Math.min(bytes.length, 8 + Number(view.getBigUint64(0, true)));
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, end).indexOf(MARK, 8);
  const place = at + MARK.length;
  return at < 0 || place + BLANK.length > end ? undefined : place;
}

/** Hashing takes less than 2 GiB at a time. */
const PIECE_BYTES = 2 ** 30;

function sha256(bytes: Uint8Array): string {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) hash.update(bytes.subarray(at, at + PIECE_BYTES));
  return hash.digest('hex');
}

/**
 * A checkpoint as bytes. Tensors are flat: parameters by their names, the other sets behind `teacher.`, `first.` and
 * `second.`. The metadata holds `step`, `extra` as JSON, and the SHA-256 of the file with zeros in its place.
 * @throws InputError if `extra` is more than JSON can hold
 */
export function encodeCheckpoint({ state, extra }: Checkpoint): Uint8Array {
  const parsed = z.record(z.string(), z.json()).safeParse(extra);
  if (!parsed.success) {
    const at = parsed.error.issues[0].path.join('.');
    throw new InputError(`saveCheckpoint: expected JSON as extra, got something else in ${at}`);
  }
  const bytes = writeSafetensors(tensorsOf(state), {
    format: 'thrum-checkpoint',
    version: '1',
    step: String(state.step),
    extra: JSON.stringify(extra),
    sha256: BLANK,
  });
  const digest = sha256(bytes);
  bytes.set(Buffer.from(digest), hashPlace(bytes) as number);
  return bytes;
}

const metadataSchema = z.object({
  format: z.literal('thrum-checkpoint'),
  version: z.literal('1'),
  step: z.string().regex(/^\d+$/).transform(Number),
  extra: z.string().transform((text): Record<string, unknown> => JSON.parse(text)),
});

function verifyHash(bytes: Uint8Array, name: string): void {
  const place = hashPlace(bytes);
  if (place === undefined) throw new InputError(`loadCheckpoint: expected a checkpoint of a run in ${name}`);
  const field = Buffer.from(bytes.buffer, bytes.byteOffset + place, BLANK.length);
  const expected = field.toString('latin1');
  field.write(BLANK, 'latin1');
  const found = sha256(bytes);
  field.write(expected, 'latin1');
  if (found !== expected) {
    throw new InputError(
      `loadCheckpoint: expected SHA-256 ${expected.slice(0, 12)}…, got ${found.slice(0, 12)}… (${name})`,
    );
  }
}

/**
 * The checkpoint in a file's bytes, bit for bit what was saved.
 * @throws InputError if it is cut short, altered, or of another version
 */
export function decodeCheckpoint(bytes: Uint8Array, name: string): Checkpoint {
  verifyHash(bytes, name);
  const { tensors, metadata } = readSafetensors(bytes, name);
  const parsed = metadataSchema.safeParse(metadata);
  if (!parsed.success) throw new InputError(`loadCheckpoint: ${name} is not of a version that can be read here`);
  const { step, extra } = parsed.data;
  const state: TrainingState = {
    step,
    parameters: new Map(),
    teacher: new Map(),
    first: new Map(),
    second: new Map(),
  };
  for (const [key, { data }] of tensors) {
    const [set, prefix] = sets.find(([, start]) => key.startsWith(start)) ?? ['parameters', ''];
    state[set].set(key.slice(prefix.length), data as Float32Array);
  }
  return { state, extra };
}

/**
 * The newest checkpoint of a folder that is whole. Damaged ones are handed to `onDamaged` and passed over; nothing is
 * written, so that a run in progress may be looked at.
 * @throws InputError if there are checkpoints and none of them is whole, or if one may not be read
 */
export function newestCheckpoint(
  folder: string,
  onDamaged: (path: string, reason: string) => void = () => {},
): Checkpoint | undefined {
  for (const { path, step } of listCheckpoints(folder)) {
    try {
      const checkpoint = decodeCheckpoint(readAll(path), basename(path));
      if (checkpoint.state.step === step) return checkpoint;
      onDamaged(path, `its name says step ${step}, its content ${checkpoint.state.step}`);
    } catch (error) {
      // A disk that cannot read it has lost it; a missing permission, say, has not.
      const lost = error instanceof InputError || systemCode(error) === 'EIO';
      if (!lost) throw unreadable(path, error);
      onDamaged(path, error instanceof InputError ? error.message : systemReason(error));
    }
  }
  const damaged = readdirSync(folder).filter((name) => PATTERN.test(name.replace(DAMAGED, '')));
  if (damaged.length === 0) return undefined;
  throw new InputError(
    `loadCheckpoint: expected a whole checkpoint in ${folder}, but all are damaged (${damaged.join(', ')}); restore one from a copy, or start a new run in another folder`,
  );
}

function unreadable(path: string, error: unknown): unknown {
  if (systemCode(error) === undefined) return error;
  return new InputError(`loadCheckpoint: cannot read ${path}: ${systemReason(error)}; mend that, then resume the run`);
}

/** Gives a damaged checkpoint another name, under which it is not found again, and says so. */
export const setAside =
  (warn: (line: string) => void) =>
  (path: string, reason: string): void => {
    renameSync(path, `${path}${DAMAGED}`);
    warn(`${basename(path)} is damaged and was set aside as ${basename(path)}${DAMAGED}: ${reason}`);
  };

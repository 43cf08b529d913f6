// What a message holds: raw samples, a whole file, or JSON.
import { z } from 'zod';
import { InputError } from '../../signal/errors.ts';
import { readRecordings } from '../../signal/readers/index.ts';
import type { ReadOptions, Recording } from '../../signal/recording.ts';
import type { TimeMs } from '../types.ts';
import { decodePcm, type PcmSettings, pcmFormats } from './pcm.ts';

export type PayloadSettings = {
  /** Messages are raw samples of this kind; without it they are JSON where they begin with `{`, and files where not. */
  pcm?: PcmSettings;
  /** For files that do not say all. */
  read?: Omit<ReadOptions, 'name'>;
};

export type Payload = {
  recordings: Recording[];
  /** Whether it was a file: a recording of its own, not a part of a stream. */
  isFile: boolean;
  /** Of the first sample, where the message says so. */
  startMs?: TimeMs;
  /** Of a burst; `part` of `parts`, from 1. */
  id?: string;
  part?: number;
  parts?: number;
};

/** A small file may unpack to a very large one. */
const MAX_SAMPLES = 2 ** 26;
const MAX_PARTS = 10_000;
/** The last millisecond that a Date can hold. */
const LAST_MS = 8.64e15;

const numberText = z.string().transform(Number);
const startSchema = z.union([
  z.number().min(0).max(LAST_MS),
  z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)),
]);
const placeShape = {
  start: startSchema.optional(),
  id: z.union([z.string().min(1).max(256), z.int().transform(String)]).optional(),
  part: z.int().min(1).optional(),
  parts: z.int().min(1).max(MAX_PARTS).optional(),
};
const rateSchema = z.number().positive().max(1e9);
const channelsSchema = z.int().min(1).max(1024);
const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/, 'expected base64');

/** `samples`: numbers (channels interleaved), one list for each channel, or base64 of `format`. */
const jsonSchema = z.object({
  rate: rateSchema,
  samples: z.union([base64, z.array(z.number()).min(1), z.array(z.array(z.number()).min(1)).min(1).max(1024)]),
  format: z.enum(pcmFormats).optional(),
  channels: channelsSchema.default(1),
  unit: z.string().max(32).optional(),
  ...placeShape,
});

/** Headers are text. */
const headerSchema = z.object({
  rate: numberText.pipe(rateSchema).optional(),
  format: z.enum(pcmFormats).optional(),
  channels: numberText.pipe(channelsSchema).optional(),
  start: z.union([numberText.pipe(z.number().min(0).max(LAST_MS)), startSchema]).optional(),
  id: placeShape.id,
  part: numberText.pipe(z.int().min(1)).optional(),
  parts: numberText.pipe(z.int().min(1).max(MAX_PARTS)).optional(),
});

const refused = (expected: string, name: string): InputError =>
  new InputError(`readPayload: expected ${expected} (${name}); correct the sender`);

function checked<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const { data, error } = schema.safeParse(value);
  if (!error) return data as T;
  const [{ path, message }] = error.issues;
  throw refused(`${path.join('.') || 'a message'} as documented, found: ${message}`, name);
}

type Place = Pick<Payload, 'startMs' | 'id' | 'part' | 'parts'>;

function placeOf(found: { start?: number; id?: string; part?: number; parts?: number }, name: string): Place {
  const { start, id, part, parts } = found;
  if ((part === undefined) !== (parts === undefined)) throw refused('part and parts together', name);
  if (part !== undefined && id === undefined) throw refused('an id beside part and parts', name);
  if (part !== undefined && parts !== undefined && part > parts) throw refused(`part 1 to ${parts}, got ${part}`, name);
  return {
    ...(start !== undefined && { startMs: start }),
    ...(id !== undefined && { id }),
    ...(part !== undefined && { part, parts }),
  };
}

function deinterleave(values: readonly number[], channels: number, name: string): Float32Array[] {
  if (values.length % channels !== 0) throw refused(`${channels} values for each moment, got ${values.length}`, name);
  const frames = values.length / channels;
  return Array.from({ length: channels }, (_, c) =>
    Float32Array.from({ length: frames }, (_, i) => values[i * channels + c]),
  );
}

function readJson(bytes: Uint8Array, name: string): Payload {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw refused('JSON, as it begins with {, but it is damaged', name);
  }
  const found = checked(jsonSchema, value, name);
  const { rate: sampleRate, samples, format, channels: count, unit } = found;
  let channels: Float32Array[];
  if (typeof samples === 'string') {
    if (!format) throw refused(`a format beside base64 (${pcmFormats.join(', ')})`, name);
    channels = decodePcm(Buffer.from(samples, 'base64'), { format, sampleRate, channels: count }, name);
  } else if (typeof samples[0] === 'number') {
    channels = deinterleave(samples as number[], count, name);
  } else {
    const lists = samples as number[][];
    if (lists.some(({ length }) => length !== lists[0].length)) throw refused('channels of one length', name);
    channels = lists.map((list) => Float32Array.from(list));
  }
  const recording = { channels, sampleRate, name, ...(unit !== undefined && { unit }) };
  return { recordings: [recording], isFile: false, ...placeOf(found, name) };
}

const isJson = (bytes: Uint8Array): boolean => {
  const first = bytes.subarray(0, 64).find((byte) => byte > 0x20);
  return first === 0x7b;
};

/**
 * Reads a message. Headers (`rate`, `format`, `channels`, `start`, `id`, `part`, `parts`, all text) count before
 * settings; with a format the message is raw samples.
 * @throws InputError for whatever is not as it should be
 */
export async function readPayload(
  bytes: Uint8Array,
  settings: PayloadSettings,
  name: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Payload> {
  const said = checked(headerSchema, headers, name);
  const place = placeOf(said, name);
  const format = said.format ?? settings.pcm?.format;
  if (format) {
    const sampleRate = said.rate ?? settings.pcm?.sampleRate;
    if (sampleRate === undefined) throw refused('a rate beside the format', name);
    const channels = decodePcm(
      bytes,
      { format, sampleRate, channels: said.channels ?? settings.pcm?.channels ?? 1 },
      name,
    );
    return { recordings: [{ channels, sampleRate, name }], isFile: false, ...place };
  }
  if (isJson(bytes)) return { ...readJson(bytes, name), ...place };
  const sampleRate = said.rate ?? settings.read?.sampleRate;
  const options = { maxSamples: MAX_SAMPLES, ...settings.read, name, ...(sampleRate !== undefined && { sampleRate }) };
  return { recordings: await readRecordings(bytes, options), isFile: true, ...place };
}

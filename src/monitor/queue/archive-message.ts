// Jobs and results of an archive as they travel: a header that says what it is, and bytes.
import { z } from 'zod';
import { readSafetensors, writeSafetensors } from '../../graph/safetensors.ts';
import type { StoredTensor } from '../../graph/stored-tensor.ts';
import { InputError } from '../../signal/errors.ts';
import { type ArchiveHeard, archivePlanSchema } from '../hearing/archive-job.ts';

const id = z.string().regex(/^[0-9a-f]{32}$/);
const key = z.string().max(256);
/** Which store holds what does not fit into a message. */
const store = z.enum(['objects', 'blobs']);

/** `bytes`: the message holds the file; else a store does (`key`), or it lies at `path`, which workers see too. */
export const archiveJobSchema = z.strictObject({
  id,
  file: z.string(),
  plan: archivePlanSchema,
  store,
  key: key.optional(),
  path: z.string().optional(),
  /** Of the file. */
  bytes: z.int().min(0),
});
export type ArchiveJobMessage = z.infer<typeof archiveJobSchema>;

export const archiveResultSchema = z.strictObject({
  id,
  /** Where the result does not fit into a message. */
  key: key.optional(),
  /** Why the worker can do no file of this archive. */
  refused: z.string().optional(),
});
export type ArchiveResultMessage = z.infer<typeof archiveResultSchema>;

/** Headers are one line of ASCII. */
export const encodeHeader = (value: ArchiveJobMessage | ArchiveResultMessage): string =>
  encodeURIComponent(JSON.stringify(value));

/** Undefined for what is none. */
export function decodeHeader<T>(text: string | undefined, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(decodeURIComponent(text ?? ''))).data;
  } catch {
    return undefined;
  }
}

/** Names of what a run keeps in a store. */
export const fileKey = (run: string, job: string): string => `archive/${run}/file-${job}`;
export const resultKey = (run: string, job: string): string => `archive/${run}/result-${job}`;
export const detectorKey = (run: string, sha256: string): string => `archive/${run}/detector-${sha256}`;

const place = {
  recording: z.string(),
  channel: z.string(),
  segment: z.int().min(0),
  start: z.number(),
  seconds: z.number(),
};
const heardSchema = z.strictObject({
  scores: z.array(
    z.strictObject({
      ...place,
      score: z.number(),
      threshold: z.number(),
      pValue: z.number(),
      anomalous: z.boolean(),
      diagnosis: z.string().optional(),
      confidence: z.number().optional(),
    }),
  ),
  /** `length`: values of this row, which follow those of the row before. */
  embeddings: z.array(z.strictObject({ ...place, sampleRate: z.number(), length: z.int().min(0) })),
  failures: z.array(z.strictObject({ file: z.string(), message: z.string() })),
});

/** Rows as JSON, which gives back the same numbers, and the values of all embeddings as float32. */
export function encodeHeard({ scores, embeddings, failures }: ArchiveHeard): Uint8Array {
  const total = embeddings.reduce((sum, { vector }) => sum + vector.length, 0);
  const values = new Float32Array(total);
  let at = 0;
  const rows = embeddings.map(({ vector, ...row }) => {
    values.set(vector, at);
    at += vector.length;
    return { ...row, length: vector.length };
  });
  const heard = JSON.stringify({ scores, embeddings: rows, failures });
  const tensors = new Map<string, StoredTensor>();
  if (total > 0) tensors.set('values', { dtype: 'F32', shape: [total], data: values });
  return writeSafetensors(tensors, { heard });
}

/** @throws InputError for bytes that are no result */
export function decodeHeard(bytes: Uint8Array): ArchiveHeard {
  const { tensors, metadata } = readSafetensors(bytes, 'result');
  const values = tensors.get('values')?.data ?? new Float32Array();
  let parsed: z.infer<typeof heardSchema>;
  try {
    parsed = heardSchema.parse(JSON.parse(metadata.heard ?? ''));
  } catch {
    throw new InputError('decodeHeard: expected the rows of a result, found other data; start workers of this version');
  }
  const total = parsed.embeddings.reduce((sum, { length }) => sum + length, 0);
  if (!(values instanceof Float32Array) || values.length !== total) {
    throw new InputError(`decodeHeard: expected ${total} values of float32, found ${values.length}`);
  }
  let at = 0;
  const embeddings = parsed.embeddings.map(({ length, ...row }) => {
    const vector = values.slice(at, at + length);
    at += length;
    return { ...row, vector };
  });
  return { ...parsed, embeddings };
}

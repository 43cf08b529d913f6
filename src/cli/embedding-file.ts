// Embeddings as files: JSON lines, NumPy archives and Parquet tables.
import type { EmbeddingRow } from '../encoders/embedding-rows.ts';
import { InputError } from '../signal/errors.ts';
import { writeNpz } from '../signal/readers/npy-write.ts';
import { writeParquet } from '../signal/readers/parquet-write.ts';

export type { EmbeddingRow };

export const EMBEDDING_FORMATS = ['jsonl', 'npz', 'parquet'] as const;

export type EmbeddingFormat = (typeof EMBEDDING_FORMATS)[number];

/**
 * The content of an embedding file, one row per stretch, with the same names in every format: `file`, `sample_rate`,
 * `start`, `end`, `embedding`.
 * - `jsonl`: one JSON object per line; floats with the 9 digits that give back the same float32.
 * - `npz`: `embeddings` [N, D] float32, and `files`, `sample_rate`, `start`, `end` [N].
 * - `parquet`: one row each; `embedding` is a list of 32-bit floats.
 * @throws InputError for values that are not finite, and for vectors of different lengths in `npz`.
 */
export const encodeEmbeddings = (rows: readonly EmbeddingRow[], format: EmbeddingFormat): Uint8Array => {
  for (const row of rows) checkRow(row);
  if (format === 'npz') return encodeNpz(rows);
  if (format === 'parquet') return encodeParquet(rows);
  return new TextEncoder().encode(rows.map((row) => `${jsonLine(row)}\n`).join(''));
};

const checkRow = ({ file, sampleRate, start, end, vector }: EmbeddingRow): void => {
  const refuse = (value: number, at: string | number) =>
    new InputError(`encodeEmbeddings: expected finite numbers, found ${value} at ${at} (${file})`);
  for (const [at, value] of Object.entries({ sampleRate, start, end })) {
    if (!Number.isFinite(value)) throw refuse(value, at);
  }
  const bad = vector.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw refuse(vector[bad], bad);
};

const jsonLine = ({ file, sampleRate, start, end, vector }: EmbeddingRow): string => {
  const embedding = Array.from(vector, (value) => Number(value.toPrecision(9)));
  return JSON.stringify({ file, sample_rate: sampleRate, start, end, embedding });
};

const encodeNpz = (rows: readonly EmbeddingRow[]): Uint8Array => {
  const width = rows[0]?.vector.length ?? 0;
  const odd = rows.find(({ vector }) => vector.length !== width);
  if (odd) {
    throw new InputError(
      `encodeEmbeddings: expected vectors of one length for npz, found ${width} (${rows[0].file}) and ${odd.vector.length} (${odd.file}); sampling rates differ: use jsonl or parquet`,
    );
  }
  const embeddings = new Float32Array(rows.length * width);
  for (const [i, { vector }] of rows.entries()) embeddings.set(vector, i * width);
  const column = (data: number[]) => ({ shape: [rows.length], data: Float64Array.from(data) });
  return writeNpz({
    embeddings: { shape: [rows.length, width], data: embeddings },
    files: { shape: [rows.length], data: rows.map(({ file }) => file) },
    sample_rate: column(rows.map(({ sampleRate }) => sampleRate)),
    start: column(rows.map(({ start }) => start)),
    end: column(rows.map(({ end }) => end)),
  });
};

/** Rows may differ in length. */
const encodeParquet = (rows: readonly EmbeddingRow[]): Uint8Array =>
  writeParquet([
    { name: 'file', type: 'text', data: rows.map(({ file }) => file) },
    { name: 'sample_rate', type: 'double', data: rows.map(({ sampleRate }) => sampleRate) },
    { name: 'start', type: 'double', data: rows.map(({ start }) => start) },
    { name: 'end', type: 'double', data: rows.map(({ end }) => end) },
    { name: 'embedding', type: 'vector', data: rows.map(({ vector }) => vector) },
  ]);

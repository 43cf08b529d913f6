import { parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { InputError } from '../signal/errors.ts';
import { npyNumbers, readNpyHeader } from '../signal/readers/npy-format.ts';
import { readZipEntries, zipEntryBytes } from '../signal/readers/zip.ts';
import { type EmbeddingRow, encodeEmbeddings } from './embedding-file.ts';

const rows: EmbeddingRow[] = [
  { file: 'Lüfter/a.wav', sampleRate: 16000, start: 0, end: 2, vector: Float32Array.of(0.1, -1.5, 3e-9) },
  { file: 'b.npz#001', sampleRate: 25600.5, start: 2, end: 4.25, vector: Float32Array.of(7, 1 / 3, -0) },
];
const ragged: EmbeddingRow[] = [...rows, { ...rows[0], file: 'c.wav', vector: Float32Array.of(1, 2) }];

const readParquet = async (bytes: Uint8Array) =>
  parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer });

describe('encodeEmbeddings', () => {
  it('writes JSON lines that give back the same float32 values', () => {
    const lines = new TextDecoder().decode(encodeEmbeddings(ragged, 'jsonl')).split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[3]).toBe('');
    const parsed = lines.slice(0, 3).map((line) => JSON.parse(line));
    expect(parsed.map(({ embedding }) => Float32Array.from(embedding))).toEqual([
      rows[0].vector,
      Float32Array.of(7, 1 / 3, 0),
      ragged[2].vector,
    ]);
    expect(parsed[1]).toMatchObject({ file: 'b.npz#001', sample_rate: 25600.5, start: 2, end: 4.25 });
    expect(lines[0].length).toBeLessThan(120);
  });

  it('writes Parquet that another reader reads, ragged rows included', async () => {
    const objects = await readParquet(encodeEmbeddings(ragged, 'parquet'));
    expect(objects).toHaveLength(3);
    for (const [i, { file, sampleRate, start, end, vector }] of ragged.entries()) {
      const embedding = Array.from(vector);
      expect(objects[i]).toEqual({ file, sample_rate: sampleRate, start, end, embedding });
    }
  });

  it('writes an npz archive of columns', () => {
    const zip = { bytes: encodeEmbeddings(rows, 'npz'), reader: 'test', name: 'out.npz' };
    const arrays = new Map(
      readZipEntries(zip).map((entry) => {
        const bytes = zipEntryBytes(zip, entry, true);
        return [entry.path, { bytes, header: readNpyHeader(bytes, zip) }];
      }),
    );
    const numbers = (path: string) => {
      const { bytes, header } = arrays.get(path)!;
      return { shape: header.shape, data: npyNumbers(bytes, header, zip) };
    };
    expect(numbers('embeddings.npy')).toEqual({
      shape: [2, 3],
      data: Float32Array.of(...rows[0].vector, ...rows[1].vector),
    });
    expect(numbers('sample_rate.npy')).toEqual({ shape: [2], data: Float64Array.of(16000, 25600.5) });
    expect(numbers('start.npy').data).toEqual(Float64Array.of(0, 2));
    expect(numbers('end.npy').data).toEqual(Float64Array.of(2, 4.25));
    expect(arrays.get('files.npy')?.header).toMatchObject({ dtype: 'U12', shape: [2] });
  });

  it('writes files without rows', async () => {
    expect(encodeEmbeddings([], 'jsonl')).toHaveLength(0);
    expect(await readParquet(encodeEmbeddings([], 'parquet'))).toEqual([]);
    const zip = { bytes: encodeEmbeddings([], 'npz'), reader: 'test', name: 'out.npz' };
    const first = readZipEntries(zip)[0];
    expect(readNpyHeader(zipEntryBytes(zip, first, true), zip).shape).toEqual([0, 0]);
  });

  it('refuses vectors of different lengths for npz, and says what to use', () => {
    expect(() => encodeEmbeddings(ragged, 'npz')).toThrow(InputError);
    expect(() => encodeEmbeddings(ragged, 'npz')).toThrow(
      /found 3 \(Lüfter\/a\.wav\) and 2 \(c\.wav\).*jsonl or parquet/,
    );
  });

  it('refuses numbers that are not finite', () => {
    const bad = { ...rows[0], vector: Float32Array.of(1, Number.NaN) };
    expect(() => encodeEmbeddings([bad], 'jsonl')).toThrow(
      /expected finite numbers, found NaN at 1 \(Lüfter\/a\.wav\)/,
    );
    expect(() => encodeEmbeddings([{ ...rows[0], start: Number.NaN }], 'parquet')).toThrow(/found NaN at start/);
  });
});

// Rows of an archive's files as one partition: the columns that docs/deploying.md describes.
import { writeParquet } from '../../signal/readers/parquet-write.ts';
import type { ArchiveEmbedding, ArchiveHeard, ArchivePlan, ArchiveScore } from '../hearing/archive-job.ts';

/** What came of one file. */
export type FileRows = { file: string } & Pick<ArchiveHeard, 'scores' | 'embeddings'>;

type Row<T> = T & { file: string };

const placeColumns = (rows: readonly Row<ArchiveScore | ArchiveEmbedding>[]) => [
  { name: 'file', type: 'text' as const, data: rows.map(({ file }) => file) },
  { name: 'recording', type: 'text' as const, data: rows.map(({ recording }) => recording) },
  { name: 'channel', type: 'text' as const, data: rows.map(({ channel }) => channel) },
  { name: 'segment', type: 'int32' as const, data: rows.map(({ segment }) => segment) },
  { name: 'start', type: 'double' as const, data: rows.map(({ start }) => start) },
  { name: 'seconds', type: 'double' as const, data: rows.map(({ seconds }) => seconds) },
];

/** The bytes of a partition, rows in the order given. */
export function partition(kind: ArchivePlan['kind'], files: readonly FileRows[]): Uint8Array {
  if (kind === 'embed') {
    const rows = files.flatMap(({ file, embeddings }) => embeddings.map((row) => ({ file, ...row })));
    return writeParquet([
      ...placeColumns(rows),
      { name: 'sample_rate', type: 'double', data: rows.map(({ sampleRate }) => sampleRate) },
      { name: 'embedding', type: 'vector', data: rows.map(({ vector }) => vector) },
    ]);
  }
  const rows = files.flatMap(({ file, scores }) => scores.map((row) => ({ file, ...row })));
  return writeParquet([
    ...placeColumns(rows),
    { name: 'score', type: 'double', data: rows.map(({ score }) => score) },
    { name: 'threshold', type: 'double', data: rows.map(({ threshold }) => threshold) },
    { name: 'pvalue', type: 'double', data: rows.map(({ pValue }) => pValue) },
    { name: 'anomalous', type: 'boolean', data: rows.map(({ anomalous }) => anomalous) },
    { name: 'diagnosis', type: 'text', optional: true, data: rows.map(({ diagnosis = null }) => diagnosis) },
    { name: 'confidence', type: 'double', optional: true, data: rows.map(({ confidence = null }) => confidence) },
  ]);
}

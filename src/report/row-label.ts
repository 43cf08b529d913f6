// What a scored row is called wherever it is named: its file, and the place in it where a file gave several rows.
import { formatTimeRange } from './format.ts';
import type { ReportRow } from './types.ts';

/** The file, and what tells this row from others of the same file: `pump.wav, 20–30 s`, `pump.mat #2`. */
export const rowLabel = (row: Pick<ReportRow, 'file' | 'index' | 'startSeconds' | 'durationSeconds'>): string => {
  if (row.startSeconds > 0) return `${row.file}, ${formatTimeRange(row.startSeconds, row.durationSeconds)}`;
  return row.index > 0 ? `${row.file} #${row.index}` : row.file;
};

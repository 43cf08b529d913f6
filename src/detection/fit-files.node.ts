// From files of normal (or labelled) recordings to a detector.
import type { EmbedJob, EmbedResult } from '../encoders/embed-file.node.ts';
import { embedFiles } from '../encoders/embed-pool.node.ts';
import { type EncoderSpec, identifyEncoder } from '../encoders/load.node.ts';
import type { ReadOptions } from '../signal/recording.ts';
import { type FitRecordingsOptions, type FitReport, fitRecordings } from './fit-recordings.ts';

export type FitFilesOptions = Omit<FitRecordingsOptions, 'encoder'> & {
  encoder: EncoderSpec;
  read: Omit<ReadOptions, 'name'>;
  workers?: number;
  onFile?: (done: number, total: number) => void;
};

/**
 * Fits a detector to files. Files that cannot be used are reported, and the rest is fitted.
 * @throws InputError if too few are left, or files lack a label where labels were asked for.
 */
export async function fitFiles(paths: readonly string[], options: FitFilesOptions): Promise<FitReport> {
  const { read, preparation, workers } = options;
  const jobs = paths.map((path): EmbedJob => ({ path, read, preparation, detail: 'sums' }));
  const results: EmbedResult[] = [];
  for await (const result of embedFiles(options.encoder, jobs, { workers })) {
    results.push(result);
    options.onFile?.(results.length, jobs.length);
  }
  return fitRecordings(results, { ...options, encoder: await identifyEncoder(options.encoder) });
}

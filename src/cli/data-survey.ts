// What is in files of recordings that belong to no known data set, and what is wrong with them.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { DataSetCheck } from '../evaluation/datasets/check.node.ts';
import { addKind, commonestFirst, kindOf, type RecordingKind } from '../evaluation/datasets/recording-kinds.ts';
import { inputMessage, oneLine } from '../signal/errors.ts';
import { readRecordingFile } from '../signal/read-file.node.ts';
import type { ReadOptions } from '../signal/recording.ts';
import { checkFinite, isConstant } from '../signal/segments.ts';
import { createProgress, note, print } from './output.ts';

export type Survey = {
  files: number;
  recordings: number;
  kinds: RecordingKind[];
  unreadable: { file: string; message: string }[];
  duplicates: { file: string; same: string }[];
  constant: string[];
};

/** Reads files that belong to no data set. What is wrong with a file is part of the result and stops nothing. */
export async function survey(files: readonly string[], read: Omit<ReadOptions, 'name'>): Promise<Survey> {
  const result: Survey = {
    files: files.length,
    recordings: 0,
    kinds: [],
    unreadable: [],
    duplicates: [],
    constant: [],
  };
  const seen = new Map<string, string>();
  const progress = createProgress('checked');
  for (const [i, file] of files.entries()) {
    progress.update(i, files.length);
    try {
      const recordings = await readRecordingFile(file, read);
      const hash = createHash('sha256').update(readFileSync(file)).digest('hex');
      const same = seen.get(hash);
      if (same) result.duplicates.push({ file, same });
      else seen.set(hash, file);
      for (const recording of recordings) checkFinite(recording);
      for (const recording of recordings) {
        addKind(result.kinds, kindOf(recording));
        result.recordings++;
        if (isConstant(recording)) result.constant.push(recording.name);
      }
    } catch (error) {
      result.unreadable.push({ file, message: oneLine(inputMessage(error)) });
    }
  }
  progress.end();
  result.kinds.sort(commonestFirst);
  return result;
}

/** The survey with the recordings of the data sets counted in; what is wrong with those, their own checks say. */
export function withDataSets(result: Survey, files: number, checks: readonly DataSetCheck[]): Survey {
  const kinds: RecordingKind[] = [];
  for (const kind of [...result.kinds, ...checks.flatMap((check) => check.kinds)]) addKind(kinds, kind);
  return {
    ...result,
    files,
    recordings: checks.reduce((sum, { recordings }) => sum + recordings, result.recordings),
    kinds: kinds.sort(commonestFirst),
  };
}

/** Prints what is there, then a line for each thing wrong. */
export function printSurvey({ files, recordings, kinds, unreadable, duplicates, constant }: Survey): void {
  print(`${files} files, ${recordings} recordings`);
  for (const { count, sampleRate, channels, seconds } of kinds) {
    print(
      `  ${count} at ${sampleRate} Hz, ${channels} ${channels === 1 ? 'channel' : 'channels'}, ${(seconds / 60).toFixed(1)} min`,
    );
  }
  if (kinds.length > 1)
    note('several kinds: a detector takes one rate and one number of channels (--resample, --channel)');
  for (const { file, same } of duplicates) print(`duplicate: ${file} has the same content as ${same}`);
  for (const name of constant) print(`silent: ${name}: every sample is the same`);
  for (const { message } of unreadable) print(`unreadable: ${message}`);
}

// From a file to embeddings; a file may hold several recordings, and one that fails does not stop the others.
import { InputError, inputMessage } from '../signal/errors.ts';
import { readRecordingFile } from '../signal/read-file.node.ts';
import type { ReadOptions, Recording } from '../signal/recording.ts';
import type { Part } from '../signal/segments.ts';
import { type EmbeddedRecording, embedRecording, type FrameDetail, type Preparation } from './embed-recording.ts';
import type { Encoder } from './types.ts';
import { onWindows, type WindowRule } from './windows.ts';

export type EmbedJob = {
  path: string;
  read: Omit<ReadOptions, 'name'>;
  preparation: Preparation;
  detail: FrameDetail;
  /** Number of the recording to take from a file that holds several; all by default. */
  record?: number;
  /** Windows that the encoder hears one by one. */
  windows?: WindowRule;
};

export type Failure = { file: string; message: string };

export type EmbedResult = { path: string; recordings: EmbeddedRecording[]; failures: Failure[] };

/** Where a file holds several recordings, a part in percent means some of them, not a part of each. */
export function chooseRecordings(
  recordings: readonly Recording[],
  part: Part | undefined,
): { chosen: readonly Recording[]; part?: Part } {
  if (recordings.length === 1 || part?.unit !== '%') return { chosen: recordings, part };
  const at = (percent: number) => Math.round((percent / 100) * recordings.length);
  const chosen = recordings.slice(at(part.from), at(part.to));
  if (chosen.length === 0) {
    throw new InputError(
      `${recordings[0].name}: none of ${recordings.length} records lie between ${part.from} and ${part.to} %; change --part`,
    );
  }
  return { chosen };
}

function oneRecord(
  recordings: readonly Recording[],
  { record, path }: Pick<EmbedJob, 'record' | 'path'>,
): readonly Recording[] {
  if (record === undefined) return recordings;
  if (recordings[record] === undefined) {
    throw new InputError(`${path}: expected a recording number ${record + 1}, found ${recordings.length}`);
  }
  return [recordings[record]];
}

/** Reads and embeds a file. Bad input comes back as failures. */
export const embedFile = (encoder: Encoder, job: EmbedJob): Promise<EmbedResult> =>
  embedOpened(encoder, job, () => readRecordingFile(job.path, job.read));

/** The same for recordings from anywhere: `open` reads them, `job.path` is what they are called where that fails. */
export async function embedOpened(
  encoder: Encoder,
  job: Omit<EmbedJob, 'read'>,
  open: () => Promise<readonly Recording[]>,
): Promise<EmbedResult> {
  const result: EmbedResult = { path: job.path, recordings: [], failures: [] };
  let chosen: readonly Recording[];
  let preparation = job.preparation;
  try {
    const all = await open();
    const choice = chooseRecordings(oneRecord(all, job), preparation.part);
    chosen = choice.chosen;
    preparation = { ...preparation, part: choice.part };
  } catch (error) {
    result.failures.push({ file: job.path, message: inputMessage(error) });
    return result;
  }
  const heard = job.windows ? onWindows(encoder, job.windows) : encoder;
  for (const recording of chosen) {
    try {
      result.recordings.push(await embedRecording(heard, recording, preparation, job.detail));
    } catch (error) {
      result.failures.push({ file: recording.name, message: inputMessage(error) });
    }
  }
  return result;
}

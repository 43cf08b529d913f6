// What score and diagnose share: their options, and the run over the files.
import { dirname } from 'node:path';
import type { Detector } from '../detection/detector.ts';
import { encoderOf } from '../detection/encoder-place.node.ts';
import {
  checkEncoder,
  type FileResult,
  type ScoredRecording,
  type ScoreFilesOptions,
  scoreFiles,
} from '../detection/score-files.node.ts';
import type { Failure } from '../encoders/embed-file.node.ts';
import { flag, type OptionSpecs, type Options } from './command.ts';
import { createProgress } from './output.ts';
import {
  encoderFrom,
  encoderOptionSpecs,
  partFrom,
  readOptionSpecs,
  readOptionsFrom,
  workersFrom,
} from './recording-options.ts';

export const scoringOptionSpecs = {
  'per-segment': { description: 'one row per segment instead of one per recording' },
  resample: { description: "convert recordings of other rates to the detector's" },
  ...readOptionSpecs,
  ...encoderOptionSpecs,
} satisfies OptionSpecs;

/** How the user wants recordings scored by the detector in `path`. @throws InputError if the encoder is not the detector's. */
export async function scoringFrom(
  options: Options,
  detector: Pick<Detector, 'encoder'>,
  path: string,
): Promise<ScoreFilesOptions> {
  const encoder = encoderFrom(options, encoderOf(detector, dirname(path)));
  await checkEncoder(detector, encoder);
  return {
    encoder,
    read: readOptionsFrom(options),
    part: partFrom(options),
    resample: flag(options, 'resample'),
    perSegment: flag(options, 'per-segment'),
    workers: workersFrom(options),
  };
}

type Scores = { scored: ScoredRecording[]; failures: Failure[] };

/** Scores all files with a progress line; `onRow` sees every recording as it is done. */
export const scoreAll = (
  files: readonly string[],
  detector: Detector,
  scoring: ScoreFilesOptions,
  onRow: (row: ScoredRecording) => void,
): Promise<Scores> => collectScores(scoreFiles(files, detector, scoring), files.length, onRow);

/** The same for results from anywhere. */
export async function collectScores(
  results: AsyncIterable<FileResult>,
  total: number,
  onRow: (row: ScoredRecording) => void,
): Promise<Scores> {
  const scored: ScoredRecording[] = [];
  const failures: Failure[] = [];
  const progress = createProgress('scored');
  let done = 0;
  for await (const result of results) {
    result.scored.forEach(onRow);
    scored.push(...result.scored);
    failures.push(...result.failures);
    progress.update(++done, total);
  }
  progress.end();
  return { scored, failures };
}

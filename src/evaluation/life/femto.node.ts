// Condition over life on FEMTO: from its folder, in archives or in the official files, to the result of the benchmark.
import { join } from 'node:path';
import type { DetectorSettings } from '../../detection/detector.ts';
import type { EmbedJob } from '../../encoders/embed-file.node.ts';
import { embedFiles } from '../../encoders/embed-pool.node.ts';
import type { EmbeddedRecording } from '../../encoders/embed-recording.ts';
import { type EncoderSpec, identifyEncoder } from '../../encoders/load.node.ts';
import { InputError, inputMessage } from '../../signal/errors.ts';
import { readRecordingFile } from '../../signal/read-file.node.ts';
import { FEMTO_RECORD_INTERVAL, type FemtoBearing, femto, femtoBearings } from '../datasets/femto.ts';
import { locate } from '../datasets/find.node.ts';
import type { Sample } from '../datasets/types.ts';
import { evaluateLives, type LifeResult, type LifeSettings } from './protocol.ts';
import { type EmbeddedLife, type ScoredLife, type ScoreLifeOptions, scoreLife } from './score-life.ts';

export type FemtoLifeOptions = {
  encoder: EncoderSpec;
  /** One of the two accelerometers (0 horizontal, 1 vertical), or both, one after the other (the default). */
  channel?: 0 | 1 | 'all';
  /** The detector learns from this share of each life, but from at least so many records: a tenth, and 20. */
  fitShare?: number;
  leastFitted?: number;
  detector?: Partial<DetectorSettings>;
  settings?: Partial<LifeSettings>;
  workers?: number;
  onFile?: (done: number, total: number) => void;
};

/** A record with its number in the run; neighbours in the official data are `FEMTO_RECORD_INTERVAL` apart. */
type NumberedRecord = { number: number; recording: EmbeddedRecording };

/** The array of an archive that holds the number of each of its records. */
const NUMBERS = 'record';

/** Names of records in an archive end in their place in it: `Bearing1_1.npz#007`. */
const placeOf = ({ name }: EmbeddedRecording): number => Number(/#(\d+)$/.exec(name)?.[1] ?? 0);

/** Numbers of the records of a file: in its name where it holds one record, else in an array beside them. */
async function numbered(
  path: string,
  { attributes }: Sample,
  recordings: readonly EmbeddedRecording[],
): Promise<NumberedRecord[]> {
  if (attributes.record !== undefined) {
    return recordings.map((recording) => ({ number: Number(attributes.record), recording }));
  }
  const [{ channels }] = await readRecordingFile(path, { variable: NUMBERS });
  return recordings.map((recording) => {
    const number = channels[0][placeOf(recording)];
    if (number !== undefined) return { number, recording };
    throw new InputError(
      `${path}: expected a number in array ${NUMBERS} for every record, found ${channels[0].length} and none for ${recording.name}; make the archive again`,
    );
  });
}

/** Test_set alone is cut off before the failure. */
const isTruncated = ({ samples }: FemtoBearing): boolean => samples.every(({ path }) => /(^|\/)test_set\//i.test(path));

function lifeOf({ bearing, condition }: FemtoBearing, records: readonly NumberedRecord[]): EmbeddedLife {
  const [first] = records;
  if (!first) throw new InputError(`${bearing}: expected records that can be read, found none; copy the files again`);
  return {
    bearing,
    condition,
    ageSeconds: records.map(({ number }) => (number - first.number) * FEMTO_RECORD_INTERVAL),
    vectors: records.map(({ recording }) => recording.segments[0].vector),
    bands: first.recording.bands,
    sampleRate: first.recording.sampleRate,
  };
}

/** One line for all files of a bearing that failed: a folder that cannot be read has thousands of them. */
const failureLine = (bearing: string, messages: readonly string[]): string =>
  `${bearing}: ${messages.length} ${messages.length === 1 ? 'record or file' : 'records or files'} left out; the first: ${messages[0]}`;

/** Embeds all records of the bearings, every file once; what cannot be read becomes a problem. */
async function embedBearings(
  root: string,
  bearings: readonly FemtoBearing[],
  { encoder, channel = 'all', workers, onFile }: FemtoLifeOptions,
  problems: string[],
): Promise<NumberedRecord[][]> {
  const files = bearings.flatMap(({ samples }, b) => samples.map((sample) => ({ b, sample })));
  const jobs = files.map(
    ({ sample }): EmbedJob => ({
      path: join(root, sample.path),
      read: sample.read ?? {},
      preparation: { channel, segmentSeconds: null },
      detail: 'none',
    }),
  );
  const records: NumberedRecord[][] = bearings.map(() => []);
  const failed: string[][] = bearings.map(() => []);
  let done = 0;
  for await (const { path, recordings, failures } of embedFiles(encoder, jobs, { workers })) {
    const { b, sample } = files[done];
    failed[b].push(...failures.map(({ message }) => message));
    try {
      records[b].push(...(await numbered(path, sample, recordings)));
    } catch (error) {
      failed[b].push(inputMessage(error));
    }
    done++;
    onFile?.(done, jobs.length);
  }
  for (const [b, messages] of failed.entries()) {
    if (messages.length > 0) problems.push(failureLine(bearings[b].bearing, messages));
  }
  return records;
}

/** Scores every life that can be; the others become problems. */
async function scoreBearings(
  lives: readonly (() => EmbeddedLife)[],
  options: ScoreLifeOptions,
  problems: string[],
): Promise<ScoredLife[]> {
  const scored: ScoredLife[] = [];
  for (const life of lives) {
    try {
      scored.push(await scoreLife(life(), options));
    } catch (error) {
      problems.push(inputMessage(error));
    }
  }
  return scored;
}

/**
 * Condition over life of all FEMTO bearings below `dataRoot` that ran to failure. The life of a bearing begins with its
 * first record there and ends with its last; the time between records comes from their numbers, so thinned data do too.
 * Bearings and records that cannot be used are left out and named in `problems`.
 * @throws InputError if there are no FEMTO files below `dataRoot`, or no bearing that can be used
 */
export async function runFemtoLife(dataRoot: string, options: FemtoLifeOptions): Promise<LifeResult> {
  const { channel = 'all', fitShare = 0.1, leastFitted = 20, detector, settings } = options;
  const encoder = await identifyEncoder(options.encoder);
  const located = locate(dataRoot, femto);
  if (!located) {
    throw new InputError(
      `runFemtoLife: expected files of FEMTO below ${dataRoot}, found none; the layout is:\n${femto.layout}`,
    );
  }
  const all = femtoBearings(located.scan.samples);
  const whole = all.filter((bearing) => !isTruncated(bearing));
  const unusable = all
    .filter(isTruncated)
    .map(({ bearing }) => `${bearing}: truncated before its failure (Test_set), left out; add Full_Test_Set`);
  const records = await embedBearings(located.root, whole, options, unusable);
  const lives = whole.map((bearing, b) => () => lifeOf(bearing, records[b]));
  const scored = await scoreBearings(lives, { encoder, channel, fitShare, leastFitted, detector }, unusable);
  if (scored.length === 0) {
    throw new InputError(`runFemtoLife: none of ${all.length} bearings could be used; the first: ${unusable[0]}`);
  }
  const problems = [...located.scan.problems.map(({ message }) => message), ...unusable];
  return evaluateLives({ lives: scored, encoder, channel, settings, problems });
}

// Checks a data set on disk: reads every recording, and says what is there, what is missing and what is wrong.
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, inputMessage, oneLine } from '../../signal/errors.ts';
import { readRecordingFile } from '../../signal/read-file.node.ts';
import type { Recording } from '../../signal/recording.ts';
import { checkFinite, isConstant } from '../../signal/segments.ts';
import { bytesOf } from '../../signal/typed-view.ts';
import { listFolder } from '../files/list-folder.node.ts';
import { addKind, commonestFirst, kindOf, type RecordingKind } from './recording-kinds.ts';
import type { DataSet, Problem, Sample } from './types.ts';

/** Rates this close are the same: 48828 stands for 48828.125. */
const RATE_TOLERANCE = 1e-3;

/** How many recordings a class, a split, a fold or a machine has; `expected` of the complete official data set. */
export type Count = { of: 'class' | 'split' | 'fold' | 'machine'; name: string; found: number; expected?: number };

type Fault = { name: string; message: string };
type Unlike = { name: string; found: number; expected: number };
/** `between` where the two lie on different sides: `train and test`, `fold 1 and fold 2`, `class dog and class cat`. */
type Duplicate = { name: string; same: string; between: string[] };

export type DataSetCheck = {
  id: string;
  title: string;
  root: string;
  /** Files, or parts of files, that the data set says are recordings. */
  samples: number;
  /** More than samples where a file without a stated record holds several. */
  recordings: number;
  expected?: number;
  counts: Count[];
  kinds: RecordingKind[];
  /** Of names and places: what the scan said. */
  problems: Problem[];
  unreadable: Fault[];
  empty: string[];
  notFinite: Fault[];
  wrongRate: Unlike[];
  wrongChannels: Unlike[];
  /** Every sample of every channel is the same. */
  silent: string[];
  /** The same samples (SHA-256 of what was read) under two names; silent recordings left out. */
  duplicates: Duplicate[];
  /** Takes of which the data set itself puts parts on both sides: an encoder is tested on what it was fitted to. */
  divided: { take: string; between: string[] }[];
};

/** What was read of a sample. */
type Read = { sample: Sample; name: string; recordings: Recording[] };

/**
 * Reads all recordings of a data set in `root` (its own folder, as `locate` finds it), one after the other.
 * `onProgress` is told after each. What is wrong with a file is part of the result and stops nothing.
 * @throws InputError where `root` cannot be searched
 */
export async function checkDataSet(
  dataSet: DataSet,
  root: string,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<DataSetCheck> {
  const { samples, problems } = dataSet.scan(listFolder(root));
  const { id, title, expected } = dataSet;
  const check: DataSetCheck = {
    id,
    title,
    root,
    samples: samples.length,
    recordings: 0,
    ...(expected && { expected: expected.samples }),
    counts: [],
    kinds: [],
    problems,
    unreadable: [],
    empty: [],
    notFinite: [],
    wrongRate: [],
    wrongChannels: [],
    silent: [],
    duplicates: [],
    divided: dividedTakes(samples),
  };
  const nameOf = sampleNames(samples);
  const counter = createCounter(dataSet);
  const compare = createComparison();
  const read = createReader(root);
  for (const [i, sample] of samples.entries()) {
    const name = nameOf(sample);
    const recordings = await readSample(check, name, () => read(sample));
    check.recordings += recordings.length;
    // A file that cannot be read is there all the same.
    counter.add(sample, Math.max(1, recordings.length));
    if (recordings.length > 0) inspect(check, dataSet, { sample, name, recordings }, compare);
    onProgress(i + 1, samples.length);
  }
  check.counts = counter.counts();
  check.kinds.sort(commonestFirst);
  return check;
}

/** The path, and what is taken of the file where several samples share it. */
function sampleNames(samples: readonly Sample[]): (sample: Sample) => string {
  const uses = new Map<string, number>();
  for (const { path } of samples) uses.set(path, (uses.get(path) ?? 0) + 1);
  return ({ path, read, record }) => {
    if (uses.get(path) === 1) return path;
    return [path, read?.variable, record].filter((part) => part !== undefined).join('#');
  };
}

/** Reads the recordings of a sample; records of one file follow each other, so the last file read is kept. */
function createReader(root: string): (sample: Sample) => Promise<Recording[]> {
  let last: { key: string; recordings: Recording[] } | undefined;
  return async ({ path, read, record }) => {
    const file = join(root, path);
    const key = JSON.stringify([path, read]);
    if (last?.key !== key) last = { key, recordings: await readRecordingFile(file, read) };
    if (record === undefined) return last.recordings;
    const one = last.recordings[record];
    if (one) return [one];
    throw new InputError(
      `checkDataSet: expected recording ${record}, found ${last.recordings.length} (${file}); copy it again`,
    );
  };
}

/** Nothing where the file is empty or cannot be read, which is noted. */
async function readSample(check: DataSetCheck, name: string, read: () => Promise<Recording[]>): Promise<Recording[]> {
  try {
    return await read();
  } catch (error) {
    const message = oneLine(inputMessage(error));
    const [path] = name.split('#');
    if (statSync(join(check.root, path), { throwIfNoEntry: false })?.size === 0) check.empty.push(name);
    else check.unreadable.push({ name, message });
    return [];
  }
}

function inspect(check: DataSetCheck, dataSet: DataSet, read: Read, compare: Compare): void {
  const { name, recordings, sample } = read;
  for (const recording of recordings) addKind(check.kinds, kindOf(recording));
  const [{ sampleRate, channels }] = recordings;
  const expectedRate = Number(sample.attributes.sampleRate ?? sample.read?.sampleRate ?? dataSet.sampleRate);
  if (!(Math.abs(sampleRate - expectedRate) <= RATE_TOLERANCE * expectedRate)) {
    check.wrongRate.push({ name, found: sampleRate, expected: expectedRate });
  }
  // A sample that is one channel of a file has that one.
  const expected = sample.channel === undefined ? dataSet.channels.length : 1;
  if (channels.length !== expected) {
    check.wrongChannels.push({ name, found: channels.length, expected });
  }
  const fault = recordings.map(firstNotFinite).find((message) => message !== undefined);
  if (fault !== undefined) check.notFinite.push({ name, message: fault });
  if (recordings.every(isConstant)) check.silent.push(name);
  else check.duplicates.push(...compare(read));
}

function firstNotFinite(recording: Recording): string | undefined {
  try {
    checkFinite(recording);
    return undefined;
  } catch (error) {
    return oneLine(inputMessage(error));
  }
}

type Compare = (read: Read) => Duplicate[];

/** Finds recordings with the same samples as one before; files that differ in format alone count as the same. */
function createComparison(): Compare {
  const seen = new Map<string, { name: string; sample: Sample }>();
  return ({ name, sample, recordings }) => {
    const hash = createHash('sha256');
    for (const { channels, sampleRate } of recordings) {
      hash.update(`${sampleRate}/${channels.length}/`);
      for (const samples of channels) hash.update(bytesOf(samples));
    }
    const key = hash.digest('hex');
    const first = seen.get(key);
    if (!first) seen.set(key, { name, sample });
    return first ? [{ name, same: first.name, between: differences(first.sample, sample) }] : [];
  };
}

function dividedTakes(samples: readonly Sample[]): DataSetCheck['divided'] {
  const first = new Map<string, Sample>();
  const divided = new Map<string, string[]>();
  for (const sample of samples) {
    const known = first.get(sample.take);
    if (!known) first.set(sample.take, sample);
    else if (sidesOf(known, sample).length > 0) divided.set(sample.take, sidesOf(known, sample));
  }
  return [...divided].map(([take, between]) => ({ take, between }));
}

const differences = (a: Sample, b: Sample): string[] =>
  a.label === b.label ? sidesOf(a, b) : [...sidesOf(a, b), `class ${a.label} and class ${b.label}`];

function sidesOf(a: Sample, b: Sample): string[] {
  const sides: string[] = [];
  if (a.split !== undefined && b.split !== undefined && a.split !== b.split) sides.push('train and test');
  if (a.fold !== undefined && b.fold !== undefined && a.fold !== b.fold)
    sides.push(`fold ${a.fold} and fold ${b.fold}`);
  return sides;
}

function createCounter({ classes, expected }: DataSet) {
  const found = new Map<Count['of'], Map<string, number>>();
  const addOne = (of: Count['of'], name: string | number | undefined, count: number): void => {
    if (name === undefined) return;
    const names = found.get(of) ?? new Map<string, number>();
    names.set(String(name), (names.get(String(name)) ?? 0) + count);
    found.set(of, names);
  };
  for (const label of Object.keys(expected?.perClass ?? {})) addOne('class', label, 0);
  return {
    add({ label, split, fold, attributes }: Sample, count: number): void {
      addOne('class', label, count);
      addOne('split', split, count);
      addOne('fold', fold, count);
      addOne('machine', attributes.machine, count);
    },
    counts(): Count[] {
      const rank = new Map(classes.map((label, i) => [label, i]));
      const rankOf = ({ of, name }: Count): number => (of === 'class' ? (rank.get(name) ?? classes.length) : 0);
      return [...found].flatMap(([of, names]) =>
        [...names]
          .map(([name, count]): Count => {
            const whole = of === 'class' ? expected?.perClass?.[name] : undefined;
            return { of, name, found: count, ...(whole !== undefined && { expected: whole }) };
          })
          .sort((a, b) => rankOf(a) - rankOf(b) || (a.name < b.name ? -1 : 1)),
      );
    },
  };
}

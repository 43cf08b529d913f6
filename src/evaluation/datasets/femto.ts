// FEMTO: bearings run to failure on the PRONOSTIA rig (IEEE PHM 2012 challenge; Nectoux et al. 2012).
import type { Recording } from '../../signal/recording.ts';
import { baseName, type Folder } from '../files/folder.ts';
import { groupBy } from '../group-by.ts';
import { missingLabels, notUnderstood } from './problems.ts';
import { recordClass, severalSensors } from './simulated.ts';
import type { DataSet, GeneratedFile, GenerateOptions, Problem, Sample, Scan } from './types.ts';

const SAMPLE_RATE = 25_600;
/** Seconds from the start of one record of the official data to the next. */
export const FEMTO_RECORD_INTERVAL = 10;

/** Speed in turns per minute and load in newton of the three operating conditions. */
const CONDITIONS: Readonly<Record<string, { rpm: number; load: number }>> = {
  '1': { rpm: 1800, load: 4000 },
  '2': { rpm: 1650, load: 4200 },
  '3': { rpm: 1500, load: 5000 },
};

/** Records of every bearing from its start to its end: learning set, full test set. */
const RECORDS: Readonly<Record<string, number>> = {
  Bearing1_1: 2803,
  Bearing1_2: 871,
  Bearing1_3: 2375,
  Bearing1_4: 1428,
  Bearing1_5: 2463,
  Bearing1_6: 2448,
  Bearing1_7: 2259,
  Bearing2_1: 911,
  Bearing2_2: 797,
  Bearing2_3: 1955,
  Bearing2_4: 751,
  Bearing2_5: 2311,
  Bearing2_6: 701,
  Bearing2_7: 230,
  Bearing3_1: 515,
  Bearing3_2: 1637,
  Bearing3_3: 434,
};

/** The first two bearings of each condition are the learning set. */
const splitOf = (bearing: string): 'train' | 'test' => (Number(bearing.slice(-1)) <= 2 ? 'train' : 'test');

type Found = { path: string; bearing: string; set?: string; record?: number };

/** `Learning_set/Bearing1_1/acc_00001.csv`, `Bearing1_1.npz`; undefined for any other file. */
function foundIn(path: string): Found | undefined {
  const [, set, folder, digits] = /(?:(\w+)\/)?(Bearing\d_\d)\/acc_(\d+)\.csv$/i.exec(path) ?? [];
  if (folder !== undefined) return { path, bearing: named(folder), set: set?.toLowerCase(), record: Number(digits) };
  const archive = /^(Bearing\d_\d)\.npz$/i.exec(baseName(path))?.[1];
  return archive === undefined ? undefined : { path, bearing: named(archive) };
}

const named = (bearing: string): string => `B${bearing.slice(1).toLowerCase()}`;

function sampleOf({ path, bearing, record }: Found): Sample {
  const condition = bearing.charAt('Bearing'.length);
  const { rpm, load } = CONDITIONS[condition];
  return {
    path,
    // Columns 1 to 4 are a clock, which two files of Bearing1_1 have wrong.
    read: { sampleRate: SAMPLE_RATE, variable: record === undefined ? 'acceleration' : '5,6' },
    take: bearing,
    label: bearing,
    split: splitOf(bearing),
    attributes: {
      bearing,
      condition,
      rpm: String(rpm),
      load: String(load),
      ...(record !== undefined && { record: String(record) }),
    },
  };
}

/**
 * The truncated runs of Test_set are the beginnings of those in Full_Test_Set, and a bearing as an archive is the same
 * as one in files: of each bearing, the longest form is taken.
 */
const RANK = ['learning_set', 'full_test_set', 'test_set'];
const rankOf = ({ set, record }: Found): number => {
  if (record === undefined) return RANK.length + 1;
  const rank = RANK.indexOf(set ?? '');
  return rank < 0 ? RANK.length : rank;
};

const isKnown = ({ bearing }: Found): boolean => RECORDS[bearing] !== undefined;

function scan({ files }: Folder): Scan {
  const all = files.flatMap((path) => foundIn(path) ?? []);
  const others = all.filter((found) => !isKnown(found)).map(({ path }) => path);
  const samples: Sample[] = [];
  const problems = notUnderstood('femto', others, 'one of the 17 bearings Bearing1_1 to Bearing3_3');
  for (const [bearing, found] of groupBy(all.filter(isKnown), (each) => each.bearing)) {
    const best = Math.min(...found.map(rankOf));
    const taken = found.filter((each) => rankOf(each) === best);
    samples.push(...taken.map(sampleOf));
    problems.push(...gapsOf(bearing, taken));
  }
  samples.sort((a, b) => (a.path < b.path ? -1 : 1));
  if (samples.length > 0) return { samples, problems };
  return {
    samples,
    problems: missingLabels('femto', samples, { Bearing1_1: 'Learning_set/Bearing1_1/acc_00001.csv' }),
  };
}

/** Records are numbered from 1 without a gap. */
function gapsOf(bearing: string, found: readonly Found[]): Problem[] {
  const numbers = found.flatMap(({ record }) => (record === undefined ? [] : [record])).sort((a, b) => a - b);
  const problems: Problem[] = [];
  for (const [i, number] of numbers.entries()) {
    const before = i === 0 ? 0 : numbers[i - 1];
    if (number === before) {
      problems.push({
        kind: 'inconsistent',
        message: `${bearing}: record ${number} is there twice; remove one of them`,
      });
    } else if (number > before + 1) {
      const gap = number === before + 2 ? `record ${number - 1} is` : `records ${before + 1} to ${number - 1} are`;
      problems.push({ kind: 'missing', message: `${bearing}: ${gap} missing; unpack the archive again` });
    }
  }
  return problems;
}

export type FemtoBearing = { bearing: string; condition: string; split: 'train' | 'test'; samples: Sample[] };

/**
 * Samples of `femto.scan`, by bearing, each bearing's in the order of its life. A sample read from an archive
 * (`Bearing1_1.npz`) holds all records of its bearing, which the file has in order; their numbers are its array `record`.
 */
export function femtoBearings(samples: readonly Sample[]): FemtoBearing[] {
  const recordOf = (sample: Sample): number => Number(sample.attributes.record ?? 0);
  return [...groupBy(samples, ({ label }) => label)]
    .map(([bearing, own]) => ({
      bearing,
      condition: own[0].attributes.condition,
      split: splitOf(bearing),
      samples: own.sort((a, b) => recordOf(a) - recordOf(b)),
    }))
    .sort((a, b) => (a.bearing < b.bearing ? -1 : 1));
}

/** What is made: the learning set, and one test bearing, whose files are separated by semicolons where it is complete. */
const GENERATED: readonly { set: string; bearing: string; part: number; semicolons: boolean }[] = [
  { set: 'Full_Test_Set', bearing: 'Bearing1_4', part: 1, semicolons: true },
  ...Object.keys(RECORDS)
    .filter((bearing) => splitOf(bearing) === 'train')
    .map((bearing) => ({ set: 'Learning_set', bearing, part: 1, semicolons: false })),
  { set: 'Test_set', bearing: 'Bearing1_4', part: 0.6, semicolons: false },
];

/** `perClass` records of each bearing, which wears out over them. */
function* generate({ seed = 0, perClass = 10, seconds = 0.1 }: GenerateOptions = {}): Iterable<GeneratedFile> {
  for (const { set, bearing, part, semicolons } of GENERATED) {
    for (let i = 0; i < Math.ceil(part * perClass); i++) {
      const record = recordAt(bearing, i, perClass, { seed, seconds });
      const text = recordText(record, i, semicolons);
      const path = `${set}/${bearing}/acc_${String(i + 1).padStart(5, '0')}.csv`;
      yield { path, bytes: new TextEncoder().encode(text) };
    }
  }
}

function recordAt(bearing: string, index: number, count: number, { seed, seconds }: { seed: number; seconds: number }) {
  const life = count > 1 ? index / (count - 1) : 0;
  const first = recordClass(
    { machine: 'bearing', fault: 'outer-race', severity: life ** 3, load: 1 },
    { seed: `${seed}/femto/${bearing}/${index}`, machineSeed: `${seed}/${bearing}`, seconds, sampleRate: SAMPLE_RATE },
  );
  return severalSensors(first, 2, `${seed}/${bearing}`);
}

/** Microseconds into a second at which records start. */
const RECORD_START = 425_040;

/** Hour, minute, second, microsecond and the two accelerations; the complete Bearing1_4 is written another way. */
function recordText({ channels }: Recording, index: number, semicolons: boolean): string {
  const lines = Array.from(channels[0], (_, i) => {
    const micros = RECORD_START + Math.round((i * 1e6) / SAMPLE_RATE);
    const seconds = 9 * 3600 + index * FEMTO_RECORD_INTERVAL + Math.floor(micros / 1e6);
    const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    const micro = micros % 1e6;
    const written = semicolons ? micro.toExponential(4).replace(/e\+(\d)$/, 'e+0$1') : micro;
    return [...clock, written, ...channels.map((samples) => samples[i].toFixed(3))].join(semicolons ? ';' : ',');
  });
  return `${lines.join('\n')}\n`;
}

/**
 * A sample per record, or per bearing where all its records lie in one archive. Attributes: `bearing`, `condition`,
 * `rpm`, `load` in newton, `record` (from 1, 10 s apart) where a file holds one. Temperatures are left out.
 */
export const femto: DataSet = {
  id: 'femto',
  title: 'FEMTO bearings run to failure (PRONOSTIA, IEEE PHM 2012)',
  source:
    'https://www.nasa.gov/intelligent-systems-division/discovery-and-systems-health/pcoe/pcoe-data-set-repository/',
  licence: 'none stated; cite Nectoux et al. 2012, PRONOSTIA',
  folder: /^((10\. )?femto.*|pronostia.*|phm-ieee-2012-data-challenge-dataset.*)$/i,
  layout: [
    'Learning_set/Bearing1_1/acc_00001.csv …   (Bearing1_1, 1_2, 2_1, 2_2, 3_1, 3_2)',
    'Test_set/Bearing1_3/acc_00001.csv …       (truncated)',
    'Full_Test_Set/Bearing1_3/acc_00001.csv …  (Bearing1_3 … 1_7, 2_3 … 2_7, 3_3)',
    'or an archive per bearing: Bearing1_1.npz with acceleration [records, 2, 2560] and record',
  ].join('\n'),
  sampleRate: SAMPLE_RATE,
  seconds: '0.1',
  channels: ['horizontal acceleration', 'vertical acceleration'],
  classes: Object.keys(RECORDS),
  expected: { samples: Object.values(RECORDS).reduce((sum, count) => sum + count, 0), perClass: RECORDS },
  views: [{ id: 'femto', modality: 'vibration' }],
  scan,
  generate,
};

// Data sets that are incomplete or damaged: every fault is said in one line, and costs no more than its own cell.
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeWav } from '../src/signal/readers/wav-write.ts';
import { benchJson, smallSets, writeDataSet } from './bench-data.ts';
import { hum, refusal, scratchFolder, thrum } from './run-cli.ts';

const { folder, at } = scratchFolder();
const storeFolder = at('store');
const only = ['dcase2023', 'cwru', 'mafaulda-sound'];

beforeAll(() => {
  for (const id of ['dcase2023', 'cwru', 'mafaulda']) writeDataSet(at('whole'), id, smallSets[id]);
});

let copies = 0;
/** A copy of the three data sets with something done to it. */
function broken(change: (path: (...names: string[]) => string) => void): string {
  const data = at(`broken${copies++}`);
  cpSync(at('whole'), data, { recursive: true });
  change((...names) => join(data, ...names));
  return data;
}

const bench = (data: string) => benchJson({ suite: 'siren', data, storeFolder, only });

/** Files of a folder whose names match. */
const named = (at: string, pattern: RegExp) =>
  readdirSync(at)
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(at, name));

const fanTrain = ['dcase2023', 'dev_data', 'fan', 'train'];
const fanTest = ['dcase2023', 'dev_data', 'fan', 'test'];
const cwruBall = ['cwru', '12k_Drive_End_Bearing_Fault_Data', 'B'];
const normalRuns = ['mafaulda', 'normal'];

const cwruFiles = (path: string) =>
  readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.mat'))
    .sort()
    .map((name) => join(path, name));

type Case = [what: string, change: (path: (...names: string[]) => string) => void, line: RegExp, lost?: string];

const cases: Case[] = [
  [
    'a machine that is not there',
    (path) => rmSync(path('dcase2023', 'dev_data', 'fan'), { recursive: true }),
    /^dcase2023: no clips of fan \(development\); unpack dev_fan\.zip \(https:\/\/zenodo\.org\/records\/\d+\)$/,
  ],
  [
    'a section of one class',
    (path) => {
      for (const file of named(path(...fanTest), /anomaly/)) rmSync(file);
    },
    /^dcase2023: fan section 00 \(development\): 2 clips to test with, all normal; AUC needs both classes, restore the others$/,
    'dcase2023',
  ],
  [
    'an empty clip',
    (path) => writeFileSync(named(path(...fanTrain), /source/)[0], ''),
    /^dcase2023: readRecordingFile: expected a recording, found an empty file \(.*\.wav\); copy or record it again; it is left out$/,
  ],
  [
    'a clip of another rate',
    (path) => {
      const bytes = writeWav({ channels: [hum(0.1, 8000, 1)], sampleRate: 8000, name: 'x' });
      writeFileSync(named(path(...fanTrain), /source/)[0], bytes);
    },
    /^dcase2023: dev_data\/fan\/train\/.*\.wav: sampled at 8000 Hz, the others at 16000 Hz; convert it; it is left out$/,
  ],
  [
    'a clip under the same name twice',
    (path) => {
      const [first] = named(path(...fanTrain), /source/);
      const second = first.replace('dev_data', 'copy');
      mkdirSync(dirname(second), { recursive: true });
      copyFileSync(first, second);
    },
    /^dcase2023: (copy|dev_data)\/fan\/train: 1 clip left out that another file holds already \(.*\); keep one of each$/,
  ],
  [
    'a training clip among those to test with',
    (path) => copyFileSync(named(path(...fanTrain), /source/)[0], named(path(...fanTest), /source.*normal/)[0]),
    /^dcase2023: test recordings that were heard in training: 1 \(.*\/test\/.* has the same content as .*\/train\/.*\); the score counts them, remove one of each pair$/,
  ],
  [
    'a recording under two file numbers',
    (path) => {
      const [first, second] = cwruFiles(path(...cwruBall));
      copyFileSync(first, second);
    },
    /^cwru: test recordings that were heard in training: 2 \(.*\.mat has the same content as .*\.mat\); the score/,
  ],
  [
    'a clip with holes',
    (path) => {
      const bytes = writeWav({ channels: [hum(0.1, 16000, 1)], sampleRate: 16000, name: 'x' }, { bits: 'float32' });
      new DataView(bytes.buffer).setFloat32(bytes.length - 4, Number.NaN, true);
      writeFileSync(named(path(...fanTrain), /source/)[0], bytes);
    },
    /^dcase2023: .*\.wav: sample 1599 of channel 1 is NaN; repair the recording or .*; it is left out$/,
  ],
  [
    'a table with a hole',
    (path) => {
      const [file] = named(path(...normalRuns), /csv$/);
      const lines = readFileSync(file, 'utf8').split('\n');
      lines[3] = lines[3].replace(/[^,]*$/, 'NaN');
      writeFileSync(file, lines.join('\n'));
    },
    /^mafaulda-sound: normal\/.*\.csv: sample 3 of channel 8 is NaN; repair the recording or .*; it is left out$/,
  ],
  [
    'a .mat file that is none',
    (path) => writeFileSync(cwruFiles(path(...cwruBall))[0], 'Not Found'),
    /^cwru: .*expected rows of numbers, got the text "Not Found" \(12k_.*\.mat, line 1\).*; it is left out$/,
  ],
  [
    'a .mat file that is cut off',
    (path) => {
      const [file] = cwruFiles(path(...cwruBall));
      writeFileSync(file, readFileSync(file).subarray(0, 900));
    },
    /^cwru: readMat: expected \d+ bytes of data, found \d+; the file is cut short \(12k_.*\.mat, .*; it is left out$/,
  ],
  [
    'a link that leads nowhere',
    (path) => {
      const [file] = cwruFiles(path(...cwruBall));
      rmSync(file);
      symlinkSync('nowhere.mat', file);
    },
    /^cwru: 12k_.*\.mat: no such file; it is left out$/,
  ],
];

describe('a damaged data set', () => {
  it('is none: nothing is said of a whole one', async () => {
    const { status, notes, result } = await bench(at('whole'));
    expect([status, notes, result.problems]).toEqual([0, [], []]);
  });

  it.each(cases)('%s', async (_, change, line, lost) => {
    const { status, notes, result } = await bench(broken(change));
    expect(result.problems).toEqual([expect.stringMatching(line)]);
    expect(notes).toEqual([`note: ${result.problems[0]}`]);
    const values = only.map((id) => [id, typeof result.rows[0].values[id].value]);
    expect(values).toEqual(only.map((id) => [id, id === lost ? 'object' : 'number']));
    expect(status).toBe(lost === undefined ? 0 : 1);
  });

  it('names every one of files that are damaged alike', async () => {
    const files: string[] = [];
    const data = broken((path) => {
      files.push(...cwruFiles(path(...cwruBall)));
      for (const file of files) writeFileSync(file, '');
    });
    const { result } = await bench(data);
    expect(files).toHaveLength(3);
    expect(result.problems).toHaveLength(3);
    for (const file of files) {
      const line = result.problems.find((problem) => problem.startsWith(`cwru: `) && problem.includes(basename(file)));
      expect(line).toMatch(/an empty file/);
    }
    expect(result.rows[0].details.find(({ view }) => view === 'cwru')?.recordings).toBe(27);
  });

  it('has no figure of a year without ground truth, and says where it goes', async () => {
    const data = broken((path) => {
      for (const file of named(path('dcase2023'), /^(eval_data_list|ground_truth)/)) rmSync(file, { recursive: true });
    });
    const { status, notes, result } = await bench(data);
    expect(status).toBe(1);
    expect(notes).toHaveLength(7);
    for (const problem of result.problems) {
      expect(problem).toMatch(
        /^dcase2023: \w+ \(evaluation\): no ground truth for 4 of 4 clips to test with; put eval_data_list_2023\.csv, or/,
      );
    }
    const [{ values, details }] = result.rows;
    expect(values.dcase2023).toEqual({ value: null, reason: expect.stringMatching(/the truth is not at hand/) });
    expect(values.cwru.value).toEqual(expect.any(Number));
    const [year] = details;
    if (year.kind !== 'detection') throw new Error('expected the year first');
    expect(year.development.value).toEqual(expect.any(Number));
    expect(values['ad-mean']).toBeUndefined();
  });

  it('goes on where one encoder of a fusion hears nothing', async () => {
    // Clips of 0.1 s: too short for windows of 0.2 s, which no named encoder has; so they are cut to 0.04 s here.
    const data = broken((path) => {
      for (const name of readdirSync(path('dcase2023'), { recursive: true, encoding: 'utf8' })) {
        if (!name.endsWith('.wav')) continue;
        const bytes = readFileSync(path('dcase2023', name));
        const samples = Float32Array.from(
          { length: 640 },
          (_, i) => bytes.readInt16LE(bytes.length - 1280 + 2 * i) / 32768,
        );
        writeFileSync(path('dcase2023', name), writeWav({ channels: [samples], sampleRate: 16000, name }));
      }
    });
    const { status, result } = await benchJson({
      suite: 'siren',
      data,
      storeFolder,
      only,
      encoders: 'spectral+spectral-50ms',
    });
    const [joined, averaged, alone] = result.rows;
    expect(status).toBe(1);
    expect(alone.values.dcase2023.value).toEqual(expect.any(Number));
    for (const { values } of [joined, averaged]) {
      expect(values.dcase2023).toEqual({ value: null, reason: 'nothing was scored' });
      expect(values.cwru.value).toEqual(expect.any(Number));
    }
    expect(result.problems).toContain(
      'dcase2023: development/fan: no clip could be embedded by every encoder; the machine is left out',
    );
  });

  it('says why a cell is empty where the data cannot be split', async () => {
    const one = (path: string) => /^normal|^imbalance.*6g/.test(path);
    const data = at('few');
    writeDataSet(data, 'mafaulda', { perClass: 2, seconds: 0.03, keep: one });
    const columns = ['mafaulda-sound', 'mafaulda-vibration'];
    const rmis = await benchJson({ suite: 'rmis', data, storeFolder, only: columns });
    expect(rmis.status).toBe(1);
    for (const id of columns) {
      expect(rmis.result.rows[0].values[id]).toMatchObject({
        value: null,
        reason: /all recordings of class imbalance/,
      });
    }
  });
});

describe('thrum bench refuses', () => {
  const data = () => at('whole');
  const refused = (status: 1 | 2, ...args: string[]) => refusal(thrum(['bench', ...args], { cwd: folder }), status);
  const cache = ['--cache', 'store'];

  it('a folder without any of the data sets', () => {
    mkdirSync(at('empty'));
    expect(refused(1, 'siren', '--data', 'empty', ...cache)).toMatch(
      /empty: none of the data sets of siren is there \(dcase2020, .*mafaulda-sound\); see `thrum data list`/,
    );
    expect(refused(1, 'siren', '--data', data(), '--only', 'iica', ...cache)).toMatch(/of siren is there \(iica\)/);
    expect(refused(1, 'siren', '--data', 'nowhere', ...cache)).toMatch(/no such file.*nowhere.*; check the path/);
    writeFileSync(at('file'), 'x');
    expect(refused(1, 'siren', '--data', 'file', ...cache)).toMatch(/expected a folder.*file/);
  });

  it('encoders, columns and modes that are not there', () => {
    const here = ['--data', data(), ...cache];
    expect(refused(1, 'siren', ...here, '--encoder', 'echo-gigantic')).toMatch(/echo-gigantic/);
    expect(refused(1, 'siren', ...here, '--encoder', 'spectral+')).toMatch(/--encoder: expected names, joined by \+/);
    expect(refused(1, 'siren', ...here, '--encoder', ',')).toMatch(
      /--encoder: expected at least one encoder, got none/,
    );
    expect(refused(1, 'siren', ...here, '--only', 'cwru,moon')).toMatch(
      /--only: siren has no moon; it has dcase2020, /,
    );
    expect(refused(2, 'siren', ...here, '--compat', 'moon')).toMatch(/--compat: expected one of siren, rmis, got moon/);
    expect(refused(2, 'siren', ...here, '--compat', 'rmis')).toMatch(/--compat rmis belongs to bench rmis/);
    expect(refused(2, 'open', ...here, '--compat', 'siren')).toMatch(/bench open has no --compat; it has --data/);
  });

  it('places that cannot be written to, before anything is embedded', () => {
    writeFileSync(at('file'), 'x');
    const own = ['--cache', 'fresh'];
    const here = ['siren', '--data', data()];
    expect(refused(1, ...here, ...own, '--out', join('file', 'below'))).toMatch(
      /cannot make the folder file.below: .*--out/,
    );
    mkdirSync(at('taken', 'siren.html'), { recursive: true });
    expect(refused(1, ...here, ...own, '--out', 'taken')).toMatch(/cannot write taken.siren\.html: it is a folder/);
    expect(existsSync(at('fresh'))).toBe(false);
    expect(refused(1, ...here, '--cache', join('file', 'below'))).toMatch(/file.below/);
  });
});

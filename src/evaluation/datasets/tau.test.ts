import { describe, expect, it } from 'vitest';
import { readRecordings } from '../../signal/readers/index.ts';
import { memoryFolder } from '../files/files.test-util.ts';
import { attributeValues, countsOf, labelCounts } from './scan.test-util.ts';
import { scenes, tau2022 } from './tau.ts';
import { readSceneName, sceneClipName, subsetAt } from './tau-layout.ts';

/** A folder of files with content; clips are empty, as nothing reads them. */
const folderOf = (files: Record<string, string>) => memoryFolder(Object.entries(files));

const clips = ['airport-lisbon-1000-40000-0-a', 'airport-lisbon-1000-40000-0-s1', 'tram-vienna-285-8639-3-s6'];
const audio = Object.fromEntries(clips.map((name) => [`audio/${name}.wav`, '']));
const list = (...names: string[]) => `filename\n${names.map((name) => `audio/${name}.wav\n`).join('')}`;
const labelled = (...names: string[]) =>
  `filename\tscene_label\n${names.map((name) => `audio/${name}.wav\t${name.split('-')[0]}\n`).join('')}`;

const lists = {
  'evaluation_setup/fold1_train.csv': labelled(clips[0], clips[1]),
  'evaluation_setup/fold1_evaluate.csv': labelled(clips[2]),
  'split_setup/split5.csv': list(clips[1]),
  'split_setup/split100.csv': list(clips[0], clips[1]),
};

const problemsOf = (files: Record<string, string>): string[] =>
  tau2022
    .scan(folderOf(files))
    .problems.flatMap(({ kind, message }) =>
      message.includes('expected recordings of') ? [] : [`${kind}: ${message}`],
    );

describe('readSceneName', () => {
  it('reads what a name says, and nothing else', () => {
    const clip = readSceneName('street_traffic-milan-1094-42444-7-s3');
    expect(clip).toEqual({
      ...{ scene: 'street_traffic', city: 'milan', location: '1094', segment: '42444', second: '7', device: 's3' },
    });
    expect(clip && sceneClipName(clip)).toBe('street_traffic-milan-1094-42444-7-s3');
    expect(readSceneName('airport-barcelona-0-0-a')).toMatchObject({ segment: '0', second: '', device: 'a' });
    for (const name of ['airport-lisbon-1-2-3-d', 'airport-lisbon-1-2-3-s7', '1-100032-A-0', 'airport']) {
      expect(readSceneName(name)).toBeUndefined();
    }
  });
});

describe('tau2022', () => {
  it('reads clips, their devices, the official division and the subsets', () => {
    const { samples } = tau2022.scan(folderOf({ ...audio, ...lists }));
    expect(samples[1]).toEqual({
      path: 'audio/airport-lisbon-1000-40000-0-s1.wav',
      take: 'lisbon-1000',
      label: 'airport',
      split: 'train',
      attributes: {
        ...{ device: 's1', city: 'lisbon', location: '1000', segment: '40000', second: '0', subset: '5' },
      },
    });
    expect(samples.map(({ split, attributes }) => [split, attributes.device, attributes.subset])).toEqual([
      ['train', 'a', '100'],
      ['train', 's1', '5'],
      ['test', 's6', undefined],
    ]);
    expect(problemsOf({ ...audio, ...lists })).toEqual([]);
  });

  it('leaves clips without a side that no list names', () => {
    const other = 'park-paris-1-2-0-a';
    const { samples } = tau2022.scan(folderOf({ ...audio, ...lists, [`audio/${other}.wav`]: '' }));
    expect(samples.find(({ label }) => label === 'park')?.split).toBeUndefined();
  });

  it('says what is missing', () => {
    expect(problemsOf(audio)).toEqual([
      'missing: tau2022: expected the list evaluation_setup/fold1_train.csv, found none: no clip is known to be for training; unpack the part with the lists too',
      'missing: tau2022: expected the list evaluation_setup/fold1_test.csv, found none: no clip is known to be for testing; unpack the part with the lists too',
    ]);
    const meta = { 'meta.csv': labelled(...clips, 'bus-lyon-1-2-0-a', 'bus-lyon-1-2-1-a') };
    expect(problemsOf({ ...audio, ...lists, ...meta })).toEqual([
      'missing: tau2022: 2 clips of 5 in the lists not found (bus-lyon-1-2-0-a, bus-lyon-1-2-1-a); unpack all parts of the download',
    ]);
    expect(tau2022.scan(folderOf({ ...audio, ...lists })).problems.map(({ message }) => message)).toContain(
      'tau2022: expected recordings of bus at audio/bus-*.wav, found none; unpack that part of the official download too',
    );
  });

  it('says which lists do not fit together', () => {
    const both = { 'evaluation_setup/fold1_test.csv': list(clips[0]) };
    expect(problemsOf({ ...audio, ...lists, ...both })).toEqual([
      expect.stringMatching(/^inconsistent: tau2022: 1 clip listed for training and for testing \(airport-lisbon/),
    ]);
    const apart = { 'split_setup/split50.csv': list(clips[0]) };
    expect(problemsOf({ ...audio, ...lists, ...apart })).toEqual([
      expect.stringMatching(/expected all clips of split5\.csv in split50\.csv, found 1 that are not/),
    ]);
    const odd = { 'split_setup/split5.csv': 'file\naudio/x.wav\n' };
    expect(problemsOf({ ...audio, ...lists, ...odd })).toEqual([
      'inconsistent: split_setup/split5.csv: expected a column filename, found file; copy the list again',
    ]);
    expect(problemsOf({ ...audio, ...lists, 'audio/airport-mars-1-2-0-d.wav': '' })).toEqual([
      expect.stringMatching(
        /^unexpected: tau2022: expected airport-lisbon-.*, found airport-mars-1-2-0-d\.wav in audio/,
      ),
    ]);
  });
});

describe.each([tau2022, scenes])('a made-up set', (dataSet) => {
  const devices = dataSet === tau2022 ? 9 : 7;

  it(`of ${dataSet.id} has every scene, and every test clip by every device`, async () => {
    const files = new Map(
      Array.from(dataSet.generate({ perClass: 10, seconds: 0.02 }), (file) => [file.path, file.bytes]),
    );
    const { samples, problems } = dataSet.scan(memoryFolder(files));
    expect(problems).toEqual([]);
    const train = samples.filter(({ split }) => split === 'train');
    const test = samples.filter(({ split }) => split === 'test');
    expect(samples).toHaveLength(train.length + test.length);
    expect(labelCounts(train)).toEqual(Object.fromEntries(dataSet.classes.map((scene) => [scene, 10])));
    expect(labelCounts(test)).toEqual(Object.fromEntries(dataSet.classes.map((scene) => [scene, 2 * devices])));
    expect(attributeValues(test, 'device')).toHaveLength(devices);
    expect(attributeValues(train, 'device').filter((device) => /s[4-6]/.test(device))).toEqual([]);
    expect(countsOf(train.map(({ attributes }) => attributes.subset))).toEqual({ 5: 10, 25: 20, 50: 20, 100: 50 });
    const shared = train.filter(({ take }) => test.some((other) => other.take === take));
    expect(shared).toEqual([]);
    for (const { path } of [train[0], test[0], test[devices - 1]]) {
      const [{ channels, sampleRate }] = await readRecordings(files.get(path) ?? new Uint8Array());
      expect([channels.length, channels[0].length, sampleRate]).toEqual([
        1,
        Math.round(0.02 * dataSet.sampleRate),
        dataSet.sampleRate,
      ]);
      expect(Math.max(...channels[0])).toBeGreaterThan(Math.min(...channels[0]));
    }
    // The same place sounds otherwise by another device.
    expect(Buffer.compare(files.get(test[0].path) as Uint8Array, files.get(test[1].path) as Uint8Array)).not.toBe(0);
  });

  it(`of ${dataSet.id} is the same for the same seed alone`, () => {
    const bytesOf = (seed: number) =>
      [...dataSet.generate({ seed, perClass: 1, seconds: 0.01 })].map(({ bytes }) =>
        Buffer.from(bytes).toString('hex'),
      );
    expect(bytesOf(3)).toEqual(bytesOf(3));
    expect(bytesOf(3)[0]).not.toEqual(bytesOf(4)[0]);
    expect(() => [...dataSet.generate({ perClass: 0 })]).toThrow('generate: expected perClass of 1 or more, got 0');
  });
});

describe('subsetAt', () => {
  it('makes every subset a beginning of the next', () => {
    const counts = countsOf(Array.from({ length: 200 }, (_, i) => String(subsetAt(i, 200))));
    expect(counts).toEqual({ 5: 10, 10: 10, 25: 30, 50: 50, 100: 100 });
    expect(subsetAt(0, 1)).toBe(5);
  });
});

import { describe, expect, it } from 'vitest';
import { MAFAULDA_SIREN_VIBRATION, mafaulda } from './mafaulda.ts';
import { attributeValues, folderOf, generated, labelCounts, shapesOf } from './scan.test-util.ts';

describe('mafaulda', () => {
  it('finds in a generated set every class, condition and channel', async () => {
    const set = generated(mafaulda, { seconds: 0.02 });
    expect(set.scan.problems).toEqual([]);
    expect(labelCounts(set.scan.samples)).toEqual(Object.fromEntries(mafaulda.classes.map((label) => [label, 7])));
    expect(attributeValues(set.scan.samples, 'offset')).toEqual(
      '0.51mm 0.5mm 0.63mm 1.0mm 1.27mm 1.40mm 1.5mm 1.78mm 1.90mm 2.0mm'.split(' '),
    );
    expect(attributeValues(set.scan.samples, 'mass')).toEqual('0g 10g 15g 20g 25g 30g 35g 6g'.split(' '));
    expect(new Set(set.scan.samples.map(({ take }) => take)).size).toBe(70);
    expect(await shapesOf(set)).toEqual(['8 x 1000 at 50000, 0 dead, 0 more']);
  });

  it('generates the same bytes for the same seed, others for another', () => {
    const options = { perClass: 1, seconds: 0.01 };
    const bytes = (seed: number) => [...mafaulda.generate({ ...options, seed })].map((file) => String(file.bytes));
    expect(bytes(3)).toEqual(bytes(3));
    expect(bytes(3)).not.toEqual(bytes(4));
  });

  it('reads official paths, below further folders too', () => {
    const paths = ['full/normal/12.288.csv', 'full/overhang/ball_fault/6g/59.8016.csv', 'full/imbalance/35g/61.44.csv'];
    expect(mafaulda.scan(folderOf(paths)).samples.map(({ label, attributes }) => [label, attributes])).toEqual([
      ['imbalance', { speed: '61.44', mass: '35g' }],
      ['normal', { speed: '12.288' }],
      ['overhang-ball_fault', { speed: '59.8016', mass: '6g' }],
    ]);
  });

  it('says what is missing and what it does not understand', () => {
    const paths = [...generated(mafaulda, { perClass: 1, seconds: 0.01 }).files.keys()];
    const broken = [
      ...paths.filter((path) => !path.startsWith('imbalance')),
      'normal/.csv',
      'normal/x.csv',
      'readme.txt',
    ];
    expect(mafaulda.scan(folderOf(broken)).problems).toEqual([
      {
        kind: 'missing',
        path: 'imbalance/6g/12.288.csv',
        message:
          'mafaulda: expected recordings of imbalance at imbalance/6g/12.288.csv, found none; unpack that part of the official download too',
      },
      {
        kind: 'unexpected',
        path: 'normal/.csv',
        message:
          'mafaulda: expected a speed in Hz as file name (12.288.csv) in a folder such as imbalance/6g, found .csv and 1 more in normal; unpack the official download again, or move what does not belong to it elsewhere',
      },
    ]);
    expect(mafaulda.scan(folderOf(['pumps/12.288.csv'])).samples).toEqual([]);
    expect(mafaulda.scan(folderOf([])).problems.map(({ kind }) => kind)).toEqual(['missing']);
  });

  it('states counts that add up, and channels of both benchmarks', () => {
    expect(Object.values(mafaulda.expected?.perClass ?? {}).reduce((a, b) => a + b)).toBe(1951);
    expect(Object.keys(mafaulda.expected?.perClass ?? {})).toEqual(mafaulda.classes);
    expect(mafaulda.views.map(({ channels }) => channels)).toEqual([[8], [2, 3, 4, 5, 6, 7]]);
    expect(MAFAULDA_SIREN_VIBRATION.map((channel) => mafaulda.channels[channel - 1].split(' ')[0])).toEqual(
      'tachometer underhang underhang underhang overhang overhang overhang'.split(' '),
    );
  });
});

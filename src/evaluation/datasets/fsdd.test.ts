import { describe, expect, it } from 'vitest';
import { listFolder } from '../files/list-folder.node.ts';
import { fsdd } from './fsdd.ts';
import { attributeValues, countsOf, folderOf, generated, labelCounts, shapesOf } from './scan.test-util.ts';

const root = process.env.THRUM_DATA;
const speakers = ['george', 'jackson', 'lucas', 'nicolas', 'theo', 'yweweler'];

describe('fsdd', () => {
  it('finds in a generated set every digit, speaker and side', async () => {
    const set = generated(fsdd);
    expect(set.scan.problems).toEqual([]);
    expect(labelCounts(set.scan.samples)).toEqual(Object.fromEntries(fsdd.classes.map((digit) => [digit, 48])));
    expect(countsOf(set.scan.samples.map(({ split }) => split))).toEqual({ test: 300, train: 180 });
    expect(attributeValues(set.scan.samples, 'speaker')).toEqual(speakers);
    expect(await shapesOf(set)).toEqual(['1 x 2400 at 8000, 0 dead, 0 more']);
    expect(set.bytes).toBeLessThan(4e6);
  });

  it('reads the facts in a name', () => {
    expect(fsdd.scan(folderOf(['7_jackson_5.flac', '7_jackson_4.flac'])).samples).toEqual([
      {
        path: '7_jackson_4.flac',
        take: '7_jackson_4',
        label: '7',
        split: 'test',
        attributes: { speaker: 'jackson', repetition: '4' },
      },
      {
        path: '7_jackson_5.flac',
        take: '7_jackson_5',
        label: '7',
        split: 'train',
        attributes: { speaker: 'jackson', repetition: '5' },
      },
    ]);
  });

  it('says what is missing, there twice and not understood', () => {
    const paths = [...generated(fsdd, { perClass: 6, seconds: 0.02 }).files.keys()];
    const broken = [...paths.filter((path) => !/\/3_/.test(path)), 'x/0_theo_0.flac', 'recordings/ten_theo_1.wav'];
    expect(fsdd.scan(folderOf(broken)).problems.map(({ kind, path }) => [kind, path])).toEqual([
      ['missing', 'recordings/3_george_0.wav'],
      ['inconsistent', 'x/0_theo_0.flac'],
      ['unexpected', 'recordings/ten_theo_1.wav'],
    ]);
  });

  it.skipIf(!root)('finds all 3000 real ones', () => {
    const { samples, problems } = fsdd.scan(listFolder(`${root}/fsdd`));
    expect(problems).toEqual([]);
    expect(labelCounts(samples)).toEqual(fsdd.expected?.perClass);
    expect(countsOf(samples.map(({ split }) => split))).toEqual({ test: 300, train: 2700 });
    expect(attributeValues(samples, 'speaker')).toEqual(speakers);
  });
});

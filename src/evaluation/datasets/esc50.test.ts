import { describe, expect, it } from 'vitest';
import { readRecordings } from '../../signal/readers/index.ts';
import { memoryFolder } from '../files/files.test-util.ts';
import { listFolder } from '../files/list-folder.node.ts';
import { esc50 } from './esc50.ts';
import { countsOf, folderOf, labelCounts } from './scan.test-util.ts';
import type { GeneratedFile } from './types.ts';

const root = process.env.THRUM_DATA;

function made(perClass: number, without?: string) {
  const files = new Map<string, GeneratedFile>();
  for (const file of esc50.generate({ perClass, seconds: 0.05 })) if (file.path !== without) files.set(file.path, file);
  const scan = esc50.scan(memoryFolder([...files].map(([path, { bytes }]) => [path, bytes])));
  const bytes = [...files.values()].reduce((sum, file) => sum + file.bytes.length, 0);
  return { files, scan, bytes };
}

describe('esc50', () => {
  it('finds in a generated set every class in every fold, and cuts of one clip as one take', async () => {
    const set = made(7);
    expect(set.scan.problems).toEqual([]);
    expect(labelCounts(set.scan.samples)).toEqual(Object.fromEntries(esc50.classes.map((name) => [name, 7])));
    expect(countsOf(set.scan.samples.map(({ fold }) => String(fold)))).toEqual({ 1: 100, 2: 100, 3: 50, 4: 50, 5: 50 });
    expect(new Set(set.scan.samples.map(({ take }) => take)).size).toBe(250);
    const [sound] = await readRecordings(set.files.get(set.scan.samples[0].path)?.bytes ?? new Uint8Array());
    expect([sound.channels.length, sound.channels[0].length, sound.sampleRate]).toEqual([1, 2205, 44100]);
    const sizes = [...esc50.generate()].map(({ bytes }) => bytes.length);
    expect(sizes.reduce((a, b) => a + b)).toBeLessThan(12e6);
  });

  it('reads the facts in a name', () => {
    expect(esc50.scan(folderOf(['audio/5-212698-B-39.ogg'])).samples).toEqual([
      {
        path: 'audio/5-212698-B-39.ogg',
        take: '212698',
        label: 'glass_breaking',
        fold: 5,
        attributes: { target: '39', esc10: 'no', cut: 'B' },
      },
    ]);
    const esc10 = made(1).scan.samples.filter(({ attributes }) => attributes.esc10 === 'yes');
    expect(esc10.map(({ label }) => label).sort()).toEqual(
      'chainsaw clock_tick crackling_fire crying_baby dog helicopter rain rooster sea_waves sneezing'.split(' '),
    );
  });

  it('says which file of the table is missing, and what is not understood', () => {
    const lost = 'audio/1-100001-A-0.wav';
    const { problems } = made(2, lost).scan;
    expect(problems).toEqual([
      {
        kind: 'missing',
        path: lost,
        message: `esc50: expected ${lost} as listed in meta/esc50.csv, found none; unpack the archive again`,
      },
    ]);
    const odd = ['1-1-A-0.wav', '1-1-A-50.wav', '6-1-A-0.wav', 'x/1-1-A-0.ogg'];
    const found = esc50.scan(folderOf(odd)).problems.filter(({ kind }) => kind !== 'missing');
    expect(found.map(({ kind, path }) => [kind, path])).toEqual([
      ['inconsistent', 'x/1-1-A-0.ogg'],
      ['unexpected', '1-1-A-50.wav'],
    ]);
  });

  it.skipIf(!root)('finds all 2000 real ones', () => {
    const { samples, problems } = esc50.scan(listFolder(`${root}/esc50`));
    expect(problems).toEqual([]);
    expect(labelCounts(samples)).toEqual(esc50.expected?.perClass);
    expect(countsOf(samples.map(({ fold }) => String(fold)))).toEqual({ 1: 400, 2: 400, 3: 400, 4: 400, 5: 400 });
    const folds = new Map<string, Set<number | undefined>>();
    for (const { take, fold } of samples) folds.set(take, (folds.get(take) ?? new Set()).add(fold));
    // The official folds do divide these four clips.
    const divided = [...folds].filter(([, sides]) => sides.size > 1).map(([take]) => take);
    expect(divided.sort()).toEqual(['131943', '134049', '209698', '234879']);
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeWav } from '../../signal/readers/wav-write.ts';
import { writeFiles } from '../files/files.test-util.ts';
import { checkDataSet } from './check.node.ts';
import { checkLines, isDamaged } from './check-lines.ts';
import { classTone } from './class-tones.ts';
import { esc50 } from './esc50.ts';
import { femto } from './femto.ts';
import { fsdd } from './fsdd.ts';
import { itsc } from './itsc.ts';
import { mfpt } from './mfpt.ts';
import { recogniseDataSets } from './recognise.node.ts';
import type { DataSet, GenerateOptions } from './types.ts';

const data = process.env.THRUM_DATA;
const scratch = mkdtempSync(join(tmpdir(), 'thrum-check-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const put = (root: string, path: string, bytes: Uint8Array): void => writeFiles(root, [[path, bytes]]);

function write(dataSet: DataSet, name: string, options: GenerateOptions): string {
  const root = join(scratch, name);
  for (const { path, bytes } of dataSet.generate(options)) put(root, path, bytes);
  return root;
}

const tone = (seed: string, sampleRate = 8000) => classTone({ classIndex: 0, seed, seconds: 0.1, sampleRate });

describe('checkDataSet', () => {
  it('counts what is there and says how much is missing', async () => {
    const root = write(fsdd, 'fsdd', { perClass: 36, seconds: 0.05 });
    const progress: string[] = [];
    const check = await checkDataSet(fsdd, root, (done, total) => progress.push(`${done}/${total}`));
    expect(check).toMatchObject({ id: 'fsdd', root, samples: 360, recordings: 360, expected: 3000 });
    expect(check.kinds).toEqual([{ sampleRate: 8000, channels: 1, count: 360, seconds: expect.closeTo(18, 5) }]);
    expect(check.counts.slice(9)).toEqual([
      { of: 'class', name: '9', found: 36, expected: 300 },
      { of: 'split', name: 'test', found: 300 },
      { of: 'split', name: 'train', found: 60 },
    ]);
    expect(progress.at(-1)).toBe('360/360');
    expect(isDamaged(check)).toBe(false);
    expect(checkLines(check)).toEqual([
      `fsdd: Free Spoken Digit Dataset in ${root}`,
      '  360 of 3000 recordings, 0.3 min',
      `  by class: ${fsdd.classes.map((digit) => `${digit} 36 of 300`).join(', ')}`,
      '  by split: test 300, train 60',
      '  missing: 2640 of the 3000 recordings of the complete data set',
    ]);
  });

  it('finds nothing wrong with complete sets of several rates and shapes', async () => {
    for (const dataSet of [mfpt, itsc]) {
      const check = await checkDataSet(dataSet, write(dataSet, dataSet.id, { seconds: 0.1 }));
      expect(checkLines(check).at(-1)).toBe('  nothing wrong found');
      expect(check.recordings).toBe(dataSet.expected?.samples);
    }
  });

  it('names every kind of damage', async () => {
    const root = join(scratch, 'damaged');
    const float = { bits: 'float32' } as const;
    const good = writeWav(tone('good'));
    const holes = tone('holes');
    const bytes = writeWav(holes, float);
    new DataView(bytes.buffer).setFloat32(58 + 40, Number.NaN, true);
    const stereo = { ...holes, channels: [holes.channels[0], tone('other').channels[0]] };
    const files: Record<string, Uint8Array> = {
      '0_theo_0.wav': good,
      '0_theo_5.wav': good,
      '1_theo_6.wav': good,
      '0_theo_1.wav': new Uint8Array(),
      '0_theo_2.wav': new TextEncoder().encode('not a recording'),
      '0_theo_3.wav': bytes,
      '0_theo_6.wav': writeWav(tone('fast', 16000)),
      '0_theo_7.wav': writeWav(stereo),
      '0_theo_8.wav': writeWav({ ...holes, channels: [new Float32Array(800)] }),
      '0_theo_9.wav': writeWav({ ...holes, channels: [new Float32Array(800)] }),
    };
    for (const [name, content] of Object.entries(files)) put(root, name, content);
    const check = await checkDataSet(fsdd, root);
    expect(check.empty).toEqual(['0_theo_1.wav']);
    expect(check.unreadable).toEqual([{ name: '0_theo_2.wav', message: expect.stringMatching(/0_theo_2\.wav/) }]);
    expect(check.notFinite).toEqual([{ name: '0_theo_3.wav', message: expect.stringMatching(/sample 10 .* is NaN/) }]);
    expect(check.wrongRate).toEqual([{ name: '0_theo_6.wav', found: 16000, expected: 8000 }]);
    expect(check.wrongChannels).toEqual([{ name: '0_theo_7.wav', found: 2, expected: 1 }]);
    expect(check.silent).toEqual(['0_theo_8.wav', '0_theo_9.wav']);
    expect(check.duplicates).toEqual([
      { name: '0_theo_5.wav', same: '0_theo_0.wav', between: ['train and test'] },
      { name: '1_theo_6.wav', same: '0_theo_0.wav', between: ['train and test', 'class 0 and class 1'] },
    ]);
    expect(isDamaged(check)).toBe(true);
    const lines = checkLines(check)
      .slice(4)
      .filter((line) => !line.startsWith('  missing'));
    expect(lines.map((line) => line.split(':')[0].trim())).toEqual(
      'unreadable,empty,not finite,wrong rate,wrong channels,silent,silent,duplicate,duplicate'.split(','),
    );
    expect(lines[3]).toBe('  wrong rate: 0_theo_6.wav: 16000 Hz, expected 8000');
    expect(lines[8]).toContain(
      '1_theo_6.wav has the same samples as 0_theo_0.wav (train and test; class 0 and class 1)',
    );
  });

  it('puts recordings that are off in the same way into one line, and names divided takes', async () => {
    const root = join(scratch, 'converted');
    for (const name of ['1-7-A-0', '2-7-B-0', '2-8-A-0']) put(root, `${name}.wav`, writeWav(tone(name, 16000)));
    const check = await checkDataSet(esc50, root);
    expect(checkLines(check)).toContain('  wrong rate: 3 recordings of 16000 Hz, expected 44100 (1-7-A-0.wav first)');
    expect(check.divided).toEqual([{ take: '7', between: ['fold 1 and fold 2'] }]);
    expect(isDamaged(check)).toBe(false);
  });

  it('knows arrays of one file apart', async () => {
    const root = join(scratch, 'arrays');
    put(root, 'Data_ITSC.mat', [...mfpt.generate({ perClass: 1, seconds: 0.02 })][0].bytes);
    const check = await checkDataSet(itsc, root);
    expect(check.unreadable).toHaveLength(65);
    expect(check.unreadable[0].name).toBe('Data_ITSC.mat#itsc.ITSC_HLT.Repetition01');
  });

  it.skipIf(!data)('reads real data sets', async () => {
    const check = await checkDataSet(itsc, join(data ?? '', 'itsc'));
    expect(checkLines(check).slice(-1)).toEqual(['  nothing wrong found']);
    const bearings = await checkDataSet(mfpt, join(data ?? '', 'mfpt'));
    expect(bearings).toMatchObject({ recordings: 14, unreadable: [], wrongRate: [], silent: [], duplicates: [] });
    const lives = await checkDataSet(femto, join(data ?? '', 'femto'));
    expect(lives).toMatchObject({ samples: 6, recordings: 757, expected: 24889, unreadable: [], wrongRate: [] });
    expect(lives.counts[0]).toEqual({ of: 'class', name: 'Bearing1_1', found: 281, expected: 2803 });
  });
});

describe('recogniseDataSets', () => {
  it('goes by the name of a folder, or by what most of its files are', () => {
    const root = join(scratch, 'mixed');
    for (const { path, bytes } of fsdd.generate({ perClass: 2, seconds: 0.02 })) put(root, `fsdd/${path}`, bytes);
    for (const { path, bytes } of mfpt.generate({ perClass: 1, seconds: 0.02 }))
      put(root, `bearings/mfpt/${path}`, bytes);
    put(root, 'pump.wav', writeWav(tone('pump')));
    put(root, 'fsdd/readme.md', new Uint8Array(1));
    const found = recogniseDataSets(root);
    expect(found.map(({ dataSet, root: at }) => [dataSet.id, at])).toEqual([
      ['fsdd', join(root, 'fsdd')],
      ['mfpt', join(root, 'bearings', 'mfpt')],
    ]);
    expect(found[0].holds(join(root, 'fsdd', 'readme.md'))).toBe(true);
    expect(found.some(({ holds }) => holds(join(root, 'pump.wav')))).toBe(false);
    const bare = join(scratch, 'bare');
    put(bare, '0_theo_0.wav', writeWav(tone('a')));
    put(bare, 'pump.wav', writeWav(tone('pump')));
    expect(recogniseDataSets(bare).map(({ dataSet }) => dataSet.id)).toEqual(['fsdd']);
    expect(recogniseDataSets(bare)[0].holds(join(bare, 'pump.wav'))).toBe(false);
    put(bare, 'fan.wav', writeWav(tone('fan')));
    expect(recogniseDataSets(bare)).toEqual([]);
  });

  it.skipIf(!data)('recognises the real ones', () => {
    const ids = recogniseDataSets(data ?? '').map(({ dataSet }) => dataSet.id);
    expect(ids.sort()).toEqual(['cwru', 'esc50', 'femto', 'fsdd', 'itsc', 'mfpt']);
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readMat } from '../../signal/readers/mat.ts';
import { readMatVariables } from '../../signal/readers/mat-variables.ts';
import { listFolder } from '../files/list-folder.node.ts';
import { cwru } from './cwru.ts';
import { attributeValues, folderOf, generated, labelCounts, shapesOf } from './scan.test-util.ts';

const PER_CLASS = {
  DE_IR: 16,
  DE_B: 16,
  'DE_OC@3': 8,
  'DE_OC@6': 12,
  'DE_OC@12': 8,
  FE_IR: 12,
  FE_B: 12,
  'FE_OC@3': 11,
  'FE_OC@6': 6,
  'FE_OC@12': 4,
};

describe('cwru', () => {
  it('states the 105 recordings at 12 kHz', () => {
    expect(cwru.expected).toEqual({ samples: 105, perClass: PER_CLASS });
    expect(cwru.classes).toEqual(Object.keys(PER_CLASS));
  });

  it('finds in a generated set every class, size, load and position, but no normal recording', async () => {
    const set = generated(cwru, { seconds: 0.05 });
    const { samples, problems } = set.scan;
    expect(problems).toEqual([]);
    expect(labelCounts(samples)).toEqual({
      ...Object.fromEntries(cwru.classes.map((label) => [label, 6])),
      'FE_OC@12': 4,
    });
    expect(attributeValues(samples, 'size')).toEqual(['007', '014', '021', '028']);
    expect(attributeValues(samples, 'load')).toEqual(['0', '1', '2', '3']);
    expect(attributeValues(samples, 'position')).toEqual(['12', '3', '6']);
    expect(await shapesOf(set)).toEqual(['1 x 600 at 12000, 0 dead, 0 more']);
  });

  it.each([
    ['105.mat', 'DE_IR', { end: 'DE', size: '007', load: '0' }],
    ['fan/302.mat', 'FE_OC@12', { end: 'FE', size: '007', load: '0', position: '12' }],
    [
      '12k_Fan_End_Bearing_Fault_Data/OR/014/@3/310_0.mat',
      'FE_OC@3',
      { end: 'FE', size: '014', load: '0', position: '3' },
    ],
    ['12k Drive End Bearing Fault Data/OR007@6_2.mat', 'DE_OC@6', { end: 'DE', size: '007', load: '2', position: '6' }],
    ['12k_Fan_End_B021_3_293.mat', 'FE_B', { end: 'FE', size: '021', load: '3' }],
    ['FE/IR014_1.mat', 'FE_IR', { end: 'FE', size: '014', load: '1' }],
    ['12k_Drive_End_Bearing_Fault_Data/IR/028/3001_0.MAT', 'DE_IR', { end: 'DE', size: '028', load: '0' }],
  ])('knows %s', (path, label, attributes) => {
    const { samples, problems } = cwru.scan(folderOf([path]));
    expect(samples.map((sample) => [sample.label, sample.attributes])).toEqual([[label, attributes]]);
    expect(problems.filter(({ kind }) => kind !== 'missing')).toEqual([]);
  });

  it('leaves out recordings at 48 kHz and without a fault, without a word', () => {
    const paths = [
      ...generated(cwru, { perClass: 1, seconds: 0.01 }).files.keys(),
      '48k_Drive_End_Bearing_Fault_Data/IR/007/109_0.mat',
      '122.mat',
      '98.mat',
      'Normal_2.mat',
      'notes.txt',
    ];
    expect(cwru.scan(folderOf(paths)).problems).toEqual([]);
    expect(cwru.scan(folderOf(paths)).samples).toHaveLength(10);
  });

  it('says what is missing, contradictory, there twice and not understood', () => {
    const paths = [...generated(cwru, { perClass: 1, seconds: 0.01 }).files.keys()];
    const broken = [
      ...paths.filter((path) => !path.includes('/FE') && !path.includes('@12')),
      '12k_Drive_End_Bearing_Fault_Data/B/007/106_2.mat',
      '105.mat',
      'IR007_0.mat',
      'new/.mat',
      'new/7.mat',
    ];
    const { samples, problems } = cwru.scan(folderOf(broken));
    expect(samples.find(({ take }) => take === '106')).toMatchObject({ label: 'DE_IR', attributes: { load: '1' } });
    expect(problems).toEqual([
      expect.objectContaining({ kind: 'missing', message: expect.stringContaining('recordings of DE_OC@12 at') }),
      expect.objectContaining({ kind: 'missing', message: expect.stringContaining('recordings of FE_OC@12 at') }),
      {
        kind: 'inconsistent',
        path: '12k_Drive_End_Bearing_Fault_Data/B/007/106_2.mat',
        message:
          'cwru: expected file 106 as 12k_Drive_End_Bearing_Fault_Data/IR/007/106_1.mat, found kind B, load 2 in 12k_Drive_End_Bearing_Fault_Data/B/007/106_2.mat; taken as the former, move it there',
      },
      {
        kind: 'inconsistent',
        path: '12k_Drive_End_Bearing_Fault_Data/IR/007/105_0.mat',
        message:
          'cwru: expected file 105 once, found 105.mat and 12k_Drive_End_Bearing_Fault_Data/IR/007/105_0.mat; remove one',
      },
      expect.objectContaining({ kind: 'unexpected', path: 'IR007_0.mat' }),
      expect.objectContaining({ kind: 'unexpected', path: 'new/.mat', message: expect.stringContaining('and 1 more') }),
    ]);
  });

  it.skipIf(!process.env.THRUM_DATA)(
    'finds the real recordings, and their first signal is what the reader takes',
    () => {
      const root = join(process.env.THRUM_DATA ?? '', 'cwru');
      const folder = listFolder(root);
      const { samples, problems } = cwru.scan(folder);
      expect(problems).toEqual([]);
      expect(labelCounts(samples)).toEqual(PER_CLASS);
      // The generated set in full has the same files.
      const all = generated(cwru, { perClass: 16, seconds: 0.01 });
      expect([...all.files.keys()].sort()).toEqual(folder.files);
      for (const { path, read } of samples) {
        const bytes = new Uint8Array(readFileSync(join(root, path)));
        const [key, first] = [...readMatVariables(bytes, path)].find(([name]) => name.endsWith('_time')) ?? [];
        expect(key).toMatch(/^X\d{3}_DE_time$/);
        const expected = first?.kind === 'numeric' ? Float32Array.from(first.data, Number) : [];
        const [recording, ...more] = readMat(bytes, { name: path, ...read });
        expect(more).toEqual([]);
        expect(recording.channels).toHaveLength(1);
        expect(recording.channels[0].length).toBe(expected.length);
        expect(recording.channels[0].every((value, i) => value === expected[i])).toBe(true);
      }
    },
  );
});

import { describe, expect, it } from 'vitest';
import { listFolder } from '../files/list-folder.node.ts';
import { mfpt } from './mfpt.ts';
import { folderOf, generated, labelCounts, shapesOf } from './scan.test-util.ts';

const root = process.env.THRUM_DATA;

describe('mfpt', () => {
  it('generates the complete official set, small', async () => {
    const set = generated(mfpt, { seconds: 0.05 });
    expect(set.scan.problems).toEqual([]);
    expect(labelCounts(set.scan.samples)).toEqual(mfpt.expected?.perClass);
    expect(set.scan.samples).toHaveLength(20);
    expect(set.scan.samples[16]).toEqual({
      path: '4 - Seven Inner Race Fault Conditions/InnerRaceFault_vload_4.mat',
      read: { variable: 'bearing.gs' },
      take: 'InnerRaceFault_vload_4',
      label: 'inner race',
      attributes: { load: '150', sampleRate: '48828' },
    });
    expect(await shapesOf(set)).toEqual(['1 x 4883 at 97656, 0 dead, 0 more', '1 x 2441 at 48828, 0 dead, 0 more']);
    expect(labelCounts(generated(mfpt, { perClass: 4, seconds: 0.02 }).scan.samples)).toEqual({
      normal: 3,
      'outer race': 4,
      'inner race': 4,
    });
  });

  it('takes the split from the folders of the copy on GitHub, and leaves other machines out', () => {
    const { samples, problems } = mfpt.scan(
      folderOf([
        'x/train_data/baseline_1.mat',
        'x/train_data/OuterRaceFault_vload_1.mat',
        'x/test_data/InnerRaceFault_vload_7.mat',
        '6 - Real World Examples/IMS.mat',
        '5 - Analyses/bearing.m',
      ]),
    );
    expect(problems).toEqual([]);
    expect(samples.map(({ label, split, attributes }) => [label, split, attributes.load])).toEqual([
      ['inner race', 'test', '300'],
      ['outer race', 'train', '25'],
      ['normal', 'train', '270'],
    ]);
  });

  it('says what is missing, there twice and not understood', () => {
    const paths = ['a/baseline_1.mat', 'b/baseline_1.mat', 'a/OuterRaceFault_4.mat', 'a/InnerRaceFault_vload_1.mat'];
    expect(mfpt.scan(folderOf(paths)).problems.map(({ kind, path }) => [kind, path])).toEqual([
      ['missing', '3 - Seven More Outer Race Fault Conditions/OuterRaceFault_vload_1.mat'],
      ['inconsistent', 'b/baseline_1.mat'],
      ['unexpected', 'a/OuterRaceFault_4.mat'],
    ]);
    expect(mfpt.scan(folderOf(['a.mat'])).samples).toEqual([]);
    expect(mfpt.scan(folderOf(['a.mat'])).problems.map(({ kind }) => kind)).toEqual(['missing', 'unexpected']);
  });

  it.skipIf(!root)('finds the real ones, and says that normal ones are missing', () => {
    const { samples, problems } = mfpt.scan(listFolder(`${root}/mfpt`));
    expect(labelCounts(samples)).toEqual({ 'inner race': 7, 'outer race': 7 });
    expect(samples.filter(({ split }) => split === 'test')).toHaveLength(4);
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^mfpt: expected recordings of normal/),
    ]);
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeFiles } from '../files/files.test-util.ts';
import { clipsAt } from './dcase-folder.test-util.ts';
import { locateDcase } from './dcase-year.node.ts';

const root = mkdtempSync(join(tmpdir(), 'thrum-year-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Names of one machine that 2021 and 2022 share. */
const clips = clipsAt([
  'dev_data/fan/train/section_00_source_train_normal_0000_strength_1_ambient.wav',
  'dev_data/fan/train/section_00_target_train_normal_0000_strength_1_ambient.wav',
]);

describe('locateDcase', () => {
  it('believes the name of the folder where a part of a data set could be of two years', () => {
    for (const year of [2021, 2022]) {
      const folder = join(root, 'sets', `dcase${year}`);
      writeFiles(folder, clips);
      const found = locateDcase('test', folder);
      expect([found.year, found.root, found.scan.samples.length]).toEqual([year, folder, 2]);
      expect(locateDcase('test', join(root, 'sets'), year)).toMatchObject({ year, root: folder });
    }
  });

  it('refuses what is not there, and asks where there are two', () => {
    expect(() => locateDcase('baseline', join(root, 'sets'))).toThrow(
      /^baseline: expected one data set .* found dcase/,
    );
    expect(() => locateDcase('baseline', join(root, 'sets'), 2023)).toThrow(/^baseline: expected clips of DCASE 2023/);
    expect(() => locateDcase('baseline', join(root, 'sets'), 2026)).toThrow('expected a year from 2020 to 2025');
  });
});

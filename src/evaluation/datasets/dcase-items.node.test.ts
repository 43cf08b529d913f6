import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import { writeFiles } from '../files/files.test-util.ts';
import { smallest } from './dcase-folder.test-util.ts';
import { dcaseItems } from './dcase-items.node.ts';

const root = mkdtempSync(join(tmpdir(), 'thrum-items-'));
beforeAll(() => {
  for (const year of [2020, 2022, 2024]) writeFiles(join(root, `dcase${year}`), smallest(year));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const of = (year: number, machine: string) =>
  dcaseItems(join(root, `dcase${year}`))
    .filter(({ path }) => path.includes(`/${machine}/`))
    .map(({ path, ...rest }) => ({ ...rest, name: path.slice(root.length + 1) }));

describe('dcaseItems', () => {
  it('labels normal training clips by machine, section and attributes', () => {
    expect(of(2024, 'bearing')).toEqual(
      [
        { label: 'bearing_00_vel_6', domain: 'source', number: '0000', value: '6' },
        { label: 'bearing_00_vel_10', domain: 'source', number: '0001', value: '10' },
        { label: 'bearing_00_vel_2', domain: 'target', number: '0000', value: '2' },
      ].map(({ label, domain, number, value }) => ({
        label,
        group: 'bearing',
        domain,
        name: `dcase2024/dev_data/bearing/train/section_00_${domain}_train_normal_${number}_vel_${value}.wav`,
      })),
    );
    const all = dcaseItems(join(root, 'dcase2024'));
    expect(all).toHaveLength(16 * 3);
    expect(all.every(({ path }) => path.includes('/train/'))).toBe(true);
  });

  it('marks machines whose attributes are hidden', () => {
    expect(new Set(of(2024, 'slider').map(({ label, hidden }) => `${label} ${hidden}`))).toEqual(
      new Set(['slider_00_noAttribute true']),
    );
    expect(of(2024, 'fan').some(({ hidden }) => hidden)).toBe(false);
  });

  it('keeps sections apart where a machine has several', () => {
    expect(new Set(of(2022, 'fan').map(({ group }) => group))).toEqual(
      new Set(['00', '01', '02', '03', '04', '05'].map((section) => `fan_${section}`)),
    );
    const [first] = of(2020, 'fan');
    expect(first).toEqual({
      label: 'fan_id_00',
      group: 'fan_id_00',
      name: 'dcase2020/dev_data/fan/train/normal_id_00_00000000.wav',
    });
  });

  it('asks which year is meant', () => {
    expect(() => dcaseItems(root)).toThrow(InputError);
    expect(() => dcaseItems(root)).toThrow(/^dcaseItems: expected one data set .*, found .*dcase2022.*; name a folder/);
    expect(dcaseItems(root, 2022)).toEqual(dcaseItems(join(root, 'dcase2022')));
    expect(() => dcaseItems(root, 2019)).toThrow('expected a year from 2020 to 2025, got 2019');
    expect(() => dcaseItems(root, 2021)).toThrow('expected clips of DCASE 2021');
  });
});

import { describe, expect, it } from 'vitest';
import { readRecordings } from '../../signal/readers/index.ts';
import { readMatVariables } from '../../signal/readers/mat-variables.ts';
import { folderOf } from './scan.test-util.ts';
import { sdustBearing, sdustGear } from './sdust.ts';
import type { DataSet } from './types.ts';

const scanned = (dataSet: DataSet, files: string[]) => {
  const { samples, problems } = dataSet.scan(folderOf(files));
  return { paths: samples.map(({ path }) => path), samples, problems: problems.map(({ kind, path }) => [kind, path]) };
};
const bearings = [...sdustBearing.generate({ seconds: 0.02 })];
const gears = [...sdustGear.generate({ seconds: 0.02 })];
/** Both halves lie in one download. */
const download = [...bearings, ...gears].map(({ path }) => path);

describe.each([
  [sdustBearing, ['IF0.2', 'IF0.4', 'IF0.6', 'NC', 'OF0.2', 'OF0.4', 'OF0.6', 'RF0.2', 'RF0.4', 'RF0.6'], bearings],
  [
    sdustGear,
    ['normal', 'planetrayfracture', 'planetraypitting', 'planetraywear', 'sunfracture', 'sunpitting', 'sunwear'],
    gears,
  ],
] as const)('$id', (dataSet, classes, files) => {
  it('finds what it generated, and nothing of the other half', () => {
    const { samples, problems } = scanned(dataSet, download);
    expect(problems).toEqual([]);
    expect(dataSet.classes).toEqual(classes);
    for (const label of classes) expect(samples.filter((sample) => sample.label === label)).toHaveLength(4);
    expect(samples).toHaveLength(4 * classes.length);
    expect(new Set(samples.map(({ take }) => take)).size).toBe(samples.length);
    expect(samples.map(({ path }) => path)).toEqual(files.map(({ path }) => path).toSorted());
  });

  it('reads every file: six channels at 25.6 kHz, as they were written', async () => {
    const { samples } = dataSet.scan(folderOf(download));
    for (const { path, read } of samples) {
      const bytes = files.find((file) => file.path === path)?.bytes ?? new Uint8Array();
      const [recording, ...others] = await readRecordings(bytes, { ...read, name: path });
      expect(others).toEqual([]);
      expect(recording.sampleRate).toBe(25_600);
      expect(recording.channels.map(({ length }) => length)).toEqual(Array(6).fill(512));
      expect(new Set(recording.channels.map(([first]) => first)).size).toBe(6);
    }
  });

  it('generates the same again, and another set for another seed', () => {
    const [first] = dataSet.generate({ seconds: 0.02, perClass: 1 });
    const [other] = dataSet.generate({ seconds: 0.02, perClass: 1, seed: 7 });
    expect(first).toEqual(files[0]);
    expect(other.path).toBe(first.path);
    expect(other.bytes).not.toEqual(first.bytes);
  });

  it('names a class that is missing and keeps the rest', () => {
    const folder = `/${classes[1]} `;
    const rest = download.filter((path) => !path.includes(folder));
    const { samples, problems } = dataSet.scan(folderOf(rest));
    expect(samples).toHaveLength(4 * (classes.length - 1));
    expect(problems).toHaveLength(1);
    expect(problems[0].kind).toBe('missing');
    expect(problems[0].message).toMatch(`expected recordings of ${classes[1]} at`);
  });

  it('has one problem where there is nothing', () => {
    const { samples, problems } = dataSet.scan(folderOf(['SDUST.pdf', 'README.md']));
    expect(samples).toEqual([]);
    expect(problems.map(({ kind }) => kind)).toEqual(['missing']);
    expect(problems[0].message).toMatch(/found none; name the folder/);
  });
});

describe('SDUST files', () => {
  it('hold the struct of the recorder, columns in the order of the channels', async () => {
    const signal = readMatVariables(bearings[0].bytes).get('Signal');
    const y = signal?.kind === 'struct' ? signal.elements[0].get('y_values') : undefined;
    const values = y?.kind === 'struct' ? y.elements[0].get('values') : undefined;
    expect(values).toMatchObject({ kind: 'numeric', shape: [512, 6] });
    const data = values?.kind === 'numeric' ? Array.from(values.data, Number) : [];
    const [{ channels }] = await readRecordings(bearings[0].bytes, { sampleRate: 25_600 });
    expect(data.slice(2 * 512, 3 * 512)).toEqual(Array.from(channels[2]));
  });

  it('give speed and load as written, ramps too, and the repetition of gears', () => {
    const { samples, problems } = scanned(sdustBearing, [
      ...download,
      '轴承数据集/NC/NC 800~1500 60.mat',
      'SDUST-Dataset-main/轴承数据集/NC/NC 1797 0 again.mat',
    ]);
    expect(problems).toEqual([]);
    expect(samples.find(({ path }) => path.includes('~'))).toEqual({
      path: '轴承数据集/NC/NC 800~1500 60.mat',
      read: { sampleRate: 25_600, variable: 'Signal.y_values.values' },
      take: 'NC/NC 800~1500 60',
      label: 'NC',
      attributes: { speed: '800~1500', load: '60' },
    });
    expect(samples.find(({ take }) => take.endsWith('again'))?.attributes.note).toBe('again');
    const gear = scanned(sdustGear, ['齿轮数据集/太阳点蚀/sunpitting 2000 0-0.5A 2.mat']);
    expect(gear.samples[0]).toMatchObject({
      label: 'sunpitting',
      attributes: { speed: '2000', load: '0-0.5A', repetition: '2' },
    });
  });

  it('are left out where the folder or the name is not understood', () => {
    const broken = [
      '轴承数据集/IF0.9/IF0.9 1000 0.mat',
      '轴承数据集/NC/IF0.2 1000 0.mat',
      '轴承数据集/NC/NC.mat',
      '轴承数据集/NC/untitled.m',
      '轴承数据集/NC/old/NC 1000 0.mat',
    ];
    const { samples, problems } = scanned(sdustBearing, [...download, ...broken]);
    expect(samples).toHaveLength(40);
    expect(problems).toEqual([
      ['inconsistent', broken[1]],
      ['unexpected', broken[0]],
      ['unexpected', broken[2]],
      ['unexpected', broken[4]],
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { readRecordings } from '../../signal/readers/index.ts';
import { folderOf } from './scan.test-util.ts';
import { umged } from './umged.ts';

const files = [...umged.generate({ seconds: 0.02 })];
const paths = files.map(({ path }) => path);

describe('umged', () => {
  it('finds what it generated: eight sensors of four recordings of each of eleven classes', () => {
    const { samples, problems } = umged.scan(folderOf(paths));
    expect(problems).toEqual([]);
    expect(umged.classes).toHaveLength(11);
    for (const label of umged.classes) expect(samples.filter((sample) => sample.label === label)).toHaveLength(4 * 8);
    expect(samples).toHaveLength(11 * 4 * 8);
    expect(new Set(samples.map(({ take }) => take)).size).toBe(44);
    for (const { id, channels = [] } of umged.views) {
      const taken = samples.filter(({ channel = 0 }) => channels.includes(channel));
      expect([id, taken.length]).toEqual([id, 44 * channels.length]);
    }
  });

  it('counts recordings as the one example in the documents does', () => {
    const all = [...umged.generate({ seconds: 0.001, perClass: 99 })].map(({ path }) => path);
    expect(all).toContain('G1/E16/N139_G1_E16_T3_S1200.mat');
    expect(new Set(all.map((path) => /N\d+/.exec(path)?.[0])).size).toBe(352);
    const { samples, problems } = umged.scan(folderOf(all));
    expect(problems).toEqual([]);
    expect(samples).toHaveLength(umged.expected?.samples ?? 0);
    const e04 = samples.filter(({ label }) => label === 'E04').length;
    expect(e04).toBe(umged.expected?.perClass?.E04);
  });

  it('reads every sensor at 51.2 kHz, each with samples of its own', async () => {
    const { samples } = umged.scan(folderOf(paths));
    const { path } = samples.find(({ label }) => label === 'E20') ?? samples[0];
    const bytes = files.find((file) => file.path === path)?.bytes ?? new Uint8Array();
    const firsts = new Set<number>();
    for (const { channel, read } of samples.filter((sample) => sample.path === path)) {
      expect(read?.variable).toBe(`DataSensor0${channel}`);
      const [recording, ...others] = await readRecordings(bytes, { ...read, name: path });
      expect(others).toEqual([]);
      expect(recording.sampleRate).toBe(51_200);
      expect(recording.channels.map(({ length }) => length)).toEqual([1024]);
      firsts.add(recording.channels[0][0]);
    }
    expect(firsts.size).toBe(8);
    const [last] = await readRecordings(bytes, { sampleRate: 51_200, variable: 'DataSensor11' });
    expect(last.channels[0]).toHaveLength(1024);
  });

  it('reads one file of every class', async () => {
    const { samples } = umged.scan(folderOf(paths));
    for (const label of umged.classes) {
      const { path, read } = samples.find((sample) => sample.label === label) ?? samples[0];
      const bytes = files.find((file) => file.path === path)?.bytes ?? new Uint8Array();
      const [{ channels, sampleRate }] = await readRecordings(bytes, { ...read, name: path });
      expect([label, sampleRate, channels.length, channels[0].length]).toEqual([label, 51_200, 1, 1024]);
    }
  });

  it('says what a path says, in any folder below the gear', () => {
    const { samples } = umged.scan(folderOf(['GearEccDataset/G2/T1/N177_G2_E00_T1_S600.mat', 'README.txt']));
    expect(samples[5]).toEqual({
      path: 'GearEccDataset/G2/T1/N177_G2_E00_T1_S600.mat',
      read: { sampleRate: 51_200, variable: 'DataSensor06' },
      take: 'N177_G2_E00_T1_S600',
      label: 'E00',
      channel: 6,
      attributes: { gear: 'G2', structure: 'T1', speed: '600', number: '177' },
    });
  });

  it('names missing classes, wrong folders and unknown names, and keeps the rest', () => {
    const rest = paths.filter((path) => !path.includes('E06'));
    const broken = ['G1/E06/N170_G2_E06_T1_S600.mat', 'G1/E08/N1_G1_E03_T1_S600.mat', 'G1/E08/new.mat'];
    const { samples, problems } = umged.scan(folderOf([...rest, ...broken]));
    expect(samples).toHaveLength(10 * 4 * 8);
    expect(problems.map(({ kind }) => kind)).toEqual(['missing', 'inconsistent', 'unexpected']);
    expect(problems[0].message).toMatch(/expected recordings of E06/);
    expect(problems[1].path).toBe(broken[0]);
    expect(problems[2].message).toMatch(/found N1_G1_E03_T1_S600\.mat and 1 more in G1\/E08/);
  });
});

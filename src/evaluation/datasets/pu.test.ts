import { describe, expect, it } from 'vitest';
import { readRecordings } from '../../signal/readers/index.ts';
import { pu } from './pu.ts';
import { folderOf } from './scan.test-util.ts';

const files = [...pu.generate({ seconds: 0.02 })];
const paths = files.map(({ path }) => path);
const bytesOf = (path: string) => files.find((file) => file.path === path)?.bytes ?? new Uint8Array();

describe('pu', () => {
  it('finds what it generated: three channels of eight measurements, four takes a class', () => {
    const { samples, problems } = pu.scan(folderOf(paths));
    expect(problems).toEqual([]);
    for (const label of ['healthy', 'IR', 'OR']) {
      const own = samples.filter((sample) => sample.label === label);
      expect(own).toHaveLength(8 * 3);
      expect(new Set(own.map(({ take }) => take)).size).toBe(4);
    }
    expect(samples).toHaveLength(72);
    for (const { id, channels = [] } of pu.views) {
      const taken = samples.filter(({ channel = 0 }) => channels.includes(channel));
      expect([id, taken.length]).toEqual([id, 24 * channels.length]);
    }
  });

  it('counts the whole: 32 bearings x 4 conditions x 20 measurements x 3 channels', () => {
    expect(pu.expected).toEqual({ samples: 7680, perClass: { healthy: 1440, IR: 3120, OR: 3120 } });
  });

  it.each([
    ['K006', 'healthy', 'none'],
    ['KI08', 'IR', 'artificial'],
    ['KI21', 'IR', 'real'],
    ['KB23', 'IR', 'real'],
    ['KB24', 'IR', 'real'],
    ['KA09', 'OR', 'artificial'],
    ['KA30', 'OR', 'real'],
    ['KB27', 'OR', 'real'],
  ])('takes %s for %s', (bearing, label, damage) => {
    const { samples } = pu.scan(folderOf([`${bearing}/N09_M07_F10_${bearing}_13.mat`, `${bearing}/${bearing}.pdf`]));
    expect(samples.map(({ channel }) => channel)).toEqual([2, 3, 7]);
    expect(samples[2]).toEqual({
      path: `${bearing}/N09_M07_F10_${bearing}_13.mat`,
      read: { sampleRate: 64_000, variable: `N09_M07_F10_${bearing}_13.Y.vibration_1.Data` },
      take: `${bearing}_N09_M07_F10`,
      label,
      channel: 7,
      attributes: {
        bearing,
        damage,
        condition: 'N09_M07_F10',
        speed: '900',
        torque: '0.7',
        force: '1000',
        measurement: '13',
      },
    });
  });

  it('reads every sample at 64 kHz, the channel of its number and no other', async () => {
    const { samples } = pu.scan(folderOf(paths));
    for (const { path, read, channel, attributes } of samples) {
      const [recording, ...others] = await readRecordings(bytesOf(path), { ...read, name: path });
      expect(others).toEqual([]);
      expect(recording.sampleRate).toBe(64_000);
      expect(recording.channels.map(({ length }) => length)).toEqual([1280]);
      const struct = path.slice(path.lastIndexOf('/') + 1, -4);
      const variable = `${struct}.Y(${channel}).Data`;
      const [byNumber] = await readRecordings(bytesOf(path), { name: path, sampleRate: 64_000, variable });
      expect(byNumber).toEqual(recording);
      const slow = { sampleRate: 4000, variable: `${struct}.Y(4).Data` };
      const [speed] = await readRecordings(bytesOf(path), slow);
      expect(Array.from(speed.channels[0])).toEqual(Array(80).fill(Number(attributes.speed)));
    }
  });

  it('never gives a file twice, up to two measurements of every bearing and condition', () => {
    const all = [...pu.generate({ seconds: 0.001, perClass: 999 })].map(({ path }) => path);
    expect(new Set(all).size).toBe(all.length);
    expect(all).toHaveLength(32 * 4 * 2);
    expect(pu.scan(folderOf(all)).problems).toEqual([]);
    expect(new Set(pu.scan(folderOf(all)).samples.map(({ take }) => take)).size).toBe(32 * 4);
  });

  it('names a missing class, wrong folders and unknown names, and keeps the rest', () => {
    const rest = paths.filter((path) => !/^K(A|B27)/.test(path));
    const broken = ['KI04/N15_M07_F10_K001_3.mat', 'N15_M07_F10_K001_4.mat', 'K001/N15_M07_F10_K099_1.mat'];
    const { samples, problems } = pu.scan(folderOf([...rest, ...broken, 'K001.rar']));
    expect(samples).toHaveLength(48);
    expect(problems.map(({ kind, path }) => [kind, path])).toEqual([
      ['missing', 'KA01/*.mat and alike'],
      ['inconsistent', broken[0]],
      ['inconsistent', broken[1]],
      ['unexpected', broken[2]],
    ]);
    expect(problems[0].message).toMatch(/expected recordings of OR/);
    expect(problems[1].message).toMatch(/the folder and the name of a file to say the same/);
  });
});

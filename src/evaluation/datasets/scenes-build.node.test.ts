import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecordings } from '../../signal/readers/index.ts';
import { writeWav } from '../../signal/readers/wav-write.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { memoryFolder, writeFiles } from '../files/files.test-util.ts';
import { listFolder } from '../files/list-folder.node.ts';
import { esc50 } from './esc50.ts';
import { attributeValues, countsOf } from './scan.test-util.ts';
import { buildScenes } from './scenes-build.node.ts';
import { esc50Scenes, isNearSilent, measuredDevices, planScenes, type SourceSecond, TEST_FOLD } from './scenes-plan.ts';
import { scenes } from './tau.ts';

const RATE = 16_000;
const real = process.env.THRUM_DATA;
/** Numbers of the classes in ESC-50, in the order of `esc50Scenes`. */
const TARGETS = [10, 11, 12, 13, 14, 16, 35, 36, 45, 47];

const root = mkdtempSync(join(tmpdir(), 'thrum-scenes-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const noise = (seed: string, length: number, level = 0.1): Float32Array => {
  const random = createRandom(seed);
  return Float32Array.from({ length }, () => level * random.gaussian());
};

const wav = (samples: Float32Array, sampleRate = RATE) =>
  writeWav({ channels: [samples], sampleRate, name: 'test' }, { bits: 'float32' });

/** An impulse of any height at a place of its own: a device that delays. */
const response = (index: number) => {
  const samples = new Float32Array(16);
  samples[index + 1] = 3 * (index + 1);
  return wav(samples);
};

beforeAll(() => {
  const recordings = TARGETS.flatMap((target) =>
    [1, TEST_FOLD].map((fold): [string, Uint8Array] => {
      const name = `${fold}-${1000 * fold + target}-A-${target}.wav`;
      const samples = noise(name, [10, 16].includes(target) ? 2 * RATE : RATE);
      // Rain of fold 1 ends in its first second.
      if (name === '1-1010-A-10.wav') samples.fill(0, RATE);
      return [name, wav(samples)];
    }),
  );
  writeFiles(join(root, 'esc50'), [...recordings, ['1-7-A-0.wav', wav(noise('dog', RATE))]]);
  writeFiles(
    join(root, 'micirp'),
    measuredDevices.map(({ file }, i) => [file, response(i)]),
  );
});

const sources = { esc50: join(root, 'esc50'), responses: join(root, 'micirp') };

async function built(): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for await (const { path, bytes } of buildScenes(sources)) {
    expect(files.has(path)).toBe(false);
    files.set(path, bytes);
  }
  return files;
}

let first: Map<string, Uint8Array>;
beforeAll(async () => {
  first = await built();
});

describe('isNearSilent', () => {
  it('goes by half of the tenths', () => {
    const second = noise('second', 1000, 0.01);
    expect(isNearSilent(second)).toBe(false);
    expect(isNearSilent(second.slice().fill(0, 0, 400))).toBe(false);
    expect(isNearSilent(second.slice().fill(0, 500))).toBe(true);
    expect(isNearSilent(second.map((value) => value / 100))).toBe(true);
  });
});

describe('planScenes', () => {
  const secondsOf = (scene: string, fold: number, count: number): SourceSecond[] =>
    Array.from({ length: count }, (_, i) => ({
      ...{ scene, location: String(1000 * fold + Math.floor(i / 5)), segment: '0', second: String(i % 5), fold },
    }));
  const plan = planScenes([...secondsOf('rain', 1, 100), ...secondsOf('rain', TEST_FOLD, 3)]);
  const train = plan.filter(({ split }) => split === 'train');

  it('gives every training second one device, in stated shares of every subset', () => {
    expect(countsOf(train.map(({ device }) => device))).toEqual({ a: 70, b: 10, c: 10, s1: 10 });
    const tenth = train.filter((clip) => clip.split === 'train' && clip.subset <= 10);
    expect(countsOf(tenth.map(({ device }) => device))).toEqual({ a: 7, b: 1, c: 1, s1: 1 });
    expect(new Set(train.map(({ location, second }) => `${location} ${second}`)).size).toBe(100);
  });

  it('gives every test second to all devices', () => {
    const test = plan.filter(({ split }) => split === 'test');
    expect(countsOf(test.map(({ device }) => device))).toEqual({ a: 3, b: 3, c: 3, s1: 3, s4: 3, s5: 3, s6: 3 });
  });

  it('deals devices out anew for another seed', () => {
    const again = (seed: number) => planScenes(secondsOf('rain', 1, 30), seed);
    expect(again(0)).toEqual(again(0));
    expect(again(1)).not.toEqual(again(0));
  });

  it('keeps recordings out of training that the test fold has cuts of', () => {
    const shared = { ...secondsOf('rain', 1, 1)[0], location: '5000' };
    const clips = planScenes([shared, ...secondsOf('rain', 1, 10), ...secondsOf('rain', TEST_FOLD, 1)]);
    expect(clips.filter(({ split, location }) => split === 'train' && location === '5000')).toEqual([]);
    expect(clips.filter(({ split }) => split === 'train')).toHaveLength(10);
  });
});

describe('buildScenes', () => {
  it('writes the layout of TAU with clips as devices hear them', async () => {
    const files = first;
    const { samples, problems } = scenes.scan(memoryFolder(files));
    expect(problems).toEqual([]);
    expect(countsOf(samples.map(({ split }) => split))).toEqual({ train: 11, test: 84 });
    expect(attributeValues(samples, 'location')).toHaveLength(20);
    expect([...new Set(samples.map(({ label }) => label))].sort()).toEqual([...esc50Scenes].sort());
    const name = (device: string) => `audio/wind-freesound-5016-0-1-${device}.wav`;
    const heard = async (device: string) => {
      const [{ channels, sampleRate }] = await readRecordings(files.get(name(device)) ?? new Uint8Array());
      expect([channels.length, channels[0].length, sampleRate]).toEqual([1, RATE, RATE]);
      return channels[0];
    };
    const whole = noise('5-5016-A-16.wav', 2 * RATE);
    const step = 2 ** -15;
    // Every device is a delay of its own at the level of the clean one; the second before it is heard too.
    for (const [i, device] of ['a', ...measuredDevices.map((one) => one.device)].entries()) {
      const second = await heard(device);
      for (const t of [0, 1, 500, RATE - 1]) {
        expect(Math.abs(second[t] - 0.5 * whole[RATE + t - i])).toBeLessThan(step);
      }
    }
  });

  it('says how it was made, and is the same for the same seed', async () => {
    const second = await built();
    expect(second.size).toBe(first.size);
    for (const [path, bytes] of first) expect(Buffer.compare(bytes, second.get(path) as Uint8Array), path).toBe(0);
    const readme = new TextDecoder().decode(first.get('README.md'));
    expect(readme).toContain('CC BY-NC 3.0');
    expect(readme).toMatch(/below -60 dB of full scale are left out \(1\)/);
    expect(readme).toContain('- Fold 5 is for testing: every second by every device, 84 clips.');
    for (const { device, file } of measuredDevices) expect(readme).toContain(`| ${device} | ${file} |`);
  });

  it('names what is missing', async () => {
    const begun = (options: typeof sources) => buildScenes(options).next();
    await expect(begun({ ...sources, responses: root })).rejects.toThrow(
      /^buildScenes: expected the responses Shure315_flat\.wav, .* in .*, found none; unpack MicIRP's files there$/,
    );
    await expect(begun({ ...sources, esc50: sources.responses })).rejects.toThrow(
      /^buildScenes: expected recordings of ESC-50 of rain, .*airplane in /,
    );
  });

  it.skipIf(!real)('hears with the real responses, which neither silence nor overload', async () => {
    const levels: Record<string, number[]> = {};
    for await (const { path, bytes } of buildScenes({ ...sources, responses: `${real}/device-ir` })) {
      const [, device] = /wind-.*-(\w+)\.wav$/.exec(path) ?? [];
      if (device === undefined) continue;
      const [{ channels }] = await readRecordings(bytes);
      const power = channels[0].reduce((sum, value) => sum + value * value, 0) / RATE;
      levels[device] = [...(levels[device] ?? []), 10 * Math.log10(power)];
    }
    expect(Object.keys(levels).sort()).toEqual(['a', 'b', 'c', 's1', 's4', 's5', 's6']);
    // White noise at one level about 1 kHz: no device changes its power by more than 12 dB.
    for (const found of Object.values(levels)) {
      for (const level of found) expect(Math.abs(level - 20 * Math.log10(0.05))).toBeLessThan(12);
    }
  });

  it.skipIf(!real)('divides recordings of ESC-50 that are on one side each', () => {
    const { samples } = esc50.scan(listFolder(`${real}/esc50`));
    const own = samples.filter(({ label }) => esc50Scenes.includes(label));
    expect(own).toHaveLength(400);
    const tested = new Set(own.filter(({ fold }) => fold === TEST_FOLD).map(({ take }) => take));
    expect(own.filter(({ fold, take }) => fold !== TEST_FOLD && tested.has(take))).toEqual([]);
  });
});

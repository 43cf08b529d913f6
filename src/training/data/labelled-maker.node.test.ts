import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { maxDifference } from '../../../tests/golden.ts';
import { resample } from '../../signal/resample.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { changeSpeed } from '../../signal/speed.ts';
import { createWavFolder, type WavFolder } from '../../signal/wav-folder.test-util.ts';
import { createLabelledMaker } from './labelled-maker.node.ts';
import type { LabelledCrop, LabelledItem, LabelledSettings } from './labelled-types.ts';

const RATE = 8000;
const SECONDS = 0.05;
const WANTED = RATE * SECONDS;

let folder: WavFolder;
/** Samples of every file by its path. */
const recorded = new Map<string, Float32Array>();
let items: LabelledItem[];

beforeAll(() => {
  folder = createWavFolder();
  // Six of a, three of b, one of c; the last one is shorter than a crop.
  items = ['a', 'a', 'b', 'a', 'b', 'a', 'c', 'a', 'b', 'a'].map((label, i) => {
    const random = createRandom(`file ${i}`);
    const samples = Float32Array.from({ length: i === 9 ? 150 : 2000 + 10 * i }, () => random.uniform(-0.5, 0.5));
    const path = folder.record(`data/${i}.wav`, { channels: [samples], sampleRate: RATE });
    recorded.set(path, samples);
    return { path, label };
  });
});
afterAll(() => folder.remove());

async function crops(
  settings: Partial<LabelledSettings>,
  count: number,
  of = items,
  seed = 1,
): Promise<LabelledCrop[]> {
  const make = createLabelledMaker({ settings: { cropSeconds: SECONDS, ...settings }, seed, items: of });
  const made: LabelledCrop[] = [];
  for (let n = 0; n < count; n++) {
    const { clip, refused } = await make(n);
    expect(refused).toEqual([]);
    made.push(clip);
  }
  return made;
}

/** Where a crop was cut from samples that all differ; -1 where it was not. */
function placeOf(crop: Float32Array, samples: Float32Array): number {
  const start = samples.indexOf(crop[0]);
  const fits = start >= 0 && crop.every((value, i) => value === samples[(start + i) % samples.length]);
  return fits ? start : -1;
}

const counts = (values: readonly (string | number)[]): Record<string, number> => {
  const found: Record<string, number> = {};
  for (const value of values) found[value] = (found[value] ?? 0) + 1;
  return found;
};

describe('createLabelledMaker', () => {
  it('cuts crops of its items from random places, with their labels', async () => {
    const made = await crops({}, 200);
    const places = made.map(({ samples, item, label, sampleRate, speed, classIndex }) => {
      expect([samples.length, sampleRate, speed]).toEqual([WANTED, RATE, 0]);
      expect(label).toBe(items[item].label);
      expect(classIndex).toBe(['a', 'b', 'c'].indexOf(label));
      return placeOf(samples, recorded.get(items[item].path) as Float32Array);
    });
    expect(Math.min(...places)).toBeGreaterThanOrEqual(0);
    expect(new Set(places).size).toBeGreaterThan(150);
    // What is shorter than a crop is repeated from its start.
    expect(places.filter((_, n) => made[n].item === 9).every((place) => place === 0)).toBe(true);
  });

  it('goes through all items in every epoch, or through the labels equally often', async () => {
    const made = await crops({}, 50);
    for (let epoch = 0; epoch < 5; epoch++) {
      const own = made.slice(10 * epoch, 10 * epoch + 10).map(({ item }) => item);
      expect([...own].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
    const balanced = await crops({ balanced: true }, 1000);
    expect(counts(balanced.map(({ label }) => label))).toEqual({ a: 334, b: 333, c: 333 });
    // An item by one over the number of its label.
    const items = counts(balanced.map(({ item }) => item));
    expect([items[6], items[2], items[4], items[8]]).toEqual([333, 111, 111, 111]);
    for (const i of [0, 1, 3, 5, 7, 9]) expect(Math.abs(items[i] - 334 / 6)).toBeLessThan(1);
  });

  it('makes a crop of its number and the seed alone', async () => {
    const settings = {
      gainDecibels: 6,
      noise: { ratio: [0, 20], probability: 0.5 },
      rollProbability: 0.5,
      speeds: { factors: [0.9, 1, 1.1] },
    } as const;
    const made = await crops(settings, 30);
    const make = createLabelledMaker({ settings: { cropSeconds: SECONDS, ...settings }, seed: 1, items });
    for (const n of [29, 3, 11, 3]) expect((await make(n)).clip).toEqual(made[n]);
    expect((await crops(settings, 30, items, 2)).map(({ item }) => item)).not.toEqual(made.map(({ item }) => item));
  });

  it('brings recordings to one rate', async () => {
    const [plain, same] = [await crops({}, 40), await crops({ sampleRate: RATE }, 40)];
    expect(same).toEqual(plain);
    for (const { samples, item, sampleRate } of await crops({ sampleRate: 5000 }, 40)) {
      expect([sampleRate, samples.length]).toEqual([5000, 250]);
      const whole = resample(recorded.get(items[item].path) as Float32Array, RATE, 5000);
      expect(placeOf(samples, whole)).toBeGreaterThanOrEqual(0);
    }
  });

  it('draws speeds uniformly, and cuts as much as it takes', async () => {
    const factors = [0.9, 1, 1.25];
    const made = await crops({ speeds: { factors } }, 300);
    const found = counts(made.map(({ speed }) => speed));
    for (const speed of [0, 1, 2]) expect(Math.abs(found[speed] - 100)).toBeLessThan(30);
    for (const { samples, item, speed } of made.slice(0, 20)) {
      expect(samples.length).toBe(WANTED);
      const whole = recorded.get(items[item].path) as Float32Array;
      if (speed === 1) expect(placeOf(samples, whole)).toBeGreaterThanOrEqual(0);
      else if (item !== 9) {
        // A piece of the whole recording at that speed. It is cut at any sample: 1/1000 of the speed's steps are met.
        const offsets = Array.from({ length: 9 }, (_, i) => changeSpeed(whole.subarray(i), factors[speed]));
        const best = offsets.map((heard) => {
          let least = Number.POSITIVE_INFINITY;
          for (let at = 0; at + WANTED <= heard.length; at++) {
            if (Math.abs(heard[at + 50] - samples[50]) > 1e-3) continue;
            least = Math.min(least, maxDifference(heard.subarray(at, at + WANTED), samples));
          }
          return least;
        });
        expect(Math.min(...best)).toBeLessThan(1e-3);
      }
    }
  });

  it('keeps the pitch where it is asked to', async () => {
    const tone = Float32Array.from({ length: 8000 }, (_, i) => Math.sin((2 * Math.PI * 500 * i) / RATE));
    const path = folder.record('tone.wav', { channels: [tone], sampleRate: RATE });
    const of = [{ path, label: 'tone' }];
    /** Zero crossings of a crop of 0.4 s: 2 · 500 · 0.4 of them at the pitch of the recording. */
    const crossings = ({ samples }: LabelledCrop) =>
      samples.reduce((sum, value, i) => sum + (i > 0 && value > 0 !== samples[i - 1] > 0 ? 1 : 0), 0);
    const at = async (factor: number, keepPitch: boolean) =>
      crossings((await crops({ cropSeconds: 0.4, speeds: { factors: [factor], keepPitch } }, 1, of))[0]);
    for (const factor of [0.8, 1.2]) {
      expect(Math.abs((await at(factor, false)) - 400 * factor)).toBeLessThanOrEqual(2);
      expect(Math.abs((await at(factor, true)) - 400)).toBeLessThanOrEqual(4);
    }
  });

  it('counts speeds as classes of their own', async () => {
    const own = await crops({ speeds: { factors: [0.9, 1, 1.1], ownClass: true } }, 60);
    const shared = await crops({ speeds: { factors: [0.9, 1, 1.1] } }, 60);
    for (const [n, { label, speed, classIndex }] of own.entries()) {
      expect(classIndex).toBe(3 * ['a', 'b', 'c'].indexOf(label) + speed);
      expect(shared[n].classIndex).toBe(['a', 'b', 'c'].indexOf(label));
      expect(shared[n].samples).toEqual(own[n].samples);
    }
  });

  it('changes gain, noise and beginning as it is told, and nothing else', async () => {
    const plain = await crops({}, 100);
    const loud = await crops({ gainDecibels: 20 }, 100);
    const gains = loud.map(({ samples }, n) => samples[7] / plain[n].samples[7]);
    for (const [n, { samples }] of loud.entries()) {
      const scaled = plain[n].samples.map((value) => value * gains[n]);
      expect(maxDifference(samples, scaled)).toBeLessThan(1e-5 * gains[n]);
    }
    const decibels = gains.map((gain) => 20 * Math.log10(gain));
    expect(Math.max(...decibels.map(Math.abs))).toBeLessThan(20.001);
    expect(Math.max(...decibels) - Math.min(...decibels)).toBeGreaterThan(30);

    const rolled = await crops({ rollProbability: 1 }, 100);
    const starts = rolled.map(({ samples, item }, n) => {
      // A repeated recording begins at several places.
      if (item === 9) return -1;
      const start = plain[n].samples.indexOf(samples[0]);
      const expected = plain[n].samples.map((_, i, all) => all[(start + i) % all.length]);
      expect(samples).toEqual(expected);
      return start;
    });
    expect(new Set(starts).size).toBeGreaterThan(50);
    const some = await crops({ rollProbability: 0.3 }, 100);
    const same = some.filter(({ samples }, n) => maxDifference(samples, plain[n].samples) === 0).length;
    expect(Math.abs(same - 70)).toBeLessThan(15);

    const noisy = await crops({ noise: { ratio: [5, 15], probability: 1 } }, 100);
    const ratios = noisy.map(({ samples }, n) => {
      const power = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0);
      const noise = samples.map((value, i) => value - plain[n].samples[i]);
      return 10 * Math.log10(power(plain[n].samples) / power(noise));
    });
    expect(Math.min(...ratios)).toBeGreaterThan(4);
    expect(Math.max(...ratios)).toBeLessThan(16);
    expect(Math.max(...ratios) - Math.min(...ratios)).toBeGreaterThan(8);
    const rarely = await crops({ noise: { ratio: [5, 15], probability: 0.2 } }, 100);
    const clean = rarely.filter(({ samples }, n) => maxDifference(samples, plain[n].samples) === 0).length;
    expect(Math.abs(clean - 80)).toBeLessThan(15);
  });

  it('takes the channel and the recording that an item names', async () => {
    const channels = [1, 2, 3].map((channel) => Float32Array.from({ length: 800 }, (_, i) => channel + (i % 7) / 100));
    const path = folder.record('many.wav', { channels, sampleRate: RATE });
    const heard = async (item: Partial<LabelledItem>) =>
      new Set((await crops({}, 30, [{ path, label: 'x', ...item }])).map(({ samples }) => Math.floor(samples[0])));
    expect(await heard({ channel: 2 })).toEqual(new Set([2]));
    expect(await heard({ record: 0 })).toEqual(new Set([1, 2, 3]));
    await expect(heard({ channel: 4 })).rejects.toThrow('expected channel 4, found 3 counted from 1; name another');
    await expect(heard({ record: 1 })).rejects.toThrow('expected recording 1, found 1 counted from 0; name another');
  });

  it('tells the reader what an item says', async () => {
    const lines = Array.from({ length: 500 }, (_, i) => `${i},${1000 + (i % 9)}`);
    const path = folder.write('table.csv', `speed,force\n${lines.join('\n')}\n`);
    const [crop] = await crops({}, 1, [{ path, label: 'x', read: { sampleRate: 2000, variable: 'force' } }]);
    expect([crop.sampleRate, crop.samples.length]).toEqual([2000, 100]);
    expect(Math.floor(crop.samples[50] / 1000)).toBe(1);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { maxDifference } from '../../../tests/golden.ts';
import { InputError } from '../../signal/errors.ts';
import { readRecordingFile } from '../../signal/read-file.node.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { createWavFolder, type WavFolder } from '../../signal/wav-folder.test-util.ts';
import { cutClip } from './clip.ts';
import { createClipMaker, type MadeClip, type MakerData } from './clip-maker.node.ts';
import { openSource } from './clip-source.node.ts';
import { openClipStream } from './clip-stream.node.ts';
import { clipPlan } from './sampler.ts';
import { simulateClip } from './simulated-clip.ts';
import type { Clip, ClipTruth, FolderSource } from './types.ts';

const simulator = { kind: 'simulator', weight: 1, sampleRates: [4000, 8000] } as const;
const settings = { clipSeconds: 0.05, gainDecibels: 0, speedFactor: 1 };
const seed = 3;
const noResponses = { recorded: [], probability: 0 };

let folder: WavFolder;
beforeAll(() => {
  folder = createWavFolder();
  // Of seven pumps three are recorded more than once; two files say nothing of a pump.
  const names = ['p0 a', 'p1 a', 'p1 b', 'p1 c', 'p2 a', 'p3 a', 'p3 b', 'p4 a', 'p5 a', 'p6 a', 'p6 b', 'x', 'y'];
  for (const name of names) {
    const random = createRandom(name);
    const samples = Float32Array.from({ length: 3000 }, () => random.uniform(-0.5, 0.5));
    folder.record(`data/${name}.wav`, { channels: [samples], sampleRate: 8000 });
  }
});
afterAll(() => folder.remove());

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Where each item first is in its list: lists with the same places tell the same items apart. */
const firsts = (items: readonly unknown[]) => items.map((item) => items.indexOf(item));

async function filesData(changes: Partial<MakerData['settings']>, source: Partial<FolderSource> = {}) {
  const files = { kind: 'files', path: folder.path('data'), weight: 1, ...source } as const;
  const { listed } = await openSource(files);
  return { settings: { ...settings, ...changes }, seed, sources: [listed], responses: noResponses };
}

async function clipsOf(data: MakerData, count: number): Promise<Clip[]> {
  const make = createClipMaker(data);
  const made: MadeClip[] = [];
  for (const n of numbers(count)) made.push(await make(n));
  expect(made.flatMap(({ refused }) => refused)).toEqual([]);
  return made.map(({ clip }) => clip);
}

/** Clips 2u and 2u + 1, for every u. */
const pairs = <T>(items: readonly T[]): [T, T][] =>
  numbers(items.length / 2).map((u) => [items[2 * u], items[2 * u + 1]]);

describe('two views of simulated machines', () => {
  const data = { settings: { ...settings, views: 2 }, seed, sources: [{ ...simulator, items: null }] };
  let clips: Clip[];
  let truths: ClipTruth[];
  beforeAll(async () => {
    clips = await clipsOf({ ...data, responses: noResponses }, 160);
    truths = clips.map(({ truth }) => truth as ClipTruth);
  });

  it('are of one machine with one fault, at another time, load and nearly the same speed', () => {
    for (const [a, b] of pairs(clips)) {
      expect(b.sampleRate).toBe(a.sampleRate);
      expect(b.samples).not.toEqual(a.samples);
    }
    const stateOf = ({ machine, machineSeed, fault, severity }: ClipTruth) => ({
      machine,
      machineSeed,
      fault,
      severity,
    });
    for (const [a, b] of pairs(truths)) {
      expect(stateOf(b)).toEqual(stateOf(a));
      expect(b.load).not.toBe(a.load);
      expect(Math.abs(Math.log(b.speed / a.speed))).toBeLessThan(2 * Math.log(1.1));
    }
    expect(pairs(truths).filter(([a, b]) => a.speed !== b.speed).length).toBeGreaterThan(75);
  });

  it('say so: their thing is the same, and another for every state of every simulator', async () => {
    const things = clips.map(({ thing }) => thing);
    expect(pairs(things).every(([a, b]) => typeof a === 'string' && a === b)).toBe(true);
    expect(new Set(things).size).toBe(80);
    const both = { ...data, sources: [...data.sources, ...data.sources] };
    const mixed = await clipsOf({ ...both, responses: noResponses }, 40);
    expect(firsts(mixed.map(({ thing }) => thing))).toEqual(numbers(40).map((n) => n - (n % 2)));
  });

  it('follow another two of the same individual in a state of its own, then comes another individual', () => {
    const things = pairs(truths).map(([first]) => first);
    for (const [a, b] of pairs(things)) expect([b.machine, b.machineSeed]).toEqual([a.machine, a.machineSeed]);
    expect(new Set(things.map(({ machineSeed }) => machineSeed)).size).toBe(40);
    // Both are normal in a quarter of the cases.
    const differ = pairs(things).filter(([a, b]) => a.fault !== b.fault || a.severity !== b.severity);
    expect(differ.length).toBeGreaterThan(20);
    const rates = pairs(pairs(clips).map(([{ sampleRate }]) => sampleRate));
    expect(rates.every(([a, b]) => a === b)).toBe(true);
    expect(new Set(rates.flat())).toEqual(new Set([4000, 8000]));
  });

  it('take load and speed from one stream, faults from another, and the individual from a third', () => {
    const draws = (take: string) => ({
      individual: createRandom('individual'),
      state: createRandom('state'),
      take: createRandom(take),
    });
    const truthOf = (changes: Partial<ReturnType<typeof draws>>) =>
      simulateClip(simulator, 0.05, { ...draws('a'), ...changes }).truth as ClipTruth;
    const one = truthOf({});
    expect(truthOf({})).toEqual(one);
    const changed = (other: ClipTruth) =>
      (['machineSeed', 'severity', 'load', 'speed'] as const).filter((key) => other[key] !== one[key]);
    expect(changed(truthOf({ take: createRandom('b') }))).toEqual(['load', 'speed']);
    expect(changed(truthOf({ state: createRandom('b') }))).toEqual(['severity', 'speed']);
    expect(changed(truthOf({ individual: createRandom('b') }))).toEqual(['machineSeed']);
  });
});

describe('two views of recordings', () => {
  it('are of one file, at other places, each file once an epoch', async () => {
    const clips = await clipsOf(await filesData({ views: 2 }), 52);
    for (const [a, b] of pairs(clips)) {
      expect(b.source).toBe(a.source);
      expect(b.samples).not.toEqual(a.samples);
    }
    for (const epoch of [clips.slice(0, 26), clips.slice(26)]) {
      expect(new Set(epoch.map(({ source }) => source)).size).toBe(13);
    }
    expect(firsts(clips.map(({ thing }) => thing))).toEqual(firsts(clips.map(({ source }) => source)));
  });

  it('are of files whose names agree, and not always of the same one', async () => {
    const clips = await clipsOf(await filesData({ views: 2 }, { same: '^(p\\d) ' }), 13 * 2 * 6);
    const nameOf = ({ source }: Clip) => source.slice(folder.path('data').length + 1);
    const found = pairs(clips.map(nameOf));
    const thingOf = (name: string) => /^p\d/.exec(name)?.[0] ?? name;
    for (const [a, b] of found) expect(thingOf(b)).toBe(thingOf(a));
    expect(firsts(clips.map(({ thing }) => thing))).toEqual(firsts(clips.map((clip) => thingOf(nameOf(clip)))));
    const several = found.filter(([a]) => /^p[136]/.test(a));
    // 7 of 13 files have others of their thing; two of two or three agree by chance in half or a third of the cases.
    expect(several).toHaveLength(7 * 6);
    const apart = several.filter(([a, b]) => a !== b).length;
    expect(apart).toBeGreaterThan(10);
    expect(apart).toBeLessThan(35);
    expect(new Set(found.flat()).size).toBe(13);
  });

  it('take the first group that takes part in a match', async () => {
    const clips = await clipsOf(await filesData({ views: 2 }, { same: '^(p1) |^(p3) ' }), 13 * 2 * 4);
    const found = pairs(clips.map(({ source }) => source.slice(folder.path('data').length + 1)));
    const apart = found.filter(([a, b]) => a !== b);
    expect(new Set(apart.map((names) => names.map((name) => name.slice(0, 2)).join()))).toEqual(
      new Set(['p1,p1', 'p3,p3']),
    );
    const thingOf = (name: string) => /^p[13]/.exec(name)?.[0] ?? name;
    expect(firsts(clips.map(({ thing }) => thing))).toEqual(firsts(found.flat().map(thingOf)));
  });

  it.each([
    ['of files that are the same', '^(g\\d) '],
    ['of single files', undefined],
  ])('%s are never of two things, where a file of one is broken', async (_, same) => {
    const names = numbers(12).map((i) => `g${i % 4} ${'abc'[i % 3]}`);
    const broken = ['g1 b', 'g2 a'].map((name) => folder.path(`broken/${name}.wav`));
    for (const name of names) folder.simulate(`broken/${name}.wav`, { seed: name });
    folder.write('broken/g1 b.wav', 'RIFF and no more');
    folder.record('broken/g2 a.wav', { channels: [new Float32Array(4000)], sampleRate: 8000 });
    const data = await filesData({ views: 2 }, { path: folder.path('broken'), ...(same && { same }) });
    const make = createClipMaker(data);
    const made: MadeClip[] = [];
    for (const n of numbers(12 * 2 * 12)) made.push(await make(n));
    const nameOf = ({ source }: Clip) => source.slice(folder.path('broken').length + 1);
    const thingOf = (clip: Clip) => (same ? nameOf(clip).slice(0, 2) : nameOf(clip));
    for (const [a, b] of pairs(made)) {
      expect([b.clip.thing, thingOf(b.clip)]).toEqual([a.clip.thing, thingOf(a.clip)]);
      // Whichever view it was that failed.
      expect(b.refused).toEqual(a.refused);
    }
    const clips = made.map(({ clip }) => clip);
    expect(firsts(clips.map(({ thing }) => thing))).toEqual(firsts(clips.map(thingOf)));
    expect(new Set(clips.map(nameOf)).size).toBe(10);
    const refused = made.flatMap((one) => one.refused.map(({ file }) => file));
    expect([...new Set(refused)].sort()).toEqual(broken);
    expect(refused.length).toBeGreaterThan(2 * 12);
  });

  it('have gains of their own', async () => {
    const [plain, loud] = [await filesData({ views: 2 }), await filesData({ views: 2, gainDecibels: 12 })];
    const [before, after] = [await clipsOf(plain, 12), await clipsOf(loud, 12)];
    const gains = after.map(({ samples }, n) => samples[9] / before[n].samples[9]);
    for (const [n, gain] of gains.entries()) {
      expect(
        maxDifference(
          after[n].samples,
          before[n].samples.map((value) => gain * value),
        ),
      ).toBeLessThan(1e-5);
      expect(Math.abs(20 * Math.log10(gain))).toBeLessThan(12);
    }
    expect(new Set(gains.map((gain) => gain.toFixed(3))).size).toBe(12);
  });
});

describe('a single view', () => {
  const mixed = async (changes: Partial<MakerData['settings']>): Promise<MakerData> => {
    const data = await filesData({ gainDecibels: 6, speedFactor: 1.2, ...changes }, { same: '^(p\\d) ' });
    return { ...data, sources: [...data.sources, { ...simulator, items: null }] };
  };

  it('is what there is by default', async () => {
    expect(await clipsOf(await mixed({ views: 1 }), 40)).toEqual(await clipsOf(await mixed({}), 40));
  });

  it('is drawn from the random numbers of its clip alone', async () => {
    const data = await mixed({ views: 1, gainDecibels: 0 });
    const [files] = data.sources;
    const sampled = data.sources.map(({ weight, items }) => ({ weight, count: items?.length ?? null }));
    const clips = await clipsOf(data, 40);
    const kinds = new Set<number>();
    for (const [n, clip] of clips.entries()) {
      const { source, item, random } = clipPlan(n, seed, sampled);
      kinds.add(source);
      if (source === 1) expect(clip).toEqual(simulateClip(simulator, 0.05, random.fork('simulated')));
      else {
        const [recording] = await readRecordingFile(files.items?.[item].file ?? '', {});
        expect(clip).toEqual(cutClip(recording, { clipSeconds: 0.05, speedFactor: 1.2 }, random.fork('try 0')));
      }
    }
    expect(kinds.size).toBe(2);
  });
});

describe('openClipStream', () => {
  it('hands on how many views there are, and of what', async () => {
    const { settings: own, sources } = await filesData({ views: 2 }, { same: '^(p\\d) ' });
    const source = { kind: 'files', path: folder.path('data'), weight: 1, same: '^(p\\d) ' } as const;
    const stream = await openClipStream({ ...own, sources: [source] }, { seed, batch: 26, workers: 0 });
    for await (const { clips } of stream) {
      expect(clips).toEqual(await clipsOf({ settings: own, seed, sources, responses: noResponses }, 26));
      break;
    }
  });

  it.each([0, 1.5, -2])('refuses %d views', async (views) => {
    const spec = { ...settings, views, sources: [simulator] };
    await expect(openClipStream(spec, { seed, batch: 1 })).rejects.toThrow(InputError);
    await expect(openClipStream(spec, { seed, batch: 1 })).rejects.toThrow(
      `openClipStream: expected a whole number of views, got ${views}`,
    );
  });
});

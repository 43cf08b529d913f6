import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Encoder } from '../encoders/types.ts';
import { InputError } from '../signal/errors.ts';
import type { Recording } from '../signal/recording.ts';
import { changeSpeed } from '../signal/speed.ts';
import { createWavFolder, type WavFolder } from '../signal/wav-folder.test-util.ts';
import type { LabelledItem } from './data/labelled-types.ts';
import { type SegmentSetOptions, segmentSets } from './segment-sets.node.ts';

const samplesOf = (seed: number, length: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(i * (1 + seed)) * 0.5);

let folder: WavFolder;
let items: LabelledItem[];
beforeAll(() => {
  folder = createWavFolder();
  const record = (name: string, samples: Float32Array) => folder.record(name, { channels: [samples], sampleRate: 100 });
  items = [
    { path: record('b.wav', samplesOf(1, 70)), label: 'b' },
    { path: record('a.wav', samplesOf(2, 30)), label: 'a' },
    { path: record('long.wav', samplesOf(3, 400)), label: 'b' },
  ];
});
afterAll(() => folder.remove());
let file: string;
let files = 0;
let warnings: string[];
let heard: string[];
beforeEach(() => {
  file = folder.path(`${++files}.safetensors`);
  [warnings, heard] = [[], []];
});

/** Hears pieces of 10 samples: their first and last. */
function listener(fingerprint = 'tuned:1', refuses?: string): Encoder {
  const embed = async ({ channels: [samples], name }: Recording) => {
    heard.push(name);
    if (refuses && name.includes(refuses)) throw new InputError(`${name}: too loud`);
    const count = Math.max(1, Math.floor(samples.length / 10));
    const values = Float32Array.from({ length: 2 * count }, (_, i) => samples[10 * Math.floor(i / 2) + 9 * (i % 2)]);
    const frames = { values, count, width: 2, starts: new Float64Array(count), seconds: 0.1, bands: [] };
    return { vector: Float32Array.of(0), bands: [], frames };
  };
  return { id: 'x', fingerprint, embed, embedMany: async () => [], release: async () => {} };
}
const options = (changes: Partial<SegmentSetOptions> = {}): SegmentSetOptions => ({
  ...{ items, file, warn: (line) => warnings.push(line) },
  ...changes,
});

describe('segmentSets', () => {
  it('hears every recording in order, long ones in parts of 32 segments', async () => {
    const sets = await segmentSets(listener(), options());
    expect(sets.map(({ segments, classIndex }) => [segments, classIndex])).toEqual([
      [7, 1],
      [3, 0],
      [32, 1],
      [8, 1],
    ]);
    const samples = samplesOf(3, 400);
    expect(sets[3].vectors).toEqual(
      Float32Array.from({ length: 16 }, (_, i) => samples[320 + 10 * Math.floor(i / 2) + 9 * (i % 2)]),
    );
    expect(warnings).toEqual([]);
  });

  it('hears every speed, as a class of its own where it is one', async () => {
    const factors = [0.5, 1];
    const own = await segmentSets(
      listener(),
      options({ items: items.slice(0, 2), speeds: { factors, ownClass: true } }),
    );
    // a x0.5, a, b x0.5, b.
    expect(own.map(({ segments, classIndex }) => [segments, classIndex])).toEqual([
      [14, 2],
      [7, 3],
      [6, 0],
      [3, 1],
    ]);
    expect(own[0].vectors[0]).toBe(changeSpeed(samplesOf(1, 70), 0.5, { keepPitch: false })[0]);
    file = folder.path('same.safetensors');
    const same = await segmentSets(listener(), options({ items: items.slice(0, 2), speeds: { factors } }));
    expect(same.map(({ classIndex }) => classIndex)).toEqual([1, 1, 0, 0]);
  });

  it('keeps them in a file, for the encoder that heard them', async () => {
    const done: string[] = [];
    const onItem = (n: number, total: number) => done.push(`${n}/${total}`);
    const first = await segmentSets(listener(), options({ onItem }));
    expect(done).toEqual(['1/3', '2/3', '3/3']);
    heard = [];
    expect(await segmentSets(listener(), options())).toEqual(first);
    expect(heard).toEqual([]);
    await segmentSets(listener('tuned:2'), options());
    expect(heard).toHaveLength(3);
  });

  it('leaves out what cannot be read or heard, with a line each', async () => {
    const silent = folder.record('silent.wav', { channels: [new Float32Array(50)], sampleRate: 100 });
    writeFileSync(folder.path('text.wav'), 'minutes of a meeting\n');
    const more = [
      { path: silent, label: 'a' },
      { path: folder.path('text.wav'), label: 'a' },
      { path: items[0].path, label: 'a', channel: 2 },
    ];
    const sets = await segmentSets(listener('tuned:1', 'long'), options({ items: [...items, ...more] }));
    expect(sets).toHaveLength(2);
    expect(warnings).toEqual([
      expect.stringMatching(/long\.wav: too loud; it is left out$/),
      expect.stringMatching(/silent\.wav: every sample is the same .*; it is left out$/),
      expect.stringMatching(/text\.wav.*; it is left out$/),
      expect.stringMatching(/b\.wav: expected channel 2 of recording 0, found none; name another; it is left out$/),
    ]);
    await expect(segmentSets(listener('tuned:1', '.wav'), options({ file: folder.path('none') }))).rejects.toThrow(
      /^finetune: none of 3 recordings could be heard; see above$/,
    );
  });

  it('says what is wrong with its file', async () => {
    await segmentSets(listener(), options());
    writeFileSync(file, readFileSync(file).subarray(0, 60));
    await expect(segmentSets(listener(), options())).rejects.toThrow(InputError);
    await expect(segmentSets(listener(), options({ file: folder.path('no/folder/x') }))).rejects.toThrow(
      /^finetune: cannot write .*; mend that, then resume the run$/,
    );
  });
});

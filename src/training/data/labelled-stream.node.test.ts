import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import { createWavFolder, type WavFolder, wavWithBadSample } from '../../signal/wav-folder.test-util.ts';
import type { ClipStreamOptions } from './clip-pool.node.ts';
import { type LabelledBatch, openLabelledStream } from './labelled-stream.node.ts';
import type { LabelledItem, LabelledSpec } from './labelled-types.ts';

let folder: WavFolder;
let spec: LabelledSpec;

/** Simulated recordings `folder/0.wav`, …, of labels in turn. */
function record(name: string, labels: readonly string[]): LabelledItem[] {
  return labels.map((label, i) => ({ path: folder.simulate(`${name}/${i}.wav`, { seed: i }), label }));
}

beforeAll(() => {
  folder = createWavFolder();
  spec = {
    items: record('good', ['b', 'a', 'a', 'b', 'a', 'b', 'a']),
    cropSeconds: 0.1,
    gainDecibels: 6,
    noise: { ratio: [0, 20], probability: 0.5 },
    rollProbability: 0.5,
    speeds: { factors: [0.9, 1], ownClass: true },
  };
});
afterAll(() => folder.remove());

async function take(of: LabelledSpec, options: ClipStreamOptions, count: number) {
  const stream = await openLabelledStream(of, options);
  const batches: LabelledBatch[] = [];
  for await (const batch of stream) {
    batches.push(batch);
    if (batches.length === count) break;
  }
  return { batches, crops: batches.flatMap(({ clips }) => clips), warnings: stream.warnings, classes: stream.classes };
}

const inline = { seed: 3, batch: 8, workers: 0 };

describe('openLabelledStream', () => {
  it('gives numbered batches and the names of the classes', async () => {
    const { batches, crops, warnings, classes } = await take(spec, inline, 5);
    expect(batches.map(({ first, clips }) => [first, clips.length])).toEqual([0, 8, 16, 24, 32].map((n) => [n, 8]));
    expect(classes).toEqual(['a x0.9', 'a', 'b x0.9', 'b']);
    expect(new Set(crops.map(({ classIndex }) => classIndex))).toEqual(new Set([0, 1, 2, 3]));
    for (const { label, speed, classIndex } of crops) expect(classes[classIndex]).toBe(label + [' x0.9', ''][speed]);
    expect(warnings).toEqual([]);
  });

  it('goes on where another stream stopped', async () => {
    const { crops } = await take(spec, inline, 5);
    const later = await take(spec, { ...inline, from: 13, batch: 5, stride: 6 }, 3);
    expect(later.crops).toEqual([13, 19, 25].flatMap((first) => crops.slice(first, first + 5)));
  });

  it('puts the next recording of the same label in place of a bad one, and says so once', async () => {
    const items = record('some', ['a', 'a', 'b', 'b', 'b', 'a']);
    const data: LabelledSpec = { items, cropSeconds: 0.1 };
    const good = await take(data, inline, 6);
    folder.write('some/1.wav', 'RIFF and no more');
    folder.record('some/2.wav', { channels: [new Float32Array(4000)], sampleRate: 8000 });
    folder.write('some/3.wav', wavWithBadSample(new Float32Array(4000).fill(0.5), 8000, 2000, Number.NaN));
    for (const balanced of [false, true]) {
      const bad = await take({ ...data, balanced }, inline, 6);
      expect(bad.warnings).toHaveLength(3);
      expect(bad.warnings).toContain(
        `${items[2].path}: expected a signal, found only the value 0; repair the recording or leave it out`,
      );
      expect(bad.warnings.every((line) => /some.[123]\.wav/.test(line) && !line.includes('\n'))).toBe(true);
      expect(new Set(bad.crops.map(({ item }) => item))).toEqual(new Set([0, 4, 5]));
      expect(bad.crops.every(({ label, item }) => items[item].label === label)).toBe(true);
      expect(bad.crops.every(({ samples }) => samples.every(Number.isFinite))).toBe(true);
      if (balanced) continue;
      for (const [i, crop] of good.crops.entries()) {
        if ([0, 4, 5].includes(crop.item)) expect(bad.crops[i]).toEqual(crop);
        else expect(bad.crops[i].label).toBe(crop.label);
      }
    }
  });

  it('ends with bad input when no recording of a label can be used', async () => {
    const items = record('dead', ['a', 'b', 'b', 'a']);
    folder.write('dead/1.wav', 'RIFF');
    folder.record('dead/2.wav', { channels: [new Float32Array(4000)], sampleRate: 8000 });
    const failing = take({ items, cropSeconds: 0.1 }, inline, 1);
    await expect(failing).rejects.toThrow(InputError);
    await expect(failing).rejects.toThrow(
      /^openLabelledStream: expected a readable recording of b among 2, found none; the last one: .*dead.[12]\.wav.*$/,
    );
  });

  it('refuses what cannot be learned from before anything is read', async () => {
    const refused = (change: Partial<LabelledSpec>, options: Partial<ClipStreamOptions> = {}) =>
      expect(openLabelledStream({ ...spec, ...change }, { ...inline, ...options })).rejects;
    const [item] = spec.items;
    await refused({ items: [] }).toThrow('openLabelledStream: expected labelled recordings, got none');
    await refused({ items: [item, item], speeds: undefined }).toThrow(
      'openLabelledStream: expected at least two classes, got 2 recordings of b alone; add others, or speeds that are classes of their own',
    );
    await expect(openLabelledStream({ ...spec, items: [item] }, inline)).resolves.toMatchObject({
      classes: ['b x0.9', 'b'],
    });
    await refused({ items: [item, { ...item, label: '' }] }).toThrow(`expected a label of ${item.path}, got none`);
    await refused({ cropSeconds: 0 }).toThrow('cropSeconds above 0, got 0');
    await refused({ sampleRate: 10 }).toThrow('a sampleRate of at least 100 Hz, got 10');
    await refused({ sampleRate: 100, cropSeconds: 0.01 }).toThrow('crops of at least 2 samples, got 1');
    await refused({ gainDecibels: -1 }).toThrow('gainDecibels from 0 to 120, got -1');
    await refused({ rollProbability: 2 }).toThrow('rollProbability from 0 to 1, got 2');
    await refused({ noise: { ratio: [9, 3], probability: 1 } }).toThrow(
      'a ratio of noise from -120 to 120 dB, got 9 to 3',
    );
    await refused({ noise: { ratio: [3, 9], probability: Number.NaN } }).toThrow('from 0 to 1, got NaN');
    const speeds = 'different speeds from 0.1 to 10 in whole thousandths, got';
    await refused({ speeds: { factors: [] } }).toThrow(`${speeds} none`);
    await refused({ speeds: { factors: [1, 1] } }).toThrow(`${speeds} 1, 1`);
    await refused({ speeds: { factors: [0.9, 1.00005] } }).toThrow(`${speeds} 0.9, 1.00005`);
    await refused({ speeds: { factors: [3], keepPitch: true } }).toThrow('from 0.5 to 2 in whole thousandths, got 3');
    const labels = Array.from({ length: 1001 }, (_, i) => ({ ...item, label: `${i}` }));
    await refused({ items: labels, balanced: true }).toThrow('at most 1000 labels to be balanced, got 1001');
    await refused({}, { batch: 0 }).toThrow('openLabelledStream: expected batch to be a whole number from 1 on, got 0');
  });
});

const built = fileURLToPath(new URL('../../../dist/training/data/clip-worker.node.js', import.meta.url));

describe.skipIf(!existsSync(built))('openLabelledStream on worker threads', () => {
  it('gives the same crops and warnings on any number of threads', async () => {
    const items = [...spec.items, { path: folder.write('bad.wav', 'RIFF'), label: 'a' }];
    const wanted = await take({ ...spec, items }, inline, 4);
    for (const workers of [1, 3]) {
      const found = await take({ ...spec, items }, { ...inline, workers }, 4);
      expect(found.batches).toEqual(wanted.batches);
      expect(found.warnings).toEqual(wanted.warnings);
    }
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { createWavFolder, type WavFolder } from '../../signal/wav-folder.test-util.ts';
import { findNearDuplicates } from './near-duplicates.node.ts';
import { simulateClip } from './simulated-clip.ts';

let folder: WavFolder;
beforeAll(() => {
  folder = createWavFolder();
});
afterAll(() => folder.remove());

const sampleRate = 8000;
const machine = (seed: number): Float32Array =>
  simulateClip({ kind: 'simulator', weight: 1, sampleRates: [sampleRate] }, 1, createRandom(seed)).samples;
const write = (name: string, samples: Float32Array, rate = sampleRate) =>
  folder.record(name, { channels: [samples], sampleRate: rate });

/** A little noise, 60 dB below the signal. */
function touched(samples: Float32Array): Float32Array {
  const random = createRandom('touch');
  const power = samples.reduce((sum, value) => sum + value * value, 0) / samples.length;
  return samples.map((value) => value + 1e-3 * Math.sqrt(power) * random.gaussian());
}

describe('findNearDuplicates', () => {
  it('keeps the first of files that are the same or nearly so', async () => {
    const [a, b, c] = [write('a.wav', machine(1)), write('b.wav', machine(2)), write('c.wav', machine(3))];
    const again = write('again.wav', machine(1));
    const cut = write('cut.wav', machine(2).slice(700));
    const noisy = write('noisy.wav', touched(machine(3)));
    const { kept, dropped, refused } = await findNearDuplicates([a, again, b, cut, c, noisy, a], { workers: 0 });
    expect(kept).toEqual([a, b, c]);
    expect(dropped.map(({ file, repeats }) => [file, repeats])).toEqual([
      [again, a],
      [cut, b],
      [noisy, c],
    ]);
    expect(dropped[0].similarity).toBeCloseTo(1, 12);
    for (const { similarity } of dropped.slice(1)) expect(similarity > 0.999 && similarity < 1).toBe(true);
    expect(refused).toEqual([]);
  });

  it('finds repetitions across blocks, in the order of the files', async () => {
    // Tones apart from each other, each of them twice: the second far behind the first.
    const tone = (i: number) =>
      Float32Array.from({ length: 400 }, (_, t) => Math.sin(2 * Math.PI * (100 + 23 * i) * (t / sampleRate)));
    const names = Array.from({ length: 300 }, (_, i) => `tones/${String(i).padStart(3, '0')}.wav`);
    const files = names.map((name, i) => write(name, tone(i % 150)));
    const { kept, dropped } = await findNearDuplicates(files, { workers: 0, threshold: 1 });
    expect(kept).toEqual(files.slice(0, 150));
    expect(dropped.map(({ file, repeats }) => [file, repeats])).toEqual(
      files.slice(150).map((file, i) => [file, files[i]]),
    );
  });

  it('drops more at a lower threshold', async () => {
    const files = [11, 12, 13, 14].map((seed) => write(`low/${seed}.wav`, machine(seed)));
    expect((await findNearDuplicates(files, { workers: 0 })).kept).toEqual(files);
    expect((await findNearDuplicates(files, { workers: 0, threshold: -0.999 })).kept).toEqual(files.slice(0, 1));
  });

  it('compares only what has one rate, and says which files it cannot hear', async () => {
    const slow = write('slow.wav', machine(1), 4000);
    const [fast, bad] = [write('fast.wav', machine(1)), folder.write('bad.wav', 'RIFF')];
    const { kept, dropped, refused } = await findNearDuplicates([bad, slow, fast], { workers: 0 });
    expect([kept, dropped]).toEqual([[slow, fast], []]);
    expect(refused).toEqual([{ file: bad, message: expect.stringContaining('bad.wav') }]);
    expect(await findNearDuplicates([bad], { workers: 0 })).toMatchObject({ kept: [], dropped: [] });
  });

  it('refuses a threshold that means nothing', async () => {
    await expect(findNearDuplicates([], { threshold: 1.5 })).rejects.toThrow(InputError);
    await expect(findNearDuplicates([], { threshold: -1 })).rejects.toThrow(
      'findNearDuplicates: expected a threshold above -1 and up to 1, got -1',
    );
  });
});

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { createWavFolder, type WavFolder } from '../../signal/wav-folder.test-util.ts';
import { type ClipBatch, type ClipStreamOptions, openClipStream } from './clip-stream.node.ts';
import type { DataSpec } from './types.ts';

let folder: WavFolder;
let spec: DataSpec;
beforeAll(() => {
  folder = createWavFolder();
  const noise = (name: string, samples: number, sampleRate: number) => {
    const random = createRandom(name);
    const channels = [0, 1].map(() => Float32Array.from({ length: samples }, () => random.uniform(-0.5, 0.5)));
    return folder.record(name, { channels, sampleRate });
  };
  for (let i = 0; i < 6; i++) noise(`data/${i}.wav`, 900 + 400 * i, i % 2 === 0 ? 8000 : 12_000);
  const decay = Float32Array.from({ length: 200 }, (_, t) => Math.cos(t / 3) * Math.exp(-t / 40));
  folder.record('responses/one.wav', { channels: [decay], sampleRate: 44_100 });
  folder.record('responses/two.wav', { channels: [Float32Array.of(0, 1, -0.5, 0.2)], sampleRate: 10_000 });
  spec = {
    sources: [
      { kind: 'files', path: folder.path('data'), weight: 2 },
      { kind: 'simulator', weight: 1, sampleRates: [8000] },
    ],
    clipSeconds: 0.1,
    responses: { path: folder.path('responses'), probability: 0.5 },
    gainDecibels: 6,
    speedFactor: 1.2,
  };
});
afterAll(() => folder.remove());

async function take(of: DataSpec, options: ClipStreamOptions, count: number) {
  const stream = await openClipStream(of, options);
  const batches: ClipBatch[] = [];
  for await (const batch of stream) {
    batches.push(batch);
    if (batches.length === count) break;
  }
  return { batches, clips: batches.flatMap(({ clips }) => clips), warnings: stream.warnings };
}

const inline = { seed: 3, batch: 8, workers: 0 };

describe('openClipStream', () => {
  it('gives numbered batches of whole clips from all sources', async () => {
    const { batches, clips, warnings } = await take(spec, inline, 5);
    expect(batches.map(({ first, clips }) => [first, clips.length])).toEqual([0, 8, 16, 24, 32].map((n) => [n, 8]));
    for (const { samples, sampleRate } of clips) {
      expect(samples.length).toBe(sampleRate / 10);
      expect(samples.every(Number.isFinite)).toBe(true);
    }
    const simulated = clips.filter(({ truth }) => truth !== undefined);
    expect(simulated.length).toBeGreaterThan(5);
    expect(simulated.length).toBeLessThan(25);
    expect(new Set(clips.filter(({ truth }) => !truth).map(({ source }) => source)).size).toBe(6);
    expect(warnings).toEqual([]);
  });

  it('goes on where another stream stopped, in the middle of a batch or an epoch', async () => {
    const { clips } = await take(spec, inline, 5);
    const later = await take(spec, { ...inline, from: 13, batch: 5 }, 3);
    expect(later.batches.map(({ first }) => first)).toEqual([13, 18, 23]);
    expect(later.clips).toEqual(clips.slice(13, 28));
    const other = await take(spec, { ...inline, seed: 4 }, 5);
    expect(other.clips.map(({ source }) => source)).not.toEqual(clips.map(({ source }) => source));
  });

  it('leaves the clips of others out', async () => {
    const { clips } = await take(spec, inline, 5);
    const share = await take(spec, { ...inline, from: 3, batch: 3, stride: 10 }, 3);
    expect(share.batches.map(({ first }) => first)).toEqual([3, 13, 23]);
    expect(share.clips).toEqual([3, 13, 23].flatMap((first) => clips.slice(first, first + 3)));
  });

  it('changes samples by gain, responses and speed, but not which clips there are', async () => {
    const bare = { ...spec, responses: undefined, gainDecibels: 0, speedFactor: 1 };
    const plain = await take(bare, inline, 4);
    const loud = await take({ ...bare, gainDecibels: 20 }, inline, 4);
    const heard = await take({ ...bare, responses: { path: folder.path('responses'), probability: 1 } }, inline, 4);
    const sources = plain.clips.map(({ source }) => source);
    expect([loud, heard].map(({ clips }) => clips.map(({ source }) => source))).toEqual([sources, sources]);
    for (const [i, { samples }] of plain.clips.entries()) {
      const factor = loud.clips[i].samples[5] / samples[5];
      expect(factor > 0.1 && factor < 10).toBe(true);
      for (const [k, value] of samples.entries()) {
        expect(Math.abs(loud.clips[i].samples[k] - factor * value)).toBeLessThan(1e-5 * factor);
      }
      expect(heard.clips[i].samples).not.toEqual(samples);
    }
  });

  it('uses no response of a lower rate than the clip', async () => {
    const bare = { ...spec, sources: spec.sources.slice(0, 1), gainDecibels: 0, speedFactor: 1, responses: undefined };
    const responses = { path: folder.path('responses/two.wav'), probability: 1 };
    const [plain, heard] = [await take(bare, inline, 3), await take({ ...bare, responses }, inline, 3)];
    const same = plain.clips.map(({ samples }, i) => samples.every((value, k) => value === heard.clips[i].samples[k]));
    expect(same).toEqual(plain.clips.map(({ sampleRate }) => sampleRate > 10_000));
    expect(new Set(same).size).toBe(2);
  });

  it('puts the next file in place of a bad one, and says so once', async () => {
    for (let i = 0; i < 4; i++) folder.simulate(`some/${i}.wav`, { seed: i });
    const before = folder.path('some/0.wav');
    const data: DataSpec = { ...spec, sources: [{ kind: 'files', path: folder.path('some'), weight: 1 }] };
    const good = await take(data, inline, 3);
    folder.write('some/1.wav', 'RIFF and no more');
    folder.record('some/2.wav', { channels: [new Float32Array(4000)], sampleRate: 8000 });
    const bad = await take(data, inline, 3);
    expect(bad.warnings.map((line) => line.match(/\d\.wav/)?.[0]).sort()).toEqual(['1.wav', '2.wav']);
    const [unreadable, silent] = [folder.path('some/1.wav'), folder.path('some/2.wav')];
    expect(bad.warnings).toContain(
      `${silent}: expected a signal, found only the value 0; repair the recording or leave it out`,
    );
    expect(bad.warnings.some((line) => line.includes(unreadable))).toBe(true);
    // Where a good file stood, it still stands, with the same samples.
    for (const [i, clip] of good.clips.entries()) {
      if ([unreadable, silent].includes(clip.source)) expect([unreadable, silent]).not.toContain(bad.clips[i].source);
      else expect(bad.clips[i]).toEqual(clip);
    }
    expect(bad.clips.some(({ source }) => source === before)).toBe(true);
    expect((await take(data, { ...inline, from: 9 }, 1)).clips).toEqual(bad.clips.slice(9, 17));
  });

  it('leaves bad responses out', async () => {
    folder.record('few/good.wav', { channels: [Float32Array.of(1, 0.5)], sampleRate: 44_100 });
    folder.record('few/silent.wav', { channels: [new Float32Array(4)], sampleRate: 44_100 });
    const few = { ...spec, responses: { path: folder.path('few'), probability: 1 } };
    expect((await take(few, inline, 1)).warnings).toEqual([
      `${folder.path('few/silent.wav')}: expected an impulse response, found a constant`,
    ]);
    const none = { ...spec, responses: { path: folder.path('few/silent.wav'), probability: 1 } };
    await expect(openClipStream(none, inline)).rejects.toThrow(InputError);
  });

  it('ends with bad input when no file of a source can be used', async () => {
    folder.write('dead/a.wav', 'RIFF');
    folder.record('dead/b.wav', { channels: [new Float32Array(4000)], sampleRate: 8000 });
    const dead: DataSpec = { ...spec, sources: [{ kind: 'files', path: folder.path('dead'), weight: 1 }] };
    await expect(take(dead, inline, 1)).rejects.toThrow(
      'openClipStream: expected a readable recording among 2, found none',
    );
    await expect(take(dead, inline, 1)).rejects.toThrow(InputError);
  });

  it('ends when it is closed', async () => {
    const stream = await openClipStream(spec, inline);
    const seen: number[] = [];
    for await (const { first } of stream) {
      seen.push(first);
      if (seen.length === 2) await stream.close();
    }
    expect(seen).toEqual([0, 8]);
    for await (const _ of stream) expect.unreachable();
  });

  it('refuses settings out of range before anything is made', async () => {
    const refused = (change: Partial<DataSpec>, options: Partial<ClipStreamOptions> = {}) =>
      expect(openClipStream({ ...spec, ...change }, { ...inline, ...options })).rejects;
    await refused({ clipSeconds: 0 }).toThrow('openClipStream: expected clipSeconds above 0, got 0');
    await refused({ gainDecibels: -1 }).toThrow('gainDecibels from 0 to 120, got -1');
    await refused({ speedFactor: 0.5 }).toThrow('speedFactor from 1 to 10, got 0.5');
    await refused({ responses: { path: '.', probability: 2 } }).toThrow('from 0 to 1, got 2');
    await refused({ sources: [] }).toThrow('clipPlan: expected 1 to 1000 sources, got 0');
    await refused({}, { batch: 0 }).toThrow('expected batch to be a whole number from 1 on, got 0');
    await refused({}, { stride: 0 }).toThrow('expected stride to be a whole number from 1 on, got 0');
    await refused({}, { workers: 1.5 }).toThrow(InputError);
    await refused({ sources: [{ kind: 'files', path: folder.path('nowhere'), weight: 1 }] }).toThrow(InputError);
  });
});

const built = fileURLToPath(new URL('../../../dist/training/data/clip-worker.node.js', import.meta.url));

describe.skipIf(!existsSync(built))('openClipStream on worker threads', () => {
  it('gives the same clips and warnings on any number of threads', async () => {
    for (let i = 0; i < 3; i++) folder.simulate(`mixed/${i}.wav`, { seed: i });
    folder.write('mixed/bad.wav', 'RIFF');
    const files = { kind: 'files', path: folder.path('mixed'), weight: 1 } as const;
    const data: DataSpec = { ...spec, sources: [...spec.sources, files] };
    const wanted = await take(data, inline, 4);
    const share = await take(data, { ...inline, stride: 20 }, 3);
    for (const workers of [1, 3]) {
      const threads = { workers, ahead: workers - 1 };
      const found = await take(data, { ...inline, ...threads }, 4);
      expect(found.batches).toEqual(wanted.batches);
      expect(found.warnings).toEqual(wanted.warnings);
      expect((await take(data, { ...inline, ...threads, stride: 20 }, 3)).batches).toEqual(share.batches);
    }
  });

  it('hands bad input over, and ends when it is closed', async () => {
    folder.write('dead/a.wav', 'RIFF');
    const dead: DataSpec = { ...spec, sources: [{ kind: 'files', path: folder.path('dead/a.wav'), weight: 1 }] };
    await expect(take(dead, { ...inline, workers: 2 }, 1)).rejects.toThrow(InputError);
    const stream = await openClipStream(spec, { ...inline, workers: 2 });
    const iterator = stream[Symbol.asyncIterator]();
    expect((await iterator.next()).value.first).toBe(0);
    const pending = iterator.next();
    await stream.close();
    const { done, value } = await pending;
    expect(done === true || value.first === 8).toBe(true);
    expect((await iterator.next()).done).toBe(true);
  });
});

const recordings = process.env.THRUM_DATA ?? '';

describe.skipIf(!process.env.THRUM_DATA)('openClipStream on real recordings', () => {
  it('hears Ogg and FLAC files through real devices', async () => {
    const real: DataSpec = {
      sources: [
        { kind: 'files', path: join(recordings, 'esc50'), weight: 1, include: '^1-1' },
        { kind: 'files', path: join(recordings, 'fsdd'), weight: 1, include: '_theo_1' },
      ],
      clipSeconds: 2,
      responses: { path: join(recordings, 'device-ir'), probability: 1 },
      gainDecibels: 0,
      speedFactor: 1,
    };
    const { clips, warnings } = await take(real, { seed: 1, batch: 12, workers: 0 }, 1);
    expect(warnings).toEqual([]);
    expect(new Set(clips.map(({ sampleRate }) => sampleRate))).toEqual(new Set([8000, 16_000]));
    expect(clips.every(({ samples, sampleRate }) => samples.length === 2 * sampleRate)).toBe(true);
    expect(clips.every(({ samples }) => samples.every(Number.isFinite))).toBe(true);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError, inputMessage } from '../signal/errors.ts';
import { writeWav } from '../signal/readers/wav-write.ts';
import type { Recording } from '../signal/recording.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { chooseRecordings, type EmbedJob, embedFile } from './embed-file.node.ts';
import { embedFiles } from './embed-pool.node.ts';
import { createSpectral, spectralSettings } from './spectral.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const encoder = createSpectral('spectral', spectralSettings.spectral);
const jobFor = (path: string): EmbedJob => ({
  path,
  read: {},
  preparation: { channel: 0, segmentSeconds: null },
  detail: 'none',
});

function wav(name: string, samples: number): string {
  const random = createRandom(name);
  const channels = [Float32Array.from({ length: samples }, () => random.uniform(-0.5, 0.5))];
  writeFileSync(join(folder, name), writeWav({ channels, sampleRate: 8000, name }));
  return join(folder, name);
}

describe('chooseRecordings', () => {
  const records = Array.from(
    { length: 10 },
    (_, i): Recording => ({
      channels: [Float32Array.of(i)],
      sampleRate: 1,
      name: `run.mat#${i}`,
    }),
  );
  const numbers = (from: number, to: number) =>
    chooseRecordings(records, { from, to, unit: '%' }).chosen.map(({ channels }) => channels[0][0]);

  it('takes percent of several records for some of them', () => {
    expect(numbers(0, 50)).toEqual([0, 1, 2, 3, 4]);
    expect(numbers(50, 100)).toEqual([5, 6, 7, 8, 9]);
    expect(numbers(24, 36)).toEqual([2, 3]);
    expect(chooseRecordings(records, { from: 0, to: 50, unit: '%' }).part).toBeUndefined();
  });

  it('leaves a part in seconds, and any part of one record, to each record', () => {
    const seconds = { from: 1, to: 2, unit: 's' } as const;
    expect(chooseRecordings(records, seconds)).toEqual({ chosen: records, part: seconds });
    const percent = { from: 0, to: 10, unit: '%' } as const;
    expect(chooseRecordings(records.slice(0, 1), percent)).toEqual({ chosen: [records[0]], part: percent });
    expect(chooseRecordings(records, undefined).chosen).toBe(records);
  });

  it('refuses a part with none of them', () => {
    expect(() => numbers(41, 44)).toThrow(InputError);
    expect(() => numbers(41, 44)).toThrow('run.mat#0: none of 10 records lie between 41 and 44 %; change --part');
  });
});

describe('embedFile', () => {
  it('embeds what it can, and reports what it cannot', async () => {
    const good = await embedFile(encoder, jobFor(wav('good.wav', 800)));
    expect([good.recordings.length, good.failures]).toEqual([1, []]);
    expect(good.recordings[0]).toMatchObject({ name: join(folder, 'good.wav'), durationSeconds: 0.1 });
    const short = await embedFile(encoder, jobFor(wav('short.wav', 50)));
    expect(short.recordings).toEqual([]);
    expect(short.failures).toEqual([
      { file: join(folder, 'short.wav'), message: expect.stringMatching(/^spectral: expected at least 0\.01 s/) },
    ]);
    const missing = await embedFile(encoder, jobFor(join(folder, 'missing.wav')));
    expect(missing).toEqual({
      path: join(folder, 'missing.wav'),
      recordings: [],
      failures: [{ file: join(folder, 'missing.wav'), message: expect.stringContaining('missing.wav') }],
    });
  });

  it('does not take a fault of the program for bad input', async () => {
    const broken = { ...encoder, embedMany: () => Promise.reject(new TypeError('a bug')) };
    await expect(embedFile(broken, jobFor(wav('fine.wav', 800)))).rejects.toThrow(TypeError);
    expect(() => inputMessage(new RangeError('a bug'))).toThrow(RangeError);
    expect(inputMessage(new InputError('bad'))).toBe('bad');
  });
});

describe('embedFiles on this thread', () => {
  it('gives the results in order, and stops when nobody asks for more', async () => {
    const paths = [wav('a.wav', 900), join(folder, 'none.wav'), wav('b.wav', 1000)];
    const seen: [string, number, number][] = [];
    for await (const { path, recordings, failures } of embedFiles({ encoder: 'spectral' }, paths.map(jobFor), {
      workers: 0,
    })) {
      seen.push([path, recordings.length, failures.length]);
    }
    expect(seen).toEqual([
      [paths[0], 1, 0],
      [paths[1], 0, 1],
      [paths[2], 1, 0],
    ]);
    let first: string | undefined;
    for await (const { path } of embedFiles({ encoder: 'spectral' }, paths.map(jobFor), { workers: 0 })) {
      first = path;
      break;
    }
    expect(first).toBe(paths[0]);
  });
});

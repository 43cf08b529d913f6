import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../signal/errors.ts';
import { createWavFolder } from '../signal/wav-folder.test-util.ts';
import type { Detector } from './detector.ts';
import { fitFiles } from './fit-files.node.ts';
import { type FileResult, type ScoreFilesOptions, scoreFiles } from './score-files.node.ts';
import { scoreShards } from './score-shards.node.ts';
import { isSharded, openShards, preparedBytes, writeShards } from './shards.node.ts';

const sounds = createWavFolder();
const place = mkdtempSync(join(tmpdir(), 'thrum-shards-'));
afterAll(() => {
  sounds.remove();
  rmSync(place, { recursive: true, force: true });
});

const encoder = { encoder: 'spectral' };
const options: ScoreFilesOptions = { encoder, read: {}, workers: 0 };
const machines = ['fan-2', 'pump.7', 'press_1', 'mill'];
const detectors = new Map<string, Detector>();
const fresh = new Map<string, string[]>();
const folder = join(place, 'plant');

beforeAll(async () => {
  const shards = writeShards(folder);
  for (const [m, machine] of machines.entries()) {
    const normal = Array.from({ length: 4 + m }, (_, i) =>
      sounds.simulate(`${machine}/n${i}.wav`, { seed: 100 * m + i }),
    );
    fresh.set(
      machine,
      [0, 1].map((i) => sounds.simulate(`${machine}/f${i}.wav`, { seed: 900 + 10 * m + i })),
    );
    const preparation = { channel: 0, segmentSeconds: m % 2 ? 0.25 : null };
    const { detector } = await fitFiles(normal, { encoder, read: {}, preparation, settings: {}, workers: 0 });
    detectors.set(machine, detector);
    await shards.add(machine, detector);
  }
  expect(isSharded(folder)).toBe(false);
  expect(shards.finish()).toEqual({ machines: 4 });
});

const all = async (results: AsyncIterable<FileResult>): Promise<FileResult[]> => {
  const list: FileResult[] = [];
  for await (const result of results) list.push(result);
  return list;
};
const machineOf = (path: string) => machines.find((machine) => path.includes(`/${machine}/`));

describe('openShards', () => {
  it('scores as the detector of each machine does, with no more in memory than it was given', async () => {
    const least = Math.max(
      ...[...openShards(folder).machines].map(([machine, { bytes }]) =>
        preparedBytes(detectors.get(machine) as Detector, bytes),
      ),
    );
    const shards = openShards(folder, { maxBytes: least });
    expect(shards.held()).toBe(0);
    // One file of each machine in turn.
    const paths = [0, 1].flatMap((i) => machines.map((machine) => fresh.get(machine)?.[i] ?? ''));
    const results: FileResult[] = [];
    for await (const result of scoreShards([...paths, '/elsewhere/x.wav'], shards, machineOf, options)) {
      expect(shards.held()).toBeLessThanOrEqual(least);
      results.push(result);
    }
    const expected = new Map<string, FileResult>();
    for (const [machine, detector] of detectors) {
      for await (const result of scoreFiles(fresh.get(machine) ?? [], detector, options))
        expected.set(result.path, result);
    }
    const [unknown, ...scored] = results;
    expect(unknown.failures[0].message).toMatch(/no machine is named for it/);
    expect(scored).toHaveLength(8);
    for (const result of scored) expect(result).toEqual(expected.get(result.path));
  });

  it('reads a machine when it is asked for, once while there is room', async () => {
    const shards = openShards(folder);
    const first = await shards.detector('mill');
    expect(shards.held()).toBe(preparedBytes(first, shards.machines.get('mill')?.bytes ?? 0));
    expect(await shards.detector('mill')).toBe(first);
    expect(first.entries).toEqual(detectors.get('mill')?.entries);
    await expect(shards.detector('none')).rejects.toThrow(/has no machine none/);
    await expect(shards.detector('__proto__')).rejects.toThrow(InputError);
  });

  it('refuses files that are not as the index says, and leaves the other machines', async () => {
    const copy = join(place, 'copy');
    const shards = writeShards(copy);
    for (const [machine, detector] of detectors) await shards.add(machine, detector);
    shards.finish();
    writeFileSync(join(copy, 'mill.thrum'), readFileSync(join(copy, 'fan-2.thrum')));
    rmSync(join(copy, 'pump.7.thrum'));
    const paths = machines.map((machine) => fresh.get(machine)?.[0] ?? '');
    const results = await all(scoreShards(paths, openShards(copy), machineOf, options));
    const failed = results.filter(({ failures }) => failures.length > 0);
    expect(failed.map(({ failures }) => failures[0].message).sort()).toEqual([
      expect.stringMatching(/mill\.thrum is another file than the index says/),
      expect.stringMatching(/cannot read .*pump\.7\.thrum: there is no such file/),
    ]);
    const index = JSON.parse(readFileSync(join(copy, 'index.json'), 'utf8'));
    writeFileSync(join(copy, 'index.json'), JSON.stringify({ ...index, machines: { '../x': index.machines.mill } }));
    expect(() => openShards(copy)).toThrow(InputError);
    writeFileSync(join(copy, 'index.json'), '{');
    expect(() => openShards(copy)).toThrow(/it is no JSON/);
  });
});

describe('writeShards', () => {
  it('takes an empty folder, names that are safe, and one encoder', async () => {
    expect(() => writeShards(folder)).toThrow(/is not empty/);
    const shards = writeShards(join(place, 'other'));
    const mill = detectors.get('mill') as Detector;
    for (const name of ['../mill', 'a/b', '.hidden', '', 'x'.repeat(65)]) {
      await expect(shards.add(name, mill)).rejects.toThrow(InputError);
    }
    expect(() => shards.finish()).toThrow(/at least one machine/);
    await shards.add('mill', mill);
    const other = { ...mill, encoder: { id: 'x', fingerprint: 'y' } };
    await expect(shards.add('fan', other)).rejects.toThrow(/another encoder/);
  });
});

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { femto } from '../datasets/femto.ts';
import { writeFiles } from '../files/files.test-util.ts';
import { degradingBearing } from './degrading-bearing.test-util.ts';
import { runFemtoLife } from './femto.node.ts';

const root = mkdtempSync(join(tmpdir(), 'thrum-life-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const write = (path: string, content: Uint8Array | string): void => writeFiles(root, [[path, content]]);

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1];

describe('runFemtoLife', () => {
  it('hears simulated bearings degrade, in archives of every 10th record', async () => {
    write('femto/Bearing1_1.npz', degradingBearing('a', 60, 22));
    write('femto/Bearing1_2.npz', degradingBearing('b', 50, 22));
    const result = await runFemtoLife(root, { encoder: { encoder: 'spectral' }, workers: 0 });
    expect(result.problems).toEqual([]);
    expect(
      result.bearings.map(({ bearing, records, fitted, lifeSeconds, window }) => [
        bearing,
        records,
        fitted,
        lifeSeconds,
        window,
      ]),
    ).toEqual([
      ['Bearing1_1', 60, 20, 5900, 5],
      ['Bearing1_2', 50, 20, 4900, 5],
    ]);
    for (const { curve, records, alarm, trendability, rul } of result.bearings) {
      const sound = curve.score.slice(0, 22);
      expect(Math.min(...curve.score.slice(-3))).toBeGreaterThan(Math.max(...sound));
      expect(alarm.record).toBeGreaterThanOrEqual(22);
      expect(alarm.record).toBeLessThan(records - 5);
      expect(trendability.value).toBeGreaterThan(0.6);
      expect(rul.map(({ share }) => share)).toEqual([0.3, 0.5, 0.7, 0.8, 0.9]);
      expect(rul[0].basis).toBe('age');
      expect(rul[4].basis).toBe('trend');
    }
  });

  it('takes one channel', async () => {
    const one = await runFemtoLife(root, { encoder: { encoder: 'spectral' }, channel: 1, workers: 0 });
    const both = await runFemtoLife(root, { encoder: { encoder: 'spectral' }, workers: 0 });
    expect(one.channel).toBe(1);
    expect(one.bearings[0].curve.score).not.toEqual(both.bearings[0].curve.score);
  });

  it('reads the official files, 10 s apart, and leaves out truncated and short bearings', async () => {
    const official = join('official', 'femto');
    for (const { path, bytes } of femto.generate({ perClass: 24, seconds: 0.04 })) {
      const [set, bearing] = path.split('/');
      const number = Number(/acc_(\d+)/.exec(path)?.[1]);
      // 1_1 is whole, 2_1 lacks a record, 3_1 is too short, 1_4 is there in its truncated form only.
      const kept =
        (bearing === 'Bearing1_1' && set === 'Learning_set') ||
        (bearing === 'Bearing2_1' && number !== 23) ||
        (bearing === 'Bearing3_1' && number <= 15) ||
        set === 'Test_set';
      if (kept) write(join(official, path), bytes);
    }
    write(join(official, 'Learning_set/Bearing1_1/acc_00007.csv'), 'no numbers\n');
    const result = await runFemtoLife(join(root, 'official'), { encoder: { encoder: 'spectral' }, workers: 0 });
    const [whole, gap] = result.bearings;
    expect(result.bearings).toHaveLength(2);
    expect([whole.bearing, whole.records, whole.lifeSeconds]).toEqual(['Bearing1_1', 23, 230]);
    expect(whole.curve.ageSeconds.slice(4, 8)).toEqual([40, 50, 70, 80]);
    expect([gap.bearing, gap.records, gap.curve.ageSeconds.at(-2), gap.lifeSeconds]).toEqual([
      'Bearing2_1',
      23,
      210,
      230,
    ]);
    const told = result.problems.join('\n');
    expect(told).toMatch(/Bearing2_1: record 23 is missing/);
    expect(told).toMatch(/Bearing1_4: truncated before its failure/);
    expect(told).toMatch(/Bearing1_1: 1 record or file left out; the first: .*acc_00007.csv/);
    expect(told).toMatch(/more than 20 records of Bearing3_1/);
  });

  it('says what to do where there is no FEMTO', async () => {
    mkdirSync(join(root, 'empty'), { recursive: true });
    const run = runFemtoLife(join(root, 'empty'), { encoder: { encoder: 'spectral' } });
    await expect(run).rejects.toThrow(/runFemtoLife: expected files of FEMTO below .*empty, found none; the layout is/);
  });

  const data = process.env.THRUM_DATA;
  it.skipIf(!data)('scores the end of real lives above their beginning', async () => {
    const result = await runFemtoLife(join(data ?? '', 'femto'), { encoder: { encoder: 'spectral' }, workers: 0 });
    expect(result.problems).toEqual([]);
    expect(result.bearings.map(({ records }) => records)).toEqual([281, 88, 92, 80, 52, 164]);
    expect(result.bearings[0].lifeSeconds).toBe(28000);
    const rising = result.bearings.filter(({ curve: { score } }) => {
      const first = score.slice(0, Math.ceil(0.1 * score.length));
      return median(score.slice(-Math.ceil(0.02 * score.length))) > Math.max(...first);
    });
    expect(rising.length).toBeGreaterThanOrEqual(5);
    const alarmed = result.bearings.filter(({ alarm }) => alarm.record !== null);
    expect(alarmed.length).toBeGreaterThanOrEqual(4);
  });
});

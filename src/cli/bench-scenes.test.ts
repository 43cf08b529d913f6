import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scenes } from '../evaluation/datasets/tau.ts';
import { writeFiles } from '../evaluation/files/files.test-util.ts';
import { cpMobile2024 } from '../nn/cp-mobile.ts';
import { tunedExample, writeTuned } from '../training/tuned.test-util.ts';
import { runScenesBench, studentCost } from './bench-scenes.ts';
import { classifyItems } from './finetune-items.ts';
import { printed } from './printed.test-util.ts';

const root = mkdtempSync(join(tmpdir(), 'thrum-bench-scenes-'));
const data = join(root, 'scenes');
const encoders = join(root, 'encoder.safetensors');

beforeAll(() => {
  const files = [...scenes.generate({ perClass: 5, seconds: 0.2 })];
  writeFiles(
    data,
    files.map(({ path, bytes }) => [path, bytes]),
  );
  const labels = { names: scenes.classes, several: false };
  const crops = { sampleRate: 16_000, cropSamples: 3200, hopSamples: 3200 };
  writeTuned(tunedExample('echo', { ...crops, mix: false, pooling: 'cls', labels }), encoders);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('runScenesBench', () => {
  it('asks about the test clips alone, and writes two files', async () => {
    const out = join(root, 'new', 'folder');
    const text = await printed(() => runScenesBench({ data, encoders, out, workers: 0 }));
    expect(text).toMatch(/^scenes, scenes, 70 test clips; accuracy in percent$/m);
    expect(text).toMatch(/^encoder +macro +A +B +C +S1 +S4 +S5 +S6 +seen +unseen +decay /m);
    expect(readdirSync(out).sort()).toEqual(['scenes.csv', 'scenes.json']);
    const result = JSON.parse(readFileSync(join(out, 'scenes.json'), 'utf8'));
    expect(result.rows[0].figures.devices.map(({ recordings }: { recordings: number }) => recordings)).toEqual(
      Array(7).fill(10),
    );
    expect(result.rows[0].cost).toBeUndefined();
  });

  it('refuses what is no classifier, no set, and no place to write', async () => {
    const run = (options: Partial<Parameters<typeof runScenesBench>[0]>) =>
      runScenesBench({ data, encoders, workers: 0, ...options });
    await expect(run({ encoders: 'spectral' })).rejects.toThrow(
      /expected a classifier of one label each, got spectral/,
    );
    await expect(run({ data: join(root, 'new') })).rejects.toThrow(/expected one of tau2022, scenes in .*, found none/);
    await expect(run({ out: join(encoders, 'below') })).rejects.toThrow(/cannot make the folder/);
  });
});

describe('studentCost', () => {
  it('is that of the plan, and none of other encoders', () => {
    const frontEnd = { kind: 'mel', mels: 256, frames: 65 };
    const config = { frontEnd, network: { kind: 'cp-mobile', ...cpMobile2024 }, outputs: 10, form: 'float' };
    expect(studentCost({ config })).toEqual({ int8Bytes: expect.any(Number), macs: 29_419_156 });
    expect(studentCost({ config })?.int8Bytes).toBeLessThan(128_000);
    expect(studentCost({ config: { width: 768 } })).toBeUndefined();
  });
});

describe('classifyItems', () => {
  it('knows the division, the devices and the subsets of scenes', () => {
    const whole = classifyItems({ data });
    expect([whole.train.length, whole.test.length]).toEqual([50, 70]);
    expect([...new Set(whole.test.map(({ device }) => device))].sort()).toEqual([
      'a',
      'b',
      'c',
      's1',
      's4',
      's5',
      's6',
    ]);
    const half = classifyItems({ data }, undefined, undefined, 50);
    expect([half.train.length, half.test.length]).toEqual([30, 70]);
    expect(half.train.every(({ path }) => whole.train.some((item) => item.path === path))).toBe(true);
    expect(classifyItems({ data }, undefined, undefined, 100)).toEqual(whole);
  });

  it('says where there are no subsets', () => {
    expect(() => classifyItems({ data }, undefined, undefined, 10)).toThrow(/expected a list split10\.csv of scenes/);
  });
});

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { degradingBearing } from '../evaluation/life/degrading-bearing.test-util.ts';
import { runLifeBench } from './bench-life.ts';
import { printed } from './printed.test-util.ts';

const root = mkdtempSync(join(tmpdir(), 'thrum-bench-life-'));
const data = join(root, 'femto');
const encoder = { encoder: 'spectral' };

beforeAll(() => {
  mkdirSync(data);
  writeFileSync(join(data, 'Bearing1_1.npz'), degradingBearing('a', 40, 22));
  writeFileSync(join(data, 'Bearing2_1.npz'), degradingBearing('b', 35, 22));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('runLifeBench', () => {
  it('prints the tables and writes three files', async () => {
    const out = join(root, 'new', 'folder');
    const text = await printed(() => runLifeBench({ data, encoder, out, workers: 0 }));
    expect(text).toContain('condition over life, spectral, all channels');
    expect(text).toMatch(/^Bearing2_1 +35 +20 /m);
    expect(readdirSync(out).sort()).toEqual(['life.csv', 'life.html', 'life.json']);
    const result = JSON.parse(readFileSync(join(out, 'life.json'), 'utf8'));
    expect(result.bearings.map(({ bearing }: { bearing: string }) => bearing)).toEqual(['Bearing1_1', 'Bearing2_1']);
    expect(result.provenance.command).toBe(`thrum bench life --data DIR --encoder spectral`);
    expect(readFileSync(join(out, 'life.html'), 'utf8')).toContain('bearing-1');
    expect(readFileSync(join(out, 'life.csv'), 'utf8').split('\n')).toHaveLength(13);
  });

  it('prints one line of JSON', async () => {
    const text = await printed(() => runLifeBench({ data, encoder, channel: 1, json: true, workers: 0 }));
    const result = JSON.parse(text);
    expect(text.trimEnd()).not.toContain('\n');
    expect(result.channel).toBe(1);
    expect(result.provenance.command).toMatch(/--channel 2$/);
  });

  it('refuses a folder that cannot be made before it reads anything', async () => {
    const out = join(data, 'Bearing1_1.npz', 'below');
    await expect(runLifeBench({ data: join(root, 'nowhere'), encoder, out })).rejects.toThrow(/cannot make the folder/);
  });
});

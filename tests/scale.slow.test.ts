// Much at once: an hour of sound, ten thousand files; memory stays bounded and nothing is lost.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeWav } from '../src/signal/readers/wav-write.ts';
import { simulate } from '../src/signal/simulate/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-scale-'));
const detector = join(folder, 'fan.thrum');
const fan = (seed: number, seconds: number) => simulate({ machine: 'fan', seed, seconds, sampleRate: 16000 }).recording;
const reportPeak =
  'data:text/javascript,process.on("exit",()=>process.stderr.write("PEAK "+process.resourceUsage().maxRSS))';

const thrum = (...args: string[]) => {
  const result = spawnSync(process.execPath, ['--import', reportPeak, 'dist/cli/main.js', ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  return { ...result, peakMiB: Number(/PEAK (\d+)/.exec(result.stderr)?.[1]) / 1024 };
};

beforeAll(() => {
  mkdirSync(join(folder, 'normal'));
  for (let i = 0; i < 30; i++) writeFileSync(join(folder, 'normal', `${i}.wav`), writeWav(fan(i, 1)));
  const { status, stderr } = thrum('fit', join(folder, 'normal'), '--out', detector);
  expect(status, stderr).toBe(0);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('scores 10,000 files in order, in memory that does not grow with their number', () => {
  const many = join(folder, 'many');
  mkdirSync(many);
  const names = Array.from({ length: 10_000 }, (_, i) => `${String(i).padStart(5, '0')}.wav`);
  for (const [i, name] of names.entries()) copyFileSync(join(folder, 'normal', `${i % 30}.wav`), join(many, name));
  writeFileSync(join(many, '05000.wav'), 'no sound');
  const few = thrum('score', ...names.slice(0, 500).map((name) => join(many, name)), '--detector', detector, '--csv');
  const all = thrum('score', many, '--detector', detector, '--csv');
  const rows = all.stdout.trim().split('\n').slice(1);
  expect(all.status).toBe(1);
  expect(all.stderr).toMatch(/05000\.wav/);
  expect(rows).toHaveLength(9999);
  expect(rows.map((row) => row.split(',')[0])).toEqual(
    names.filter((name) => name !== '05000.wav').map((name) => join(many, name)),
  );
  expect(all.peakMiB).toBeLessThan(few.peakMiB + 200);
});

it('scores an hour of sound by its segments', () => {
  const hour = join(folder, 'hour.wav');
  const minute = fan(99, 60).channels[0];
  const samples = new Float32Array(60 * minute.length);
  for (let i = 0; i < 60; i++) samples.set(minute, i * minute.length);
  writeFileSync(hour, writeWav({ channels: [samples], sampleRate: 16000, name: 'hour' }));
  const { status, stdout, peakMiB } = thrum('score', hour, '--detector', detector, '--csv', '--per-segment');
  expect(status).toBe(0);
  expect(stdout.trim().split('\n')).toHaveLength(1 + 360);
  expect(peakMiB).toBeLessThan(1500);
  const echo = thrum(
    'embed',
    hour,
    '--encoder',
    'echo-tiny@random',
    '--segment',
    '10',
    '--out',
    join(folder, 'hour.npz'),
  );
  expect(echo.status, echo.stderr).toBe(0);
  expect(echo.peakMiB).toBeLessThan(2000);
});

// Runs the built command line as a user would, in folders of its own, and makes the recordings it is given.
import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import { writeWav } from '../src/signal/readers/wav-write.ts';

/** The root of the project, and the command line that `npm test` has built there. */
export const projectRoot = fileURLToPath(new URL('..', import.meta.url));
export const mainScript = join(projectRoot, 'dist', 'cli', 'main.js');

export type Outcome = { status: number | null; stdout: string; stderr: string };

export type RunOptions = { cwd?: string; env?: Record<string, string> };

/** Runs `thrum ARGS…` to its end; a run that hangs is killed and has no status. */
export function thrum(args: readonly string[], { cwd, env }: RunOptions = {}): Outcome {
  const options = { cwd, env: { ...process.env, ...env }, timeout: 60_000, killSignal: 'SIGKILL' } as const;
  return spawned(process.execPath, [mainScript, ...args], options);
}

/** Runs a line of a POSIX shell in which `thrum` is the command line. */
export const shell = (line: string, cwd: string): Outcome =>
  spawned('sh', ['-c', `thrum() { "${process.execPath}" "${mainScript}" "$@"; }; ${line}`], { cwd, timeout: 60_000 });

function spawned(command: string, args: string[], options: SpawnSyncOptions): Outcome {
  const { status, stdout, stderr } = spawnSync(command, args, { ...options, encoding: 'utf8', maxBuffer: 2 ** 28 });
  return { status, stdout: String(stdout), stderr: String(stderr) };
}

const STACK = /\n\s+at |node:internal/;

/** The lines on standard error of a run that ended with `status`: never a stack trace. */
export function complaints({ status, stdout, stderr }: Outcome, expected: number): string[] {
  expect(stderr).not.toMatch(STACK);
  expect(status, `${stderr}${stdout}`).toBe(expected);
  return stderr.split('\n').filter((line) => line !== '');
}

/** The one line of a run that did nothing: 1 for bad input, 2 for wrong usage. */
export function refusal(outcome: Outcome, expected: 1 | 2): string {
  const lines = complaints(outcome, expected);
  expect(lines).toHaveLength(1);
  expect(outcome.stdout).toBe('');
  expect(lines[0]).toMatch(/^thrum: /);
  return lines[0];
}

/** Standard output of a run that went well. */
export function output(outcome: Outcome, expected = 0): string {
  complaints(outcome, expected);
  return outcome.stdout;
}

/** Standard output as JSON, line by line. */
export const jsonLines = <T>(outcome: Outcome, expected = 0): T[] =>
  output(outcome, expected)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);

/** A folder for one test file, removed after its tests. */
export function scratchFolder(): { folder: string; at: (...names: string[]) => string } {
  const folder = mkdtempSync(join(tmpdir(), 'thrum-cli-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return { folder, at: (...names) => join(folder, ...names) };
}

/** A machine that hums at `hz` with noise from a seed: multiplicative congruential, modulus 2^31 - 1. */
export function hum(seconds: number, sampleRate: number, seed: number, hz = 440): Float32Array {
  let state = seed * 7919 + 1;
  return Float32Array.from({ length: Math.round(seconds * sampleRate) }, (_, i) => {
    state = (state * 48271) % 2147483647;
    return 0.3 * Math.sin((2 * Math.PI * hz * i) / sampleRate) + 0.1 * (state / 2147483647 - 0.5);
  });
}

/** Writes a 32-bit float WAV file, folders included. */
export function writeRecording(path: string, channels: Float32Array[], sampleRate = 8000): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, writeWav({ channels, sampleRate, name: path }, { bits: 'float32' }));
}

/** Writes `count` humming recordings of half a second; returns their paths. */
export function writeHums(folder: string, count: number, firstSeed = 1, hz = 440): string[] {
  return Array.from({ length: count }, (_, i) => {
    const path = join(folder, `hum${String(i).padStart(2, '0')}.wav`);
    writeRecording(path, [hum(0.5, 8000, firstSeed + i, hz)]);
    return path;
  });
}

import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readSafetensors } from '../graph/safetensors.ts';
import { InputError } from '../signal/errors.ts';
import type { RunConfig } from './run-config.ts';
import { openRun, type RunFolder } from './run-folder.node.ts';
import { LOCK_NAME } from './run-lock.node.ts';
import type { TrainingState } from './step.ts';

/** Bytes that the disk still takes; beyond them it is full, as a real one is: first a part, then an error. */
const disk = vi.hoisted(() => ({ free: Number.POSITIVE_INFINITY }));

vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  const writeSync = (descriptor: number, bytes: Uint8Array, offset: number, length: number): number => {
    if (disk.free <= 0) throw Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' });
    const written = real.writeSync(descriptor, bytes, offset, Math.min(length, disk.free));
    disk.free -= written;
    return written;
  };
  return { ...real, writeSync };
});

const config: RunConfig = { steps: 50, provider: 'cpu', learningRate: 1e-3 };
let folder: string;
let warnings: string[];
let open: RunFolder[];

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'thrum-run-')), 'run');
  warnings = [];
  open = [];
});
afterEach(() => {
  disk.free = Number.POSITIVE_INFINITY;
  for (const run of open) run.close();
  rmSync(join(folder, '..'), { recursive: true, force: true });
});

function start(resume = false, settings = config): RunFolder {
  const run = openRun(folder, settings, { resume, warn: (line) => warnings.push(line) });
  open.push(run);
  return run;
}

/** As a process that is killed: nothing is written any more, only the descriptors and the lock go. */
const stop = (run: RunFolder): void => {
  run.close();
  open.splice(open.indexOf(run), 1);
};

const file = (name: string): string => join(folder, name);
const checkpoint = (step: number): string => file(`checkpoint-${String(step).padStart(8, '0')}.safetensors`);

/** A state whose values tell the step, odd floats included. */
function stateAt(step: number): TrainingState {
  const values = (salt: number) =>
    Float32Array.of(step + salt, 1 / 3, -0, 1e-45, 3.4e38, Number.NaN, Number.NEGATIVE_INFINITY);
  const set = (salt: number, names = ['b.weight', 'a.bias']) => new Map(names.map((n, i) => [n, values(salt + i)]));
  return { step, parameters: set(0.1), teacher: set(0.2, ['b.weight']), first: set(0.3), second: set(0.4) };
}

const bits = (state: TrainingState): unknown =>
  [state.parameters, state.teacher, state.first, state.second].map((set) =>
    [...set]
      .map(([name, data]) => [name, Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex')])
      .sort(),
  );

/** Logs and saves as a loop does: a line every 2 steps, a checkpoint every 10. */
function train(run: RunFolder, from: number, to: number): void {
  for (let step = from + 1; step <= to; step++) {
    if (step % 2 === 0) run.log({ step, loss: 1 / step, seconds: 0.5 * step });
    if (step % 10 === 0) run.saveCheckpoint(stateAt(step), { rng: step });
  }
}

const errorOf = (action: () => unknown): InputError => {
  try {
    action();
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error('expected an InputError');
};

describe('a checkpoint', () => {
  it('comes back bit for bit, the extra numbers too', () => {
    const run = start();
    const extra = { rngs: { mask: [4294967295, 0.1 + 0.2] }, trick: '"sha256":"', best: null };
    run.saveCheckpoint(stateAt(7), extra);
    const found = run.loadCheckpoint();
    expect(found?.state.step).toBe(7);
    expect(found?.extra).toEqual(extra);
    expect(bits(found!.state)).toEqual(bits(stateAt(7)));
    const names = [...readSafetensors(readFileSync(checkpoint(7))).tensors.keys()].sort();
    expect(names).toEqual([
      'a.bias',
      'b.weight',
      'first.a.bias',
      'first.b.weight',
      'second.a.bias',
      'second.b.weight',
      'teacher.b.weight',
    ]);
  });

  it('is missing before the first', () => {
    expect(start().loadCheckpoint()).toBeUndefined();
  });

  it('removes all but the last two', () => {
    train(start(), 0, 40);
    expect(readdirSync(folder).sort()).toEqual(
      [
        LOCK_NAME,
        'config.json',
        'metrics.jsonl',
        'checkpoint-00000030.safetensors',
        'checkpoint-00000040.safetensors',
      ].sort(),
    );
  });

  it('refuses what it could not give back', () => {
    const run = start();
    expect(() => run.saveCheckpoint(stateAt(1), { x: { y: Number.NaN } })).toThrow(
      /expected JSON as extra, got something else in x$/,
    );
    expect(() => run.saveCheckpoint(stateAt(1), { x: new Float32Array(1) })).toThrow(/expected JSON as extra/);
    const state = stateAt(1);
    state.parameters.set('first.thing', new Float32Array(1));
    expect(() => run.saveCheckpoint(state, {})).toThrow('no parameter named first.…');
    expect(existsSync(checkpoint(1))).toBe(false);
  });
});

describe('an interrupted run', () => {
  it('goes on as if never interrupted', () => {
    train(start(), 0, 50);
    const whole = readFileSync(file('metrics.jsonl'), 'utf8');
    const last = readFileSync(checkpoint(50));
    stop(open[0]);
    rmSync(folder, { recursive: true });

    train(start(), 0, 27);
    // The process dies in the middle of a line and of a checkpoint.
    appendFileSync(file('metrics.jsonl'), '{"step":28,"lo');
    writeFileSync(`${checkpoint(30)}.4711.tmp`, readFileSync(checkpoint(20)).subarray(0, 99));
    stop(open[0]);

    const run = start(true);
    const found = run.loadCheckpoint();
    expect(found?.state.step).toBe(20);
    expect(found?.extra).toEqual({ rng: 20 });
    expect(run.metrics().at(-1)).toEqual({ step: 20, loss: 1 / 20, seconds: 10 });
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    train(run, 20, 50);
    expect(readFileSync(file('metrics.jsonl'), 'utf8')).toBe(whole);
    expect(readFileSync(checkpoint(50))).toEqual(last);
    expect(warnings).toEqual([]);
  });

  it('begins anew where there was no checkpoint yet', () => {
    train(start(), 0, 9);
    stop(open[0]);
    const run = start(true);
    expect(run.loadCheckpoint()).toBeUndefined();
    expect(run.metrics()).toEqual([]);
  });

  it('removes damaged lines, and says so', () => {
    train(start(), 0, 10);
    const lines = readFileSync(file('metrics.jsonl'), 'utf8').split('\n');
    writeFileSync(file('metrics.jsonl'), [...lines.slice(0, 2), '{"step":5,', ...lines.slice(2)].join('\n'));
    stop(open[0]);
    expect(
      start(true)
        .metrics()
        .map(({ step }) => step),
    ).toEqual([2, 4, 6, 8, 10]);
    expect(warnings).toEqual(['removed 1 damaged line from metrics.jsonl']);
  });

  const damages: [string, (bytes: Uint8Array) => Uint8Array][] = [
    ['cut short', (bytes) => bytes.subarray(0, bytes.length - 5)],
    ['cut in the header', (bytes) => bytes.subarray(0, 40)],
    ['empty', () => new Uint8Array(0)],
    ['altered in a tensor', (bytes) => bytes.with(bytes.length - 20, bytes[bytes.length - 20] ^ 1)],
    [
      'altered in its step',
      (bytes) => Buffer.from(Buffer.from(bytes).toString('latin1').replace('"step":"20"', '"step":"21"'), 'latin1'),
    ],
    ['that of another step', () => readFileSync(checkpoint(10))],
    ['no safetensors', () => Buffer.from('hello hello hello')],
  ];
  it.each(damages)('uses the checkpoint before one that is %s', (_, damage) => {
    train(start(), 0, 24);
    const damaged = damage(Uint8Array.from(readFileSync(checkpoint(20))));
    writeFileSync(checkpoint(20), damaged);
    stop(open[0]);
    const run = start(true);
    expect(run.loadCheckpoint()?.state.step).toBe(10);
    expect(run.metrics().at(-1)?.step).toBe(10);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^checkpoint-00000020\.safetensors is damaged and was set aside as .*\.damaged: /);
    expect(existsSync(`${checkpoint(20)}.damaged`)).toBe(true);
    train(run, 10, 20);
    expect(bits(run.loadCheckpoint()!.state)).toEqual(bits(stateAt(20)));
  });

  it('does not begin anew where all checkpoints are damaged, however often it is asked', () => {
    train(start(), 0, 20);
    const copy = readFileSync(checkpoint(10));
    for (const step of [10, 20]) writeFileSync(checkpoint(step), 'x');
    stop(open[0]);
    for (let i = 0; i < 2; i++) {
      expect(errorOf(() => start(true)).message).toMatch(
        /^loadCheckpoint: expected a whole checkpoint .* all are damaged/,
      );
    }
    // The lock is free again, and a copy helps.
    writeFileSync(checkpoint(10), copy);
    expect(start(true).loadCheckpoint()?.state.step).toBe(10);
  });
});

describe('settings', () => {
  it('may grow in steps, and are kept so', () => {
    stop(start());
    stop(start(true, { ...config, steps: 80, provider: 'cuda' }));
    expect(errorOf(() => start(true)).message).toContain('expected steps 80');
    expect(JSON.parse(readFileSync(file('config.json'), 'utf8')).config).toEqual({
      ...config,
      steps: 80,
      provider: 'cuda',
    });
  });

  it('must be those of the run; the folder is left as it was', () => {
    train(start(), 0, 12);
    stop(open[0]);
    const before = readFileSync(file('metrics.jsonl'), 'utf8');
    const { message } = errorOf(() => start(true, { ...config, learningRate: 1e-4 }));
    expect(message).toBe(
      `openRun: expected learningRate 0.001 as the run in ${folder} began with, got 0.0001; give learningRate as it was, or start a new run in another folder`,
    );
    expect(readFileSync(file('metrics.jsonl'), 'utf8')).toBe(before);
    expect(existsSync(file(LOCK_NAME))).toBe(false);
  });

  it('are not overwritten by a new run, nor made up when resuming', () => {
    expect(errorOf(() => start(true)).message).toMatch(/found no such folder/);
    mkdirSync(folder);
    expect(errorOf(() => start(true)).message).toMatch(/found no config\.json/);
    stop(start());
    expect(errorOf(() => start()).message).toMatch(/expected a folder without a run, found config\.json/);
  });
});

describe('log', () => {
  it('refuses numbers that are not finite, and steps out of order', () => {
    const run = start();
    run.log({ step: 3, loss: 1 });
    expect(() => run.log({ step: 4, loss: Number.NaN })).toThrow(/at step 4, got NaN as loss; the run has diverged/);
    expect(() => run.log({ step: 3, loss: 1 })).toThrow('expected a step after 3, got 3');
    expect(run.metrics()).toEqual([{ step: 3, loss: 1 }]);
  });
});

describe('a full disk', () => {
  it('costs the checkpoint that does not fit, and no other', () => {
    const run = start();
    train(run, 0, 20);
    disk.free = 300;
    const { message } = errorOf(() => run.saveCheckpoint(stateAt(30), {}));
    expect(message).toBe(
      `saveCheckpoint: cannot write ${checkpoint(30)}: the disk is full; free some space, then resume the run (checkpoint-00000020.safetensors is kept)`,
    );
    expect(readdirSync(folder).filter((name) => name.startsWith('checkpoint'))).toEqual([
      'checkpoint-00000010.safetensors',
      'checkpoint-00000020.safetensors',
    ]);
    expect(run.loadCheckpoint()?.state.step).toBe(20);
  });

  it('leaves half a line, which resuming cuts off', () => {
    const run = start();
    train(run, 0, 10);
    disk.free = 5;
    expect(errorOf(() => run.log({ step: 11, loss: 1 })).message).toMatch(
      /^log: .*: the disk is full; free some space/,
    );
    disk.free = Number.POSITIVE_INFINITY;
    expect(readFileSync(file('metrics.jsonl'), 'utf8').endsWith('\n')).toBe(false);
    stop(run);
    expect(start(true).metrics().at(-1)?.step).toBe(10);
  });

  it('begins no run', () => {
    disk.free = 3;
    expect(errorOf(() => start()).message).toMatch(/^openRun: cannot write .*run\.lock: the disk is full/);
    disk.free = 120;
    expect(errorOf(() => start()).message).toMatch(/^openRun: cannot write .*config\.json: the disk is full/);
    expect(readdirSync(folder)).toEqual([]);
    disk.free = Number.POSITIVE_INFINITY;
    start();
  });
});

describe('the lock', () => {
  const lockOf = (pid: number, host = hostname()) => writeFileSync(file(LOCK_NAME), JSON.stringify({ pid, host }));
  const deadProcess = (): number => spawnSync(process.execPath, ['--version']).pid;

  it('keeps a second run out, and goes with the first', () => {
    const run = start();
    expect(errorOf(() => start(true)).message).toMatch(/^openRun: this process has .* open already/);
    stop(run);
    expect(readdirSync(folder)).not.toContain(LOCK_NAME);
    start(true);
    // The lock is no longer its own.
    run.close();
    expect(readdirSync(folder)).toContain(LOCK_NAME);
  });

  it('is respected while its process lives, or where that cannot be known', () => {
    stop(start());
    lockOf(process.ppid);
    expect(errorOf(() => start(true)).message).toContain(`process ${process.ppid} on ${hostname()} holds it`);
    lockOf(deadProcess(), 'another-host');
    expect(errorOf(() => start(true)).message).toMatch(/on another-host holds it; .* remove .*run\.lock\)$/);
    writeFileSync(file(LOCK_NAME), '');
    expect(errorOf(() => start(true)).message).toContain('another run holds it');
  });

  it('is taken over from a dead process, and from one that had our number', () => {
    stop(start());
    for (const pid of [deadProcess(), process.pid]) {
      lockOf(pid);
      const run = start(true);
      expect(JSON.parse(readFileSync(file(LOCK_NAME), 'utf8'))).toEqual({ pid: process.pid, host: hostname() });
      stop(run);
    }
    expect(readdirSync(folder).sort()).toEqual(['config.json', 'metrics.jsonl']);
  });

  it('of somebody else is not removed on closing', () => {
    const run = start();
    renameSync(file(LOCK_NAME), file('old'));
    lockOf(process.ppid);
    stop(run);
    expect(existsSync(file(LOCK_NAME))).toBe(true);
  });
});

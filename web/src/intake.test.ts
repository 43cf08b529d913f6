import { describe, expect, it } from 'vitest';
import type { ApiJob, ApiUploaded } from './backend/api.ts';
import { startOfFile } from './file-time.ts';
import { followJob, type Intake, machineName, sortFiles, takeIn } from './intake.ts';

const file = (name: string, text = 'x'): File => new File([text], name);

it('sorts files by their names, numbers as numbers, and leaves hidden ones out', () => {
  const sorted = sortFiles([file('r10.wav'), file('r9.wav'), file('.DS_Store')]);
  expect(sorted.map(({ name }) => name)).toEqual(['r9.wav', 'r10.wav']);
});

it('names a machine by its folder, or by what most of its files have in common', () => {
  expect(machineName([file('a.wav')], 'Pumpe Süd')).toBe('Pumpe-Sud');
  expect(
    machineName([file('pump_2026-03-01T00-00-00.wav'), file('pump_2026-03-02T00-00-00.wav'), file('notes.wav')]),
  ).toBe('pump');
  expect(machineName([file('001.wav'), file('002.wav')])).toBe('machine');
});

it('takes the time of a file from its name, else from its last change', () => {
  expect(startOfFile('pump_20260301_140509.wav', 5)).toBe(Date.UTC(2026, 2, 1, 14, 5, 9));
  expect(startOfFile('pump_20261301_140509.wav', 5.4)).toBe(5);
  expect(startOfFile('a.wav', -7)).toBe(0);
});

describe('takeIn', () => {
  it('names what cannot be used, and goes on', async () => {
    const uploads: string[] = [];
    const backend = {
      async upload(_machine: string, given: File, { onProgress }: { onProgress?(share: number): void }) {
        uploads.push(given.name);
        onProgress?.(0.5);
        if (given.name === 'b') throw new Error('readWav: expected more (b); record again');
        return { known: false, scores: [] } as unknown as ApiUploaded;
      },
    };
    const states: Intake[] = [];
    const files = [file('a', 'xx'), file('b', 'xxxx'), file('c', ''), file('d', 'x')];
    const taken = await takeIn(backend, 'm', files, true, (state) => states.push(state));
    expect(uploads).toEqual(['a', 'b', 'd']);
    expect(taken).toMatchObject({ files: 4, done: 4, bytes: 7, sent: 7 });
    expect(taken.uploaded).toHaveLength(2);
    expect(taken.refused.map(({ file: name }) => name).sort()).toEqual(['b', 'c']);
    expect(states.every(({ sent, bytes }) => sent <= bytes)).toBe(true);
  });

  it('stops when it is told to', async () => {
    const control = new AbortController();
    const uploads: string[] = [];
    const backend = {
      async upload(_machine: string, given: File) {
        uploads.push(given.name);
        control.abort();
        throw new DOMException('stopped', 'AbortError');
      },
    };
    const taken = await takeIn(backend, 'm', [file('a'), file('b'), file('c')], true, () => {}, control.signal);
    expect(uploads.length).toBeLessThan(3);
    expect(taken.refused).toEqual([]);
  });
});

describe('followJob', () => {
  const job = (state: ApiJob['state'], done = 0): ApiJob => ({
    ...{ id: '1', kind: 'fit', state, done, total: 2, warnings: [], failures: [] },
  });

  it('ends with what events tell, of this job alone', async () => {
    let tell: (told: ApiJob) => void = () => {};
    const seen: number[] = [];
    const watch = (listener: typeof tell) => {
      tell = listener;
      return () => {};
    };
    const backend = { job: async () => job('running') };
    const ended = followJob(backend, job('waiting'), watch, ({ done }) => seen.push(done), 60_000);
    tell({ ...job('done', 9), id: 'another' });
    tell(job('running', 1));
    tell(job('done', 2));
    expect((await ended).state).toBe('done');
    expect(seen).toEqual([0, 1, 2]);
  });

  it('asks where nothing is told, also after a failed answer', async () => {
    let asked = 0;
    const backend = {
      async job() {
        if (++asked === 1) throw new Error('no network');
        return job('failed');
      },
    };
    const ended = await followJob(
      backend,
      job('waiting'),
      () => () => {},
      () => {},
      1,
    );
    expect(ended.state).toBe('failed');
    expect(asked).toBe(2);
  });
});

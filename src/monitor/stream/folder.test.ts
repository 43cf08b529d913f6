import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeWav } from '../../signal/readers/wav-write.ts';
import type { Arrival, Source } from '../types.ts';
import { createFolderSource, type FolderSourceOptions } from './folder.node.ts';

const quick = { settleSeconds: 0.2, pollSeconds: 0.1 } satisfies FolderSourceOptions;
const wav = (seconds = 0.5): Uint8Array =>
  writeWav({
    channels: [Float32Array.from({ length: seconds * 1000 }, (_, i) => Math.sin(i))],
    sampleRate: 1000,
    name: '',
  });

let root: string;
let folder: string;
let open: Source[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'thrum-folder-'));
  folder = join(root, 'plant');
  mkdirSync(folder);
});
afterEach(async () => {
  for (const source of open) await source.close();
  open = [];
  rmSync(root, { recursive: true, force: true });
});

function put(name: string, bytes: Uint8Array | string = wav()): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}

function watching(options: Partial<FolderSourceOptions> = {}) {
  const source = createFolderSource(folder, { ...quick, ...options });
  open.push(source);
  const iterator = source.arrivals()[Symbol.asyncIterator]();
  return {
    source,
    /** The next arrival. */
    async next(): Promise<Arrival> {
      const { value } = await iterator.next();
      return value;
    },
    async rest(): Promise<Arrival[]> {
      const found: Arrival[] = [];
      for (let at = await iterator.next(); !at.done; at = await iterator.next()) found.push(at.value);
      return found;
    },
  };
}
const nameOf = (arrival: Arrival): string =>
  arrival.kind === 'trouble' ? arrival.reason : arrival.recording.name.slice(folder.length + 1);
const once = async (options: Partial<FolderSourceOptions> = {}) => watching({ once: true, ...options }).rest();

describe('a watched folder', () => {
  it('gives what is there and what comes, with stream and time', async () => {
    const first = put('pump-7/a.wav');
    utimesSync(first, 1_000_000, 1_000_000);
    const watcher = watching();
    expect(await watcher.next()).toMatchObject({ kind: 'recording', stream: 'pump-7', atMs: 1_000_000_000 - 500 });
    put('fan/deep/2026-11-30T12-00-00.wav');
    expect(await watcher.next()).toMatchObject({ stream: 'fan', atMs: Date.UTC(2026, 10, 30, 12) });
    put('top.wav');
    expect(await watcher.next()).toMatchObject({ stream: 'plant' });
    await watcher.source.close();
    expect(await watcher.rest()).toEqual([]);
  });

  it('waits for a slow writer, and passes over temporary names until they are renamed', async () => {
    const bytes = wav();
    const watcher = watching({ settleSeconds: 0.6 });
    const arrival = watcher.next();
    put('a/.hidden.wav', 'x');
    put('a/b.wav.part', 'x');
    put('a/c.tmp', 'x');
    put('a/d.txt', 'x');
    const path = put('a/slow.wav', bytes.subarray(0, 100));
    for (let at = 100; at < bytes.length; at += 200) {
      await sleep(100);
      appendFileSync(path, bytes.subarray(at, at + 200));
    }
    expect(nameOf(await arrival)).toBe('a/slow.wav');
    put('a/e.wav.part');
    renameSync(join(folder, 'a/e.wav.part'), join(folder, 'a/e.wav'));
    expect(nameOf(await watcher.next())).toBe('a/e.wav');
  });

  it('neither misses nor repeats after a restart, whatever was done when it ended', async () => {
    for (const name of ['a.wav', 'b.wav', 'c.wav']) put(name);
    const before = watching();
    const seen = [await before.next(), await before.next()];
    seen[0].done?.();
    // The second one was heard, but not stored: the process is killed here.
    const again = await once();
    expect(again.map(nameOf).sort()).toEqual(['a.wav', 'b.wav', 'c.wav'].filter((name) => name !== nameOf(seen[0])));
    for (const arrival of again) arrival.done?.();
    expect(await once()).toEqual([]);
    put('a.wav', wav(0.7));
    expect((await once()).map(nameOf)).toEqual(['a.wav']);
  });

  it('reads a ledger whose last line was cut off', async () => {
    put('a.wav');
    put('b.wav');
    for (const arrival of await once()) arrival.done?.();
    const ledger = join(folder, '.thrum-ledger');
    writeFileSync(ledger, readFileSync(ledger).subarray(0, -5));
    const [again, ...rest] = await once();
    expect(rest).toEqual([]);
    again.done?.();
    expect(await once()).toEqual([]);
  });

  it('refuses to overwrite a file that is no ledger', async () => {
    put('a.wav');
    await expect(once({ ledger: join(folder, 'a.wav') })).rejects.toThrow('is no ledger');
  });

  it('reports what is damaged once, and goes on', async () => {
    put('a/cut.wav', wav().subarray(0, 500));
    put('a/empty.wav', '');
    put('a/text.flac', 'no music');
    put('a/good.wav');
    const arrivals = await once();
    expect(arrivals.map(({ kind }) => kind).sort()).toEqual(['recording', 'trouble', 'trouble', 'trouble']);
    for (const part of ['cut off', 'empty file', 'text.flac']) {
      expect(arrivals.map(nameOf).filter((text) => text.includes(part))).toHaveLength(1);
    }
    for (const arrival of arrivals) arrival.done?.();
    expect(await once()).toEqual([]);
  });

  it('is not stopped by files that vanish, dead links, rings of links and large files', async () => {
    symlinkSync(join(folder, 'nowhere.wav'), join(folder, 'dead.wav'));
    symlinkSync('/dev/zero', join(folder, 'zero.wav'));
    mkdirSync(join(folder, 'ring'));
    symlinkSync(folder, join(folder, 'ring', 'back'));
    for (const name of ['a.wav', 'b.wav', 'c.wav']) put(`ring/${name}`);
    put('large.wav', wav(2));
    const watcher = watching({ once: true, maxBytes: 2000 });
    const first = await watcher.next();
    rmSync(join(folder, 'ring/a.wav'), { force: true });
    rmSync(join(folder, 'ring/b.wav'), { force: true });
    const names = [first, ...(await watcher.rest())].map(nameOf);
    expect(names).toContain('ring/c.wav');
    expect(names.filter((text) => text.includes('was removed before it was heard')).length).toBeGreaterThan(0);
    expect(names.filter((text) => text.includes('at most 2000 bytes'))).toHaveLength(1);
    expect(names).toHaveLength(4);
  });

  it('reports a folder that goes away, and goes on when it is back', async () => {
    put('a.wav');
    const watcher = watching({ ledger: join(root, 'ledger') });
    expect(nameOf(await watcher.next())).toBe('a.wav');
    renameSync(folder, join(root, 'away'));
    expect(nameOf(await watcher.next())).toContain('there is no such file or folder');
    renameSync(join(root, 'away'), folder);
    put('b.wav');
    // The first was not done, so it may come again.
    let name = nameOf(await watcher.next());
    if (name === 'a.wav') name = nameOf(await watcher.next());
    expect(name).toBe('b.wav');
  });

  it('says when it cannot write down what is done', async () => {
    put('a.wav');
    const away = join(root, 'ledgers');
    mkdirSync(away);
    const watcher = watching({ ledger: join(away, 'ledger') });
    const first = await watcher.next();
    rmSync(away, { recursive: true });
    first.done?.();
    expect(nameOf(await watcher.next())).toContain('a.wav would be heard again after a restart');
  });

  it('needs a folder', () => {
    expect(() => createFolderSource(join(root, 'none'))).toThrow('expected a folder');
  });
});

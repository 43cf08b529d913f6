import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { createHasher, defaultStoreFolder, openStore } from './store.node.ts';
import type { StoredRecording } from './stored-recording.ts';

const root = mkdtempSync(join(tmpdir(), 'thrum-store-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

let folders = 0;
const folder = () => join(root, `f${folders++}`);

const recording = (name: string, first: number, shape = { channels: 2, segments: 3, columns: 4 }): StoredRecording => ({
  name,
  sampleRate: 12_000,
  seconds: 0.5,
  constant: false,
  peak: 0.25,
  ...shape,
  values: Float32Array.from({ length: shape.channels * shape.segments * shape.columns }, (_, i) => first + i / 3),
});
const [one, two] = [recording('one', 1), recording('zwei', -5)];

/** The only file with records of the only variant. */
function packOf(path: string): string {
  const [variant] = readdirSync(path);
  const [pack, ...more] = readdirSync(join(path, variant)).filter((name) => name.endsWith('.pack'));
  expect(more).toEqual([]);
  return join(path, variant, pack);
}

describe('openStore', () => {
  it('gives back what was put, at once and after it was opened again', () => {
    const path = folder();
    const store = openStore(path, 'spectral');
    expect([store.has('a'), store.get('a')]).toEqual([false, undefined]);
    store.put('a', [one]);
    store.put('b', [two, recording('none', 0, { channels: 1, segments: 0, columns: 0 })]);
    const contents = () => [store.get('a'), store.get('b')?.[0], store.get('b')?.[1].values.length];
    expect(contents()).toEqual([[one], two, 0]);
    store.close();
    const again = openStore(path, 'spectral');
    expect([again.has('a'), again.get('a'), again.get('b')?.[0]]).toEqual([true, [one], two]);
    again.close();
  });

  it('keeps variants apart, and says which is which', () => {
    const path = folder();
    const store = openStore(path, '{"fingerprint":"x"}');
    store.put('a', [one]);
    store.close();
    const other = openStore(path, '{"fingerprint":"y"}');
    expect(other.has('a')).toBe(false);
    other.close();
    const written = readdirSync(path).map((name) => readFileSync(join(path, name, 'variant.json'), 'utf8'));
    expect(written.sort()).toEqual(['{"fingerprint":"x"}\n', '{"fingerprint":"y"}\n']);
  });

  it('lets several write at once', () => {
    const path = folder();
    const stores = [openStore(path, 'v'), openStore(path, 'v'), openStore(path, 'v')];
    for (const [i, store] of stores.entries()) store.put(`key ${i}`, [recording(String(i), i)]);
    for (const [i, store] of stores.entries()) expect(store.has(`key ${(i + 1) % 3}`)).toBe(false);
    for (const store of stores) store.close();
    const all = openStore(path, 'v');
    for (let i = 0; i < 3; i++) expect(all.get(`key ${i}`)).toEqual([recording(String(i), i)]);
    all.close();
  });

  it('writes no file before there is something to keep', () => {
    const path = folder();
    openStore(path, 'v').close();
    expect(readdirSync(join(path, readdirSync(path)[0]))).toEqual(['variant.json']);
  });

  it('takes a key that is put twice as it was last', () => {
    const path = folder();
    const store = openStore(path, 'v');
    store.put('a', [one]);
    store.put('a', [two]);
    expect(store.get('a')).toEqual([two]);
    store.close();
    const again = openStore(path, 'v');
    expect(again.get('a')).toEqual([two]);
    again.close();
  });

  it('loses one record of a file that is cut anywhere in it, and none before', () => {
    const path = folder();
    const store = openStore(path, 'v');
    store.put('a', [one]);
    store.close();
    const pack = packOf(path);
    const first = readFileSync(pack).length;
    const second = openStore(path, 'v');
    second.put('ä', [two]);
    second.close();
    // Names of packs say nothing of their order.
    const later = readdirSync(join(pack, '..')).filter(
      (name) => name.endsWith('.pack') && join(pack, '..', name) !== pack,
    );
    const joined = Buffer.concat(
      [pack, ...later.map((name) => join(pack, '..', name))].map((path) => readFileSync(path)),
    );
    for (const name of readdirSync(join(pack, '..'))) if (name.endsWith('.pack')) rmSync(join(pack, '..', name));
    for (let size = 0; size <= joined.length; size++) {
      writeFileSync(pack, joined);
      truncateSync(pack, size);
      const found = openStore(path, 'v');
      expect([found.has('a'), found.has('ä')], `cut at ${size}`).toEqual([size >= first, size === joined.length]);
      if (size >= first) expect(found.get('a')).toEqual([one]);
      found.close();
    }
  });

  it('does not believe a last record whose values were never written', () => {
    const path = folder();
    const store = openStore(path, 'v');
    store.put('a', [one]);
    store.put('b', [two]);
    store.close();
    const pack = packOf(path);
    const bytes = readFileSync(pack);
    writeFileSync(pack, bytes.fill(0, bytes.length - 8));
    const again = openStore(path, 'v');
    expect([again.get('a'), again.has('b')]).toEqual([[one], false]);
    again.put('b', [two]);
    again.close();
    const mended = openStore(path, 'v');
    expect(mended.get('b')).toEqual([two]);
    mended.close();
  });
});

describe('createHasher', () => {
  const sha = (text: string) => createHash('sha256').update(text).digest('hex');

  it('hashes contents, and reads a file again only where size or time has changed', () => {
    const [store, file] = [folder(), join(root, 'a.wav')];
    writeFileSync(file, 'hello');
    utimesSync(file, 1000, 1000);
    const hasher = createHasher(store);
    expect(hasher.hashOf(file)).toBe(sha('hello'));
    hasher.save();
    // The same size and time: what was known is believed.
    writeFileSync(file, 'hallo');
    utimesSync(file, 1000, 1000);
    expect(createHasher(store).hashOf(file)).toBe(sha('hello'));
    utimesSync(file, 1000, 1001);
    expect(createHasher(store).hashOf(file)).toBe(sha('hallo'));
    writeFileSync(file, 'hallo!');
    expect(createHasher(store).hashOf(file)).toBe(sha('hallo!'));
  });

  it('hashes what is larger than a block, and nothing', () => {
    const hasher = createHasher(folder());
    for (const size of [0, 1, 2 ** 22, 2 ** 22 + 1]) {
      const file = join(root, `size${size}`);
      writeFileSync(file, 'x'.repeat(size));
      expect(hasher.hashOf(file)).toBe(sha('x'.repeat(size)));
    }
  });

  it('throws the system’s error for a file that cannot be read', () => {
    const hasher = createHasher(folder());
    expect(() => hasher.hashOf(join(root, 'nowhere'))).toThrow(/ENOENT/);
    mkdirSync(join(root, 'folder'));
    expect(() => hasher.hashOf(join(root, 'folder'))).toThrow(/EISDIR/);
  });

  it.each(['', '{', '{}', 'null', '7', '[[1, 2]]'])('starts anew from a damaged list: %j', (text) => {
    const [store, file] = [folder(), join(root, 'b.wav')];
    mkdirSync(store);
    writeFileSync(join(store, 'hashes.json'), text);
    writeFileSync(file, 'hello');
    const hasher = createHasher(store);
    expect(hasher.hashOf(file)).toBe(sha('hello'));
    hasher.save();
    expect(readFileSync(join(store, 'hashes.json'), 'utf8')).toContain(sha('hello'));
    expect(readdirSync(store)).toEqual(['hashes.json']);
  });
});

describe('defaultStoreFolder', () => {
  it('lies in the user’s cache', () => {
    vi.stubEnv('XDG_CACHE_HOME', join(root, 'cache'));
    expect(defaultStoreFolder()).toBe(join(root, 'cache', 'thrum', 'embeddings'));
    vi.stubEnv('XDG_CACHE_HOME', undefined);
    expect(defaultStoreFolder()).toMatch(/\.cache.thrum.embeddings$/);
  });
});

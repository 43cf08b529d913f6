import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openBlobs } from './open-blobs.node.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-blobs-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('blobs in a folder', () => {
  it('keeps bytes under names, replaces them, and says where there are none', async () => {
    const blobs = await openBlobs(join(folder, 'new', 'one'));
    expect(await blobs.get('audio/ab/abcd.wav')).toBeUndefined();
    await blobs.put('audio/ab/abcd.wav', Uint8Array.of(1, 2, 3));
    await blobs.put('audio/ab/abcd.wav', Uint8Array.of(4));
    await blobs.put('audio/empty', new Uint8Array());
    expect(await blobs.get('audio/ab/abcd.wav')).toEqual(Uint8Array.of(4));
    expect(await blobs.get('audio/empty')).toEqual(new Uint8Array());
    await blobs.remove('audio/ab/abcd.wav');
    await blobs.remove('audio/ab/abcd.wav');
    expect(await blobs.get('audio/ab/abcd.wav')).toBeUndefined();
  });

  it('is written to by many at once', async () => {
    const path = join(folder, 'many');
    const stores = await Promise.all(Array.from({ length: 4 }, () => openBlobs(path)));
    const bytes = Uint8Array.from({ length: 10_000 }, (_, i) => i);
    await Promise.all(stores.flatMap((blobs) => ['a/x', 'b/x', 'a/x'].map((key) => blobs.put(key, bytes))));
    expect(await stores[0].get('a/x')).toEqual(bytes);
    expect(readdirSync(join(path, '.unfinished'))).toEqual([]);
  });

  it.each([
    '',
    '/etc/passwd',
    '../x',
    'a/../../x',
    'a//b',
    'a/',
    '.unfinished/x',
    'a\\b',
    'a\0',
    'ä',
    'a'.repeat(600),
  ])('refuses the name %j', async (key) => {
    const blobs = await openBlobs(join(folder, 'names'));
    for (const refused of [blobs.put(key, new Uint8Array(1)), blobs.get(key), blobs.remove(key)]) {
      await expect(refused).rejects.toMatchObject({ name: 'InputError' });
    }
  });

  it('removes what killed writers have left, but not what is being written', async () => {
    const path = join(folder, 'left');
    mkdirSync(join(path, '.unfinished'), { recursive: true });
    for (const name of ['old', 'new']) writeFileSync(join(path, '.unfinished', name), 'half');
    utimesSync(join(path, '.unfinished', 'old'), 1, 1);
    await openBlobs(path);
    expect(readdirSync(join(path, '.unfinished'))).toEqual(['new']);
  });

  it('says in one line why it cannot write or open', async () => {
    const path = join(folder, 'blocked');
    const blobs = await openBlobs(path);
    writeFileSync(join(path, 'audio'), 'a file where a folder belongs');
    await expect(blobs.put('audio/x', Uint8Array.of(1))).rejects.toMatchObject({
      name: 'StoreError',
      message: expect.stringMatching(/^blobs .*blocked: cannot write audio\/x: .*; mend that$/),
    });
    expect(readdirSync(join(path, '.unfinished'))).toEqual([]);
    await expect(openBlobs(join(path, 'audio'))).rejects.toThrow(/cannot be opened: /);
  });

  it.each(['', 'ftp://user:secret@host/x'])('refuses the address %j', async (url) => {
    const error = await openBlobs(url).catch((caught) => caught);
    expect(error.message).toMatch(/^openBlobs: expected a folder/);
    expect(error.message).not.toContain('secret');
  });
});

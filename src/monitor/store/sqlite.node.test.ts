// What an SQLite file can refuse, and that the thread around it does not stand in the way.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { createStore } from './create-store.ts';
import { openStore } from './open.node.ts';
import { openBlobs } from './open-blobs.node.ts';
import { migrate } from './schema.ts';
import { openSqlite } from './sqlite.node.ts';
import { policy, recordingOf, resultOf } from './store.test-util.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-sqlite-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A disk of its own, 1 MB large; only root may have one. */
function mountDisk(name: string): string | undefined {
  const path = join(folder, name);
  mkdirSync(path);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path]).status !== 0) return undefined;
  onTestFinished(() => void execFileSync('umount', ['-l', path]));
  return path;
}

describe('a store in a file', () => {
  it.each([
    ['no folder', () => join(folder, 'nowhere', 'x.db'), /cannot be opened; see that its folder exists/],
    ['a folder', () => folder, /cannot be opened/],
    ['another file', () => import.meta.filename, /it is not an SQLite database; name another file/],
  ])('says in one line what is wrong where there is %s', async (_, path, message) => {
    const error = await openStore(path()).catch((caught) => caught);
    expect(error).toMatchObject({ name: 'StoreError', message: expect.stringMatching(message) });
    expect(error.message).not.toContain('\n');
  });

  it.each(['', 'mysql://user:secret@host/x', 'http://host/x'])('refuses the address %j', async (url) => {
    const error = await openStore(url).catch((caught) => caught);
    expect(error).toMatchObject({ name: 'InputError', message: expect.stringMatching(/^openStore: expected a path/) });
    expect(error.message).not.toContain('secret');
  });

  it('is opened by a file address', async () => {
    const path = join(folder, 'by address.db');
    const store = await openStore(`file:${path}`);
    await store.putMachine({ name: 'pump', policy, createdMs: 1 });
    await store.close();
    const again = await openStore(`file://${path.replace(' ', '%20')}`);
    expect((await again.machines()).map(({ name }) => name)).toEqual(['pump']);
    await again.close();
  });

  it('waits while another writes, and says so where that takes too long; reading goes on', async () => {
    const path = join(folder, 'locked.db');
    const [one, other] = [openSqlite(path, 0.05), openSqlite(path, 0.05)];
    await migrate(one);
    await one.transaction(async () => {
      await expect(other.transaction(async () => {})).rejects.toMatchObject({
        name: 'StoreError',
        message: `store ${path}: another process keeps it locked; see what uses it`,
      });
      expect(await other.query('select count(*) as n from machines')).toEqual([{ n: 0 }]);
    });
    await createStore(other).putMachine({ name: 'pump', policy, createdMs: 1 });
    await createStore(one).putMachine({ name: 'fan', policy, createdMs: 1 });
    for (const sql of [one, other]) await sql.close();
  });

  it('reads while it waits to write', async () => {
    const path = join(folder, 'reads.db');
    const store = await openStore(path);
    await store.putMachine({ name: 'pump', policy, createdMs: 1 });
    const other = openSqlite(path);
    let written = false;
    let writing = Promise.resolve();
    await other.transaction(async () => {
      writing = store.putMachine({ name: 'fan', policy, createdMs: 1 }).then(() => {
        written = true;
      });
      for (let i = 0; i < 20; i++) expect((await store.machines()).map(({ name }) => name)).toEqual(['pump']);
      expect(written).toBe(false);
    });
    await writing;
    expect((await store.machines()).map(({ name }) => name)).toEqual(['fan', 'pump']);
    await other.close();
    await store.close();
  });

  it('undoes what a failed transaction did, and goes on', async () => {
    const sql = openSqlite(':memory:');
    await migrate(sql);
    const store = createStore(sql);
    const fails = sql.transaction(async (query) => {
      await query("insert into machines (name, policy, created_ms) values ('pump', '', 1)");
      await query('insert into machines (name) values (null)');
    });
    await expect(fails).rejects.toMatchObject({ name: 'StoreError' });
    expect(await store.machines()).toEqual([]);
    await store.putMachine({ name: 'pump', policy, createdMs: 1 });
  });

  it('on a full disk says so, keeps all that was confirmed, and takes more once there is space', async ({ skip }) => {
    const disk = mountDisk('full');
    if (!disk) return skip('only root may mount a disk');
    const store = await openStore(join(disk, 'x.db'));
    await store.putMachine({ name: 'pump', policy, createdMs: 1 });
    writeFileSync(join(disk, 'ballast'), new Uint8Array(400_000));
    let confirmed = 0;
    const error = await (async () => {
      for (;;) {
        await store.record(resultOf(recordingOf(`${confirmed}`, { name: 'x'.repeat(4000) })));
        confirmed++;
      }
    })().catch((caught) => caught);
    expect(error).toMatchObject({ name: 'StoreError', message: expect.stringMatching(/full; (free some space|see)/) });
    expect((await store.totals()).recordings).toBe(confirmed);
    const blobs = await openBlobs(join(disk, 'blobs'));
    await expect(blobs.put('a', new Uint8Array(900_000))).rejects.toThrow(
      /cannot write a: the disk is full; free some space$/,
    );
    rmSync(join(disk, 'ballast'));
    expect(await store.record(resultOf(recordingOf(`${confirmed}`)))).toBe('stored');
    expect((await store.totals()).recordings).toBe(confirmed + 1);
    await store.close();
  });

  it('on a disk that takes no writes says so', async ({ skip }) => {
    const disk = mountDisk('read-only');
    if (!disk) return skip('only root may mount a disk');
    const path = join(disk, 'x.db');
    await (await openStore(path)).close();
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    await expect(openStore(path)).rejects.toMatchObject({
      name: 'StoreError',
      message: expect.stringMatching(/^store .*: it (is read-only|cannot be opened)/),
    });
  });
});

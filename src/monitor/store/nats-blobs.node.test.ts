import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasNatsServer, type NatsServer, startNatsServer, throughNats } from '../../../tests/nats-server.ts';
import { openBlobs } from './open-blobs.node.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-nats-blobs-'));
let server: NatsServer;
beforeAll(async () => {
  if (hasNatsServer) server = await startNatsServer(folder);
});
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(!hasNatsServer)(throughNats('blobs'), () => {
  it('keeps bytes under names, also for others and after a restart, and says where there are none', async () => {
    const blobs = await openBlobs(`${server.url}/audio`);
    const key = 'audio/ab/abcd.wav';
    expect(await blobs.get(key)).toBeUndefined();
    const bytes = Uint8Array.from({ length: 400_000 }, (_, i) => i * 7);
    await blobs.put(key, Uint8Array.of(1));
    await blobs.put(key, bytes);
    await blobs.put('empty', new Uint8Array());
    await blobs.close();
    await server.stop();
    server = await startNatsServer(folder, server.port);

    const other = await openBlobs(`${server.url}/audio`);
    expect(await other.get(key)).toEqual(bytes);
    expect(await other.get('empty')).toEqual(new Uint8Array());
    await other.remove(key);
    await other.remove(key);
    await other.remove('never');
    expect(await other.get(key)).toBeUndefined();
    await other.put(key, Uint8Array.of(9));
    expect(await other.get(key)).toEqual(Uint8Array.of(9));
    await expect(other.put('../x', bytes)).rejects.toMatchObject({ name: 'InputError' });
    await other.close();
  });

  it('says in one line what is wrong', async () => {
    const plain = await startNatsServer();
    const address = plain.url.replace('//', '//user:secret@');
    const withoutStream = await openBlobs(`${address}/audio`).catch((caught) => caught);
    expect(withoutStream).toMatchObject({
      name: 'StoreError',
      message: expect.stringMatching(/cannot be opened: .*; start the server with JetStream \(nats-server -js\)$/),
    });
    await plain.stop();
    const gone = await openBlobs(`${address}/audio`).catch((caught) => caught);
    expect(gone).toMatchObject({ name: 'StoreError', message: expect.stringMatching(/^openBlobs: cannot reach/) });
    for (const { message } of [withoutStream, gone]) expect(message).not.toMatch(/secret|\n/);
  });
});

it.each([
  'nats://host',
  'nats://host/a.b',
  'nats://host/a/b',
  'nats://host/a?replicas=9',
  'nats:///a',
])('refuses the address %s', async (address) => {
  await expect(openBlobs(address)).rejects.toMatchObject({
    name: 'InputError',
    message: expect.stringMatching(/^openBlobs: expected an address such as nats:/),
  });
});

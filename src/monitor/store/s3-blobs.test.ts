// Signatures against the examples that AWS publishes, and blobs against a server that checks them.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openBlobs } from './open-blobs.node.ts';
import { signS3 } from './s3-signature.ts';

const keys = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const site = 'https://examplebucket.s3.amazonaws.com';
const signatureOf = (headers: Record<string, string>): string | undefined =>
  /Signature=(\w+)$/.exec(headers.authorization)?.[1];

describe('signS3', () => {
  it.each([
    [
      { method: 'GET', url: `${site}/test.txt`, headers: { Range: 'bytes=0-9' } },
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    ],
    [
      {
        ...{ method: 'PUT', url: `${site}/test%24file.text`, body: new TextEncoder().encode('Welcome to Amazon S3.') },
        headers: { Date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
      },
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    ],
    [{ method: 'GET', url: `${site}/?lifecycle` }, 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'],
    [
      { method: 'GET', url: `${site}/?max-keys=2&prefix=J` },
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    ],
  ])('signs %o as the documentation of S3 does', ({ url, ...request }, expected) => {
    const signed = signS3({ ...request, url: new URL(url) }, keys, 'us-east-1', new Date('2013-05-24T00:00:00Z'));
    expect(signatureOf(signed)).toBe(expected);
  });

  it('signs a token of a session, and keeps keys and secrets out of all headers but the one', () => {
    const signed = signS3({ method: 'GET', url: new URL(site) }, { ...keys, sessionToken: 'tok' }, 'r', new Date(0));
    expect(signed['x-amz-security-token']).toBe('tok');
    expect(signed.authorization).toContain(';x-amz-security-token,');
    expect(JSON.stringify(signed)).not.toContain(keys.secretAccessKey);
  });
});

/** A bucket named `plant`: keeps objects, and refuses what is not signed as it should be. */
async function startBucket() {
  const objects = new Map<string, Buffer>();
  /** Answers in place of the next ones. */
  const failures: ((response: ServerResponse) => void)[] = [];
  const refuse = (response: ServerResponse, status: number, code: string) =>
    void response.writeHead(status).end(`<Error><Code>${code}</Code></Error>`);

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = Buffer.concat(await request.toArray());
    const failure = failures.shift();
    if (failure) return failure(response);
    const url = new URL(request.url ?? '', `http://${request.headers.host}`);
    const stamp = String(request.headers['x-amz-date']);
    const time = new Date(stamp.replace(/(....)(..)(..T..)(..)(..)/, '$1-$2-$3:$4:$5'));
    const expected = signS3({ method: request.method ?? '', url, body }, keys, 'eu-test-1', time);
    if (request.headers['x-amz-content-sha256'] !== createHash('sha256').update(body).digest('hex')) {
      return refuse(response, 400, 'XAmzContentSHA256Mismatch');
    }
    if (request.headers.authorization !== expected.authorization) return refuse(response, 403, 'SignatureDoesNotMatch');
    if (Math.abs(Date.now() - time.getTime()) > 900_000) return refuse(response, 403, 'RequestTimeTooSkewed');
    if (!url.pathname.startsWith('/plant/')) return refuse(response, 404, 'NoSuchBucket');
    const key = url.pathname.slice('/plant/'.length);
    if (request.method === 'PUT') objects.set(key, body);
    else if (request.method === 'DELETE') objects.delete(key);
    else if (!objects.has(key)) return refuse(response, 404, 'NoSuchKey');
    response.writeHead(request.method === 'DELETE' ? 204 : 200).end(request.method === 'GET' ? objects.get(key) : '');
  };
  const server: Server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const address = (bucket: string) => `s3://${bucket}?endpoint=http://127.0.0.1:${port}&region=eu-test-1`;
  return { objects, failures, address, server };
}

describe('blobs in S3', () => {
  let bucket: Awaited<ReturnType<typeof startBucket>>;
  beforeEach(async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', keys.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', keys.secretAccessKey);
    vi.stubEnv('AWS_SESSION_TOKEN', undefined);
    bucket = await startBucket();
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    bucket.server.closeAllConnections();
    bucket.server.close();
  });

  it('keeps bytes under names, and says where there are none', async () => {
    const blobs = await openBlobs(bucket.address('plant/line-1'));
    expect(await blobs.get('audio/ab/abcd.wav')).toBeUndefined();
    const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i);
    await blobs.put('audio/ab/abcd.wav', bytes);
    await blobs.put('empty', new Uint8Array());
    expect([...bucket.objects.keys()]).toEqual(['line-1/audio/ab/abcd.wav', 'line-1/empty']);
    expect(await blobs.get('audio/ab/abcd.wav')).toEqual(bytes);
    expect(await blobs.get('empty')).toEqual(new Uint8Array());
    await blobs.remove('audio/ab/abcd.wav');
    await blobs.remove('audio/ab/abcd.wav');
    expect(await blobs.get('audio/ab/abcd.wav')).toBeUndefined();
    await expect(blobs.get('../other')).rejects.toThrow(/^get: expected a name/);
  });

  it('asks again where the store was busy, broke off, or could not be reached', async () => {
    const blobs = await openBlobs(bucket.address('plant'));
    bucket.failures.push((response) => void response.writeHead(503).end());
    bucket.failures.push((response) => void response.destroy());
    await blobs.put('a', Uint8Array.of(1, 2));
    bucket.failures.push((response) => {
      response.writeHead(200, { 'content-length': '2' }).write('x');
      setImmediate(() => response.destroy());
    });
    expect(await blobs.get('a')).toEqual(Uint8Array.of(1, 2));
  });

  it.each([
    ['wrong keys', 'plant', 'other', /it answers 403 SignatureDoesNotMatch; see that AWS_SECRET_ACCESS_KEY is right/],
    ['no bucket', 'nowhere', keys.secretAccessKey, /cannot PUT a: it answers 404 NoSuchBucket; create the bucket$/],
  ])('says in one line what is wrong: %s', async (_, name, secret, message) => {
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secret);
    const blobs = await openBlobs(bucket.address(name));
    const error = await blobs.put('a', Uint8Array.of(1)).catch((caught) => caught);
    expect(error).toMatchObject({ name: 'StoreError', message: expect.stringMatching(message) });
    expect(error.message).not.toContain(secret);
  });

  it('does not follow a store that points elsewhere', async () => {
    const blobs = await openBlobs(bucket.address('plant'));
    bucket.failures.push((response) => void response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end());
    await expect(blobs.get('a')).rejects.toThrow(/it answers 307/);
  });

  it('says so where the store cannot be reached', async () => {
    const blobs = await openBlobs('s3://plant?endpoint=http://127.0.0.1:1');
    await expect(blobs.get('a')).rejects.toMatchObject({
      name: 'StoreError',
      message: expect.stringMatching(/^blobs s3:\/\/plant at 127.0.0.1:1: cannot GET a: .*; see that the store can be/),
    });
  });

  it.each([
    ['s3://key:secret@plant', /without keys in it/],
    ['s3://plant/../x?endpoint=ftp://host', /got another endpoint/],
    ['s3://PLANT_1', /got the bucket/],
    ['s3://plant/a//b', /expected a name/],
  ])('refuses the address %s', async (address, message) => {
    const error = await openBlobs(address).catch((caught) => caught);
    expect(error).toMatchObject({ name: 'InputError', message: expect.stringMatching(message) });
    expect(error.message).not.toContain('secret');
  });

  it('needs keys', async () => {
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', '');
    await expect(openBlobs('s3://plant')).rejects.toThrow(/^openBlobs: expected the keys of the S3 store in AWS_/);
  });
});

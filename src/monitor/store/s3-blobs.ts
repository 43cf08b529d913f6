// Blobs in a bucket that speaks S3: AWS, MinIO, Ceph, Garage …
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError, oneLine } from '../../signal/errors.ts';
import { checkKey } from './blob-keys.ts';
import { type S3Credentials, signS3 } from './s3-signature.ts';
import { StoreError } from './store-error.ts';
import type { Blobs } from './types.ts';

const REQUEST_MS = 60_000;
/** Servers that are busy, or that a request did not reach, are asked again after these waits. */
const WAITS_MS = [200, 1000];
const BUSY = new Set([429, 500, 502, 503, 504]);

type Place = { bucket: string; prefix: string; endpoint: URL; region: string; name: string };

function placeOf(address: string): Place {
  const expected = 's3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION';
  if (!URL.canParse(address)) throw new InputError(`openBlobs: expected an address such as ${expected}`);
  const url = new URL(address);
  if (url.username !== '' || url.password !== '') {
    throw new InputError(
      `openBlobs: expected ${expected} without keys in it; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY`,
    );
  }
  const bucket = url.hostname;
  const prefix = url.pathname.replace(/^\/+|\/+$/g, '');
  if (!/^[a-z0-9][a-z0-9.-]{1,62}$/.test(bucket)) {
    throw new InputError(`openBlobs: expected ${expected}, got the bucket ${JSON.stringify(bucket)}`);
  }
  if (prefix !== '') checkKey('openBlobs', prefix);
  const region = url.searchParams.get('region') ?? process.env.AWS_REGION ?? 'us-east-1';
  const endpoint = url.searchParams.get('endpoint') ?? `https://s3.${region}.amazonaws.com`;
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    throw new InputError(`openBlobs: expected ${expected}, got another endpoint; it begins with https:// or http://`);
  }
  const { origin, host } = new URL(endpoint);
  return { bucket, prefix, endpoint: new URL(origin), region, name: `s3://${bucket} at ${host}` };
}

function credentialsFrom(env: NodeJS.ProcessEnv): S3Credentials {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = env;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    throw new InputError('openBlobs: expected the keys of the S3 store in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  }
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
  };
}

/** What went wrong as S3 says it in XML: its code, such as `NoSuchKey`. */
const codeIn = (text: string): string | undefined => /<Code>([A-Za-z0-9.]{1,80})<\/Code>/.exec(text)?.[1];

const ADVICE: Record<string, string> = {
  AccessDenied:
    'give the keys the right to get, put and delete there (and to list, or what is missing looks like this)',
  InvalidAccessKeyId: 'see that AWS_ACCESS_KEY_ID is right',
  NoSuchBucket: 'create the bucket',
  RequestTimeTooSkewed: 'set the clock of this machine',
  SignatureDoesNotMatch: 'see that AWS_SECRET_ACCESS_KEY is right',
};

type Answer = { status: number; bytes: Uint8Array<ArrayBuffer>; code?: string };

/**
 * Opens a bucket by `s3://BUCKET/PREFIX?endpoint=URL&region=NAME`, addressed by its path; the keys come from the
 * environment. Nothing is asked of it yet.
 * @throws InputError for an address that is none, or without keys
 */
export function openS3Blobs(address: string): Blobs {
  const { bucket, prefix, endpoint, region, name } = placeOf(address);
  const credentials = credentialsFrom(process.env);

  const askOnce = async (method: string, url: URL, body?: Uint8Array): Promise<Answer> => {
    const response = await fetch(url, {
      method,
      headers: signS3({ method, url, body }, credentials, region, new Date()),
      ...(body && { body: body as Uint8Array<ArrayBuffer> }),
      // A signature is of one host; it goes nowhere else.
      redirect: 'manual',
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const { status } = response;
    if (status >= 300) return { status, bytes, code: codeIn(new TextDecoder().decode(bytes.subarray(0, 4096))) };
    const length = Number(response.headers.get('content-length') ?? bytes.length);
    if (method === 'GET' && length !== bytes.length) throw new Error(`it ends at byte ${bytes.length} of ${length}`);
    return { status, bytes };
  };

  /** All requests may be sent twice: they say what shall be, not what shall change. */
  const ask = async (method: string, key: string, body?: Uint8Array): Promise<Answer> => {
    const url = new URL(`/${[bucket, prefix, key].filter((part) => part !== '').join('/')}`, endpoint);
    const what = `blobs ${name}: cannot ${method} ${key}`;
    for (let tries = 0; ; tries++) {
      try {
        const answer = await askOnce(method, url, body);
        const { status, code } = answer;
        if (status < 300 || (status === 404 && code !== 'NoSuchBucket')) return answer;
        if (!BUSY.has(status) || tries === WAITS_MS.length) {
          const advice = ADVICE[code ?? ''] ?? 'see what the store says of it';
          throw new StoreError(`${what}: it answers ${status}${code ? ` ${code}` : ''}; ${advice}`);
        }
      } catch (error) {
        if (error instanceof StoreError) throw error;
        if (tries === WAITS_MS.length) {
          const { cause, message } = error as Error;
          const reason = oneLine(cause instanceof Error && cause.message ? cause.message : message);
          throw new StoreError(`${what}: ${reason}; see that the store can be reached`);
        }
      }
      await sleep(WAITS_MS[tries] * (0.5 + Math.random()));
    }
  };

  return {
    async put(key, bytes) {
      checkKey('put', key);
      const { status } = await ask('PUT', key, bytes);
      if (status >= 300)
        throw new StoreError(`blobs ${name}: cannot PUT ${key}: it answers ${status}; see its address`);
    },
    async get(key) {
      checkKey('get', key);
      const { status, bytes } = await ask('GET', key);
      return status === 404 ? undefined : bytes;
    },
    async remove(key) {
      checkKey('remove', key);
      await ask('DELETE', key);
    },
    async close() {},
  };
}

// Opening a store of blobs by where it lies.
import { fileURLToPath } from 'node:url';
import { InputError } from '../../signal/errors.ts';
import { openFolderBlobs } from './folder-blobs.node.ts';
import { openS3Blobs } from './s3-blobs.ts';
import type { Blobs } from './types.ts';

/**
 * Opens a store of blobs: a path or `file:` address is a folder (created where there is none),
 * `s3://BUCKET/PREFIX?endpoint=URL&region=NAME` a store that speaks S3 (keys from AWS_ACCESS_KEY_ID and
 * AWS_SECRET_ACCESS_KEY).
 * @throws InputError for an address that is none, StoreError where the store cannot be used
 * @example const blobs = await openBlobs('thrum-blobs');
 */
export async function openBlobs(url: string): Promise<Blobs> {
  const [, scheme] = /^([a-z][a-z0-9+.-]+):\/\//i.exec(url) ?? [];
  if (url !== '' && (scheme === undefined || scheme === 'file')) {
    return openFolderBlobs(scheme === 'file' ? fileURLToPath(url) : url.replace(/^file:/, ''));
  }
  if (scheme === 's3') return openS3Blobs(url);
  throw new InputError(
    `openBlobs: expected a folder, s3://BUCKET or nats://HOST/BUCKET, got ${scheme === undefined ? 'nothing' : `${scheme}://…`}`,
  );
}

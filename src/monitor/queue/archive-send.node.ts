// Sends files of an archive to workers: in the message, through a store, or by their path.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { JetStreamClient } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { InputError } from '../../signal/errors.ts';
import { readRecordingBytes } from '../../signal/read-file.node.ts';
import { systemReason } from '../../signal/system-error.node.ts';
import type { ArchivePlan } from '../hearing/archive-job.ts';
import { encodeHeader, fileKey } from './archive-message.ts';
import type { ArchiveFiles } from './archive-streams.node.ts';
import { ARCHIVE_HEADER, ARCHIVE_PREFIX } from './names.ts';

export type ArchiveSender = {
  connection: NatsConnection;
  js: JetStreamClient;
  run: string;
  plan: ArchivePlan;
  /** Where bytes go that do not fit into a message, and which of the stores of the workers it is. */
  kept: ArchiveFiles;
  store: 'objects' | 'blobs';
  /** Workers see the file under the same path: its bytes stay where they are. */
  shared: boolean;
};

/** `times` tells one sending of a file from the next. */
export type FileToSend = { id: string; file: string; times: number };

/** Of a message, beside header and bytes. */
const MESSAGE_ROOM = 1024;

/**
 * Sends a file. Returns its size, or why it cannot be read. Rejects where the servers do not take it now; a file that
 * arrives twice is heard twice, and counts once.
 */
export async function sendFile(
  { connection, js, run, plan, kept, store, shared }: ArchiveSender,
  { id, file, times }: FileToSend,
): Promise<{ bytes: number } | { reason: string }> {
  const said = { id, file, plan, store };
  const publish = async (header: string, body?: Uint8Array): Promise<void> => {
    const head = headers();
    head.set(ARCHIVE_HEADER, header);
    await js.publish(`${ARCHIVE_PREFIX}${run}`, body, { headers: head, msgID: `${run}/${id}/${times}` });
  };
  if (shared) {
    const path = resolve(file);
    const found = await stat(path).catch((error: unknown) => ({ reason: `${file}: ${systemReason(error)}` }));
    if ('reason' in found) return found;
    await publish(encodeHeader({ ...said, path, bytes: found.size }));
    return { bytes: 0 };
  }
  let content: Uint8Array;
  try {
    content = await readRecordingBytes(file);
  } catch (error) {
    if (error instanceof InputError) return { reason: error.message };
    throw error;
  }
  const bytes = content.length;
  const header = encodeHeader({ ...said, bytes });
  if (bytes <= (connection.info?.max_payload ?? 2 ** 20) - header.length - MESSAGE_ROOM) {
    await publish(header, content);
    return { bytes };
  }
  const key = fileKey(run, id);
  await kept.put(key, content);
  await publish(encodeHeader({ ...said, key, bytes }));
  return { bytes };
}

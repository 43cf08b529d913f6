// The part of a worker that takes files of archives: after the sensors, one file at a time in each lane.

import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, JetStreamClient, JetStreamManager, JsMsg } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { InputError, oneLine } from '../../signal/errors.ts';
import { reasonOf } from '../../training/nats.node.ts';
import type { ArchiveAnswer } from '../hearing/archive-job.ts';
import type { SharedDetector, Sound } from '../hearing/sound.ts';
import type { HearingPool } from '../hearing/types.ts';
import type { Blobs } from '../store/types.ts';
import {
  type ArchiveJobMessage,
  archiveJobSchema,
  decodeHeader,
  detectorKey,
  encodeHeader,
  encodeHeard,
  resultKey,
} from './archive-message.ts';
import {
  type ArchiveFiles,
  type ArchiveStreamOptions,
  ensureArchiveStreams,
  objectFiles,
} from './archive-streams.node.ts';
import { createAttempts, type Failed } from './attempts.node.ts';
import { withHeartbeat } from './message.node.ts';
import {
  ARCHIVE_CONSUMER,
  ARCHIVE_HEADER,
  ARCHIVE_PREFIX,
  ARCHIVE_STREAM,
  ARCHIVED_PREFIX,
  CONSUMER,
  IN_STREAM,
} from './names.ts';

export type ArchiveLanes = ArchiveStreamOptions & {
  connection: NatsConnection;
  jsm: JetStreamManager;
  js: JetStreamClient;
  pool: HearingPool;
  blobs: Blobs;
  /** Folders in which jobs may name files by their path; none by default. */
  folders?: readonly string[];
  maxFailures: number;
  /** Aborted when nothing new is to be taken, and when what runs is to be given back. */
  stopping: AbortSignal;
  giveUp: AbortSignal;
  isTemporary(error: unknown): boolean;
  backoff(times: number): number;
  log(line: string): void;
};

const PULL_MS = 3000;
/** So often it is asked whether recordings of sensors wait, while they do. */
const SENSORS_MS = 500;
/** A file is taken in any case after so long, or an archive would never end in a plant that never rests. */
const SHARE_MS = 60_000;
const HEADER_BYTES = 4096;
const KEPT_DETECTORS = 4;

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const failureOf = ({ file }: ArchiveJobMessage, message: string): ArchiveAnswer => ({
  scores: [],
  embeddings: [],
  failures: [{ file, message: message.includes(file) ? message : `${file}: ${message}` }],
});

/**
 * Takes files of archives until `stopping`: one lane less than the pool has threads, so that one is left to sensors, and
 * only while no recording of a sensor waits, or a minute after the last file. Resolves when all lanes have ended.
 */
export async function runArchiveLanes(parts: ArchiveLanes): Promise<void> {
  const { connection, jsm, js, pool, blobs, stopping, giveUp, backoff, log } = parts;
  const { ackSeconds = 30, maxFailures, folders = [] } = parts;
  const objects = objectFiles(connection, parts.replicas);
  const attempts = createAttempts(jsm, js, 'archive-');
  const detectors = new Map<string, Uint8Array>();
  let lastMs = performance.now();

  const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal: stopping }).catch(() => {});
  const filesOf = ({ store }: ArchiveJobMessage): ArchiveFiles => (store === 'blobs' ? blobs : objects);

  const mayTake = async (): Promise<boolean> =>
    performance.now() - lastMs > SHARE_MS || (await jsm.consumers.info(IN_STREAM, CONSUMER)).num_pending === 0;

  /** Only below the folders that this worker was given. @throws InputError elsewhere, and where it is another file */
  const atPath = async ({ file, path = '', bytes }: ArchiveJobMessage): Promise<Sound> => {
    const refuse = (why: string) =>
      new InputError(`${file}: ${why}; start workers with --archives FOLDER, or leave --shared out`);
    const real = await realpath(path).catch(() => undefined);
    const allowed = await Promise.all(folders.map((folder) => realpath(folder).catch(() => undefined)));
    const inside = real !== undefined && allowed.some((one) => one !== undefined && real.startsWith(`${one}${sep}`));
    if (!inside) throw refuse('a worker does not see it in the folders it may read');
    if ((await stat(real)).size !== bytes) throw refuse('a worker sees another file there, of another size');
    return { kind: 'file', path: real };
  };

  /** Undefined where its bytes are gone: somebody has done it already. */
  const soundOf = async (job: ArchiveJobMessage, message: JsMsg): Promise<Sound | undefined> => {
    if (job.path !== undefined) return atPath(job);
    const bytes = job.key === undefined ? message.data : await filesOf(job).get(job.key);
    return bytes && { kind: 'bytes', bytes, name: job.file };
  };

  const detectorOf = async (
    run: string,
    job: ArchiveJobMessage,
  ): Promise<SharedDetector | { refused: string } | undefined> => {
    if (job.plan.kind !== 'score') return undefined;
    const { detector: key } = job.plan;
    let bytes = detectors.get(key);
    if (!bytes) {
      bytes = await filesOf(job).get(detectorKey(run, key));
      if (!bytes || sha256Of(bytes) !== key) {
        return {
          refused: `the detector ${bytes ? 'is another' : 'is not'} in the store (${job.store}); give the same --blobs as the workers have`,
        };
      }
      detectors.set(key, bytes);
      if (detectors.size > KEPT_DETECTORS) detectors.delete([...detectors.keys()][0]);
    }
    return { key, bytes };
  };

  /** The result is safe before the job is let go of. */
  const answer = async (run: string, job: ArchiveJobMessage, message: JsMsg, heard: ArchiveAnswer): Promise<void> => {
    const said = headers();
    let body: Uint8Array = new Uint8Array();
    if ('refused' in heard) said.set(ARCHIVE_HEADER, encodeHeader({ id: job.id, refused: oneLine(heard.refused) }));
    else {
      body = encodeHeard(heard);
      const large = body.length > (connection.info?.max_payload ?? 2 ** 20) - HEADER_BYTES;
      const key = large ? resultKey(run, job.id) : undefined;
      if (key) {
        await filesOf(job).put(key, body);
        body = new Uint8Array();
      }
      said.set(ARCHIVE_HEADER, encodeHeader({ id: job.id, ...(key && { key }) }));
    }
    await js.publish(`${ARCHIVED_PREFIX}${run}`, body, { headers: said });
    await letGo(message);
  };

  const letGo = async (message: JsMsg): Promise<void> => {
    if (!(await message.ackAck().catch(() => false))) return;
    if (message.info.deliveryCount > 1) await attempts.forget(message.seq).catch(() => {});
  };

  const hearOne = async (message: JsMsg): Promise<void> => {
    const run = message.subject.slice(ARCHIVE_PREFIX.length);
    const job = decodeHeader(message.headers?.get(ARCHIVE_HEADER), archiveJobSchema);
    if (!job) {
      log(`archive ${run}: a job that makes no sense is left out; senders and workers must be of one version`);
      return letGo(message);
    }
    let before: Failed = { failures: 0, reason: '' };
    try {
      if (message.info.deliveryCount > 1) {
        before = await attempts.read(message.seq);
        if (before.failures >= maxFailures) {
          const reason = `failed ${before.failures} times; the last: ${before.reason}`;
          return await answer(run, job, message, failureOf(job, reason));
        }
        // Taken back where this ends in any way that can be told.
        const died = { failures: before.failures + 1, reason: 'the worker that heard it stopped without a word' };
        await attempts.write(message.seq, died);
      }
      const sound = await soundOf(job, message);
      if (!sound) return await letGo(message);
      const detector = await detectorOf(run, job);
      if (detector && 'refused' in detector) return await answer(run, job, message, detector);
      const { plan, file: name } = job;
      const heard = await pool.archive({ sound, name, plan, ...(detector && { detector }) }, { signal: giveUp });
      await answer(run, job, message, heard);
    } catch (error) {
      await failed(run, job, message, error, before);
    }
  };

  const failed = async (run: string, job: ArchiveJobMessage, message: JsMsg, error: unknown, before: Failed) => {
    const aborted = giveUp.aborted && error === giveUp.reason;
    const times = message.info.deliveryCount;
    try {
      if (error instanceof InputError) return await answer(run, job, message, failureOf(job, error.message));
      if (!aborted && !parts.isTemporary(error)) {
        log(`${job.file}: ${reasonOf(error)}`);
        await attempts.write(message.seq, { failures: before.failures + 1, reason: reasonOf(error) });
      } else if (times > 1) await attempts.write(message.seq, before);
    } catch {
      // The servers are away: nothing is lost, it comes again.
    }
    message.nak(aborted ? 0 : Math.round(backoff(times)));
  };

  const lane = async (): Promise<void> => {
    let consumer: Consumer | undefined;
    for (let failures = 0; !stopping.aborted && !connection.isClosed(); ) {
      let message: JsMsg | null = null;
      try {
        if (!consumer) {
          await ensureArchiveStreams(jsm, parts);
          consumer = await js.consumers.get(ARCHIVE_STREAM, ARCHIVE_CONSUMER);
        }
        if (await mayTake()) message = await consumer.next({ expires: PULL_MS });
        else await pause(SENSORS_MS);
        failures = 0;
      } catch (error) {
        if (failures === 5) log(`no files of archives can be taken: ${reasonOf(error)}`);
        consumer = undefined;
        await pause(backoff(Math.min(3, failures++)));
      }
      if (!message) continue;
      if (stopping.aborted) message.nak(0);
      else {
        lastMs = performance.now();
        await withHeartbeat(message, ackSeconds, () => hearOne(message));
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, pool.load().threads - 1) }, lane));
}

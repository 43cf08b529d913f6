// Spreads the files of an archive over workers, and collects what comes of them: each file once, whatever dies meanwhile.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { JetStreamApiError, jetstream, jetstreamManager, type StoredMsg } from '@nats-io/jetstream';
import { InputError } from '../../signal/errors.ts';
import { connectServers, reasonOf } from '../../training/nats.node.ts';
import type { ArchiveHeard, ArchivePlan } from '../hearing/archive-job.ts';
import type { Blobs } from '../store/types.ts';
import { openArchiveFolder } from './archive-folder.node.ts';
import { archiveResultSchema, decodeHeader, decodeHeard, detectorKey, fileKey, resultKey } from './archive-message.ts';
import { sendFile } from './archive-send.node.ts';
import { ensureArchiveStreams, objectFiles } from './archive-streams.node.ts';
import {
  ARCHIVE_CONSUMER,
  ARCHIVE_HEADER,
  ARCHIVE_PREFIX,
  ARCHIVE_STREAM,
  ARCHIVED_PREFIX,
  ARCHIVED_STREAM,
  IN_STREAM,
} from './names.ts';

export type ArchiveOptions = {
  /** `nats://host:4222`; several: servers of one cluster. */
  servers: readonly string[];
  files: readonly string[];
  plan: ArchivePlan;
  /** Bytes of the detector that the plan names. */
  detector?: Uint8Array;
  /** Where partitions go. */
  folder: string;
  /** The store of the workers, for what does not fit into a message; by default an object store of the servers. */
  blobs?: Blobs;
  /** Workers see the files under the same paths: no bytes are sent. */
  shared?: boolean;
  /** Ends the work early; the same command goes on later. */
  signal?: AbortSignal;
  /** Files that workers have at a time, and their bytes. */
  window?: { files: number; bytes: number };
  /** A partition is written when it has so many rows, or bytes. */
  part?: { rows: number; bytes: number };
  onProgress?(done: number, total: number): void;
  log?(line: string): void;
};

export type ArchiveSummary = {
  files: number;
  failed: number;
  rows: number;
  parts: number;
  /** Not all files are done: the signal came first. */
  interrupted: boolean;
};

/** A file that workers have. */
type Sent = { id: string; file: string; bytes: number; times: number; isOut: boolean };

const NO_MESSAGE = new Set([10037, 404]);
const IDLE_MS = 200;
const RETRY_MS = 1000;
/** So often, while nothing comes, it is asked whether jobs were lost with a server. */
const LOST_MS = 3000;
/** Rows do not wait longer than this for a partition to be full, while nothing comes. */
const QUIET_MS = 60_000;
/** A file is sent again where the servers have lost it. */
const MOST_TIMES = 5;

const idOf = (file: string): string => createHash('sha256').update(file).digest('hex').slice(0, 32);

/**
 * Has every file embedded or scored by workers, and writes partitions into a folder: each file is in them once, though this
 * process, workers and servers are killed meanwhile and the same call is made again. Files that fail stand in failed.csv.
 * @throws InputError where servers or folder cannot be used, and where workers refuse the plan
 */
export async function runArchive(options: ArchiveOptions): Promise<ArchiveSummary> {
  const { servers, files, plan, detector, blobs, shared = false, signal, log = () => {} } = options;
  const { window = { files: 256, bytes: 2 ** 28 }, part = { rows: 100_000, bytes: 2 ** 26 } } = options;
  const folder = await openArchiveFolder(options.folder, plan, files);
  const todo = files.filter((file) => !folder.isDone(file));
  const summary = (interrupted = false): ArchiveSummary => ({ ...folder.totals(), interrupted });
  if (todo.length === 0) {
    folder.write();
    folder.close();
    return summary();
  }
  const { connection, names } = await connectServers(servers, 'thrum archive', 'runArchive').catch((error) => {
    folder.close();
    throw error;
  });
  const jsm = await jetstreamManager(connection, { checkAPI: false });
  const js = jetstream(connection);
  const { run } = folder;
  const [jobs, results] = [`${ARCHIVE_PREFIX}${run}`, `${ARCHIVED_PREFIX}${run}`];
  const store = blobs ? 'blobs' : 'objects';

  /** As many copies as the recordings of sensors have. */
  const replicas = await jsm.streams.info(IN_STREAM).then(
    ({ config }) => config.num_replicas,
    () => 1,
  );
  const kept = blobs ?? objectFiles(connection, replicas);
  const fileOf = new Map(todo.map((file) => [idOf(file), file]));
  const out = new Map<string, Sent>();
  /** What may be removed from the store once what came of it is written. */
  const spent: string[] = [];
  /** Tells what this process sends from what one before it has sent. */
  const started = Date.now();
  let at = 0;
  let seen = 0;
  let written = 0;
  let finished = files.length - todo.length;

  const prepare = async (): Promise<void> => {
    try {
      await ensureArchiveStreams(jsm, { replicas });
    } catch (error) {
      throw new InputError(
        `runArchive: the servers refuse (${reasonOf(error)}); start them with JetStream (nats-server -js) and enough storage`,
      );
    }
    // What an interrupted command left: results are taken, jobs are sent again as they are needed.
    await jsm.streams.purge(ARCHIVE_STREAM, { filter: jobs });
    if (detector && plan.kind === 'score') await kept.put(detectorKey(run, plan.detector), detector);
  };

  const settle = (id: string): void => {
    out.delete(id);
    fileOf.delete(id);
    options.onProgress?.(++finished, files.length);
  };
  const failFile = ({ id, file }: Sent, message: string): void => {
    folder.add(file, { scores: [], embeddings: [], failures: [{ file, message }] });
    settle(id);
  };

  /** The next result, in the order of the stream. */
  const nextResult = async (): Promise<StoredMsg | null> => {
    try {
      return await jsm.direct.getMessage(ARCHIVED_STREAM, { seq: seen + 1, next_by_subj: results });
    } catch (error) {
      if (error instanceof JetStreamApiError && NO_MESSAGE.has(error.code)) return null;
      throw error;
    }
  };

  const readResult = (file: string, bytes: Uint8Array): ArchiveHeard | undefined => {
    try {
      return decodeHeard(bytes);
    } catch (error) {
      log(`${file}: ${reasonOf(error)}`);
      return undefined;
    }
  };

  const take = async (message: StoredMsg): Promise<void> => {
    const said = decodeHeader(message.header?.get(ARCHIVE_HEADER), archiveResultSchema);
    const file = said && fileOf.get(said.id);
    if (said && file !== undefined && said.refused !== undefined) {
      commit();
      // What another worker has in hand at this moment is found by the next command.
      await jsm.streams.purge(ARCHIVE_STREAM, { filter: jobs });
      await jsm.streams.purge(ARCHIVED_STREAM, { filter: results });
      throw new InputError(`runArchive: a worker refuses: ${said.refused}; mend that, and give the same command again`);
    }
    if (said && file !== undefined) {
      const bytes = said.key === undefined ? message.data : await kept.get(resultKey(run, said.id));
      const heard = bytes && readResult(file, bytes);
      // Gone with a server, or damaged: the file will be missed, and sent again.
      if (heard) {
        folder.add(file, heard);
        if (said.key !== undefined) spent.push(resultKey(run, said.id));
        if (!shared) spent.push(fileKey(run, said.id));
        settle(said.id);
      }
    }
    seen = message.seq;
  };

  /** Rejects where the servers do not take it now. */
  const send = async (sent: Sent): Promise<void> => {
    const outcome = await sendFile(
      { connection, js, run, plan, kept, store, shared },
      { ...sent, times: started + sent.times },
    );
    if ('reason' in outcome) return failFile(sent, outcome.reason);
    sent.bytes = outcome.bytes;
    sent.isOut = true;
  };

  /** Files in hand are bounded in number and in bytes; one may always go. */
  const fill = async (): Promise<void> => {
    for (const sent of out.values()) if (!sent.isOut) await send(sent);
    const bytes = (): number => [...out.values()].reduce((sum, sent) => sum + sent.bytes, 0);
    for (let i = 0; i < 16 && at < todo.length && out.size < window.files; i++) {
      if (out.size > 0 && bytes() >= window.bytes) return;
      const file = todo[at++];
      const id = idOf(file);
      // Its result was there already.
      if (!fileOf.has(id)) continue;
      const sent: Sent = { id, file, bytes: 0, times: 1, isOut: false };
      out.set(id, sent);
      await send(sent);
    }
  };

  const commit = (): void => {
    folder.write();
    written = seen;
  };

  /** What is in a partition is forgotten by the servers. */
  const tidy = async (): Promise<void> => {
    await jsm.streams.purge(ARCHIVED_STREAM, { filter: results, seq: written + 1 });
    for (const key of spent.splice(0)) await kept.remove(key).catch(() => {});
  };

  /** Jobs that the servers have lost are sent again. */
  const findLost = async (): Promise<void> => {
    const { state } = await jsm.streams.info(ARCHIVE_STREAM, { subjects_filter: jobs });
    // A stream that was lost with its servers, and made again, counts from 1.
    if ((await jsm.streams.info(ARCHIVED_STREAM)).state.last_seq < seen) seen = written = 0;
    if ((state.subjects?.[jobs] ?? 0) > 0 || (await nextResult())) return;
    for (const sent of out.values()) {
      if (sent.times >= MOST_TIMES) {
        throw new InputError(
          `runArchive: ${sent.file} was sent ${sent.times} times, and no worker found it; see that workers have the same --blobs, then give the same command again`,
        );
      }
      sent.times++;
      sent.isOut = false;
    }
  };

  let silent = false;
  const findWorkers = async (): Promise<void> => {
    const { num_waiting: waiting, num_ack_pending: busy } = await jsm.consumers.info(ARCHIVE_STREAM, ARCHIVE_CONSUMER);
    if (waiting + busy === 0 && !silent)
      log('no worker takes files; start some with thrum worker, or wait for sensors');
    silent = waiting + busy === 0;
  };

  /** One round; false where nothing has happened. */
  const round = async (): Promise<boolean> => {
    let moved = false;
    for (let i = 0; i < 256; i++) {
      const message = await nextResult();
      if (!message) break;
      await take(message);
      moved = true;
      const { rows, bytes } = folder.buffered();
      if (rows < part.rows && bytes < part.bytes) continue;
      commit();
      await tidy();
    }
    // Results of an interrupted command come first: their files are not sent.
    if (moved && at === 0) return true;
    const before = at;
    await fill();
    return moved || at > before;
  };

  const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal }).catch(() => {});
  const collect = async (): Promise<void> => {
    let troubles = 0;
    let lastMs = performance.now();
    let askedMs = lastMs;
    while (fileOf.size > 0 && !signal?.aborted) {
      try {
        const now = performance.now();
        if (await round()) lastMs = askedMs = now;
        else if (now - askedMs > LOST_MS) {
          askedMs = now;
          await findLost();
          await findWorkers();
          if (now - lastMs > QUIET_MS && folder.buffered().rows > 0) {
            commit();
            await tidy();
          }
        } else await pause(IDLE_MS);
        troubles = 0;
      } catch (error) {
        if (error instanceof InputError) throw error;
        if (connection.isClosed())
          throw new InputError(`runArchive: ${names} ended the connection (${reasonOf(error)})`);
        if (troubles++ === 5) log(`waiting for ${names}: ${reasonOf(error)}`);
        if (troubles > 2) await ensureArchiveStreams(jsm, { replicas }).catch(() => {});
        await pause(RETRY_MS);
      }
    }
  };

  /** Nothing is left on the servers; where they are away, they forget it by themselves later. */
  const leave = async (): Promise<void> => {
    await tidy();
    await jsm.streams.purge(ARCHIVE_STREAM, { filter: jobs });
    if (fileOf.size > 0) return;
    await jsm.streams.purge(ARCHIVED_STREAM, { filter: results });
    if (plan.kind === 'score') await kept.remove(detectorKey(run, plan.detector));
  };

  try {
    await prepare();
    await collect();
    commit();
    await leave().catch(() => {});
    return summary(fileOf.size > 0);
  } finally {
    folder.close();
    await connection.close();
  }
}

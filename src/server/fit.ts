// Fitting a detector to recordings that are stored.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { QueueFullError } from '../monitor/hearing/errors.ts';
import type { Sound } from '../monitor/hearing/sound.ts';
import type { FitOutcome, HearingPool } from '../monitor/hearing/types.ts';
import type { Ingest } from '../monitor/ingest.ts';
import type { Blobs, DetectorVersion, Store, StoredRecording } from '../monitor/store/types.ts';
import { InputError } from '../signal/errors.ts';
import type { Detectors } from './detectors.ts';
import type { JobResult, Progress } from './jobs.ts';
import type { ApiFitRequest } from './schemas.ts';

export type FitParts = {
  store: Store;
  blobs: Blobs;
  pool: Pick<HearingPool, 'fit'>;
  detectors: Detectors;
  ingest: Pick<Ingest, 'editMachine'>;
  scratch: string;
  maxSamples: number;
};

export type FitOrder = Required<Omit<ApiFitRequest, 'hashes' | 'labels'>> & Pick<ApiFitRequest, 'hashes' | 'labels'>;

/** `learned`: hashes of the recordings in its bank. */
export type FitResult = JobResult & { version: DetectorVersion; learned: ReadonlySet<string> };

/** Recordings that one fit reads at most. */
const MOST = 10_000;
const PAGE = 500;
/** A fit waits for its turn with everybody else. */
const RETRY_MS = 1000;

/** Read page by page: the thread that answers requests takes in no ten thousand rows at once. */
async function newest(store: Store, machine: string): Promise<StoredRecording[]> {
  const found: StoredRecording[] = [];
  while (found.length < MOST) {
    const page = await store.recordings({ machine, limit: PAGE, before: found.at(-1) });
    found.push(...page);
    if (page.length < PAGE) break;
  }
  return found;
}

/** Oldest first, so that neighbours in time lie together. */
async function chosen(store: Store, { machine, hashes }: FitOrder): Promise<StoredRecording[]> {
  if (!hashes) return (await newest(store, machine)).reverse();
  const found: StoredRecording[] = [];
  for (const hash of new Set(hashes)) {
    const recording = await store.recording({ machine, hash });
    if (!recording) throw new InputError(`fit: expected recordings of ${machine}, found no ${hash}`);
    found.push(recording);
  }
  return found.sort((a, b) => a.startMs - b.startMs);
}

/** Labels that were given to recordings before, the newest of each; those of the order go before them. */
async function labelsOf(store: Store, { machine, labels }: FitOrder): Promise<Map<string, string>> {
  const known = new Map<string, string>();
  const stored = await store.labels({ machine, limit: MOST });
  for (const { hash, label, undone } of stored.reverse()) if (!undone) known.set(hash, label);
  for (const [hash, label] of Object.entries(labels ?? {})) known.set(hash, label);
  return known;
}

/** Names as a bank shows them, each once: the file's own where no other has it. */
export function bankNames(recordings: readonly Pick<StoredRecording, 'name' | 'hash'>[]): string[] {
  const count = new Map<string, number>();
  for (const { name } of recordings) count.set(name, (count.get(name) ?? 0) + 1);
  return recordings.map(({ name, hash }) => (count.get(name) === 1 ? name : `${name} (${hash.slice(0, 12)})`));
}

/** A record of a file in a bank has `#…` behind the name of the file, which may have one of its own. */
const MOST_NAMES = 8;

/** The recordings that `file` in a bank may be: by name, or by name and the beginning of the hash. Whole names come first. */
export function namesIn(file: string): { name: string; hashStart?: string }[] {
  const parts = file.split('#');
  const wholes = parts.map((_, i) => parts.slice(0, parts.length - i).join('#')).slice(0, MOST_NAMES);
  return wholes.flatMap((whole) => {
    const [, name, hashStart] = /^(.*) \(([0-9a-f]{12})\)$/s.exec(whole) ?? [];
    return [{ name: whole }, ...(name === undefined ? [] : [{ name, hashStart }])];
  });
}

type Spooled = { sounds: Sound[]; kept: StoredRecording[]; failures: FitOutcome['failures'] };

/** Sounds as files: a fit on ten thousand recordings holds none of them in memory. */
async function spool(blobs: Blobs, recordings: readonly StoredRecording[], folder: string, maxSamples: number) {
  const result: Spooled = { sounds: [], kept: [], failures: [] };
  for (const [i, recording] of recordings.entries()) {
    const bytes = recording.blob === undefined ? undefined : await blobs.get(recording.blob);
    if (!bytes) {
      result.failures.push({ file: recording.name, message: `${recording.name}: its sound is no longer kept` });
      continue;
    }
    const path = join(folder, String(i));
    await writeFile(path, bytes, { mode: 0o600 });
    // Files without a rate of their own were given one when they came.
    const { sampleRate, variable } = recording;
    result.sounds.push({ kind: 'file', path, read: { sampleRate, variable, maxSamples } });
    result.kept.push(recording);
  }
  return result;
}

/** Waits for a place in the queue, behind what comes live. */
export async function whenFree<T>(work: () => Promise<T>): Promise<T> {
  while (true) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof QueueFullError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/**
 * Fits a new version of detector `name`.
 * @throws InputError where there are no recordings, or they cannot be fitted to
 */
export async function fitStored(
  parts: FitParts,
  name: string,
  order: FitOrder,
  progress: Progress,
): Promise<FitResult> {
  const { store, blobs, pool, detectors } = parts;
  const recordings = await chosen(store, order);
  if (recordings.length === 0)
    throw new InputError(`fit: ${order.machine} has no recordings; upload normal ones first`);
  const labels = await labelsOf(store, order);
  const folder = await mkdtemp(join(parts.scratch, 'fit-'));
  try {
    const { sounds, kept, failures } = await spool(blobs, recordings, folder, parts.maxSamples);
    const names = bankNames(kept);
    const { encoder, segmentSeconds, channel, falseAlarmRate } = order;
    const outcome = await whenFree(() =>
      pool.fit(
        {
          ...{ sounds, names, encoder, segmentSeconds, channel, settings: { falseAlarmRate } },
          ...(labels.size > 0 && { labels: kept.map(({ hash }) => labels.get(hash)) }),
        },
        progress,
      ),
    );
    const failed = new Set(outcome.failures.map(({ file }) => file));
    const learned = kept.filter((_, i) => !failed.has(names[i]));
    const version = await detectors.add(
      name,
      outcome.bytes,
      { origin: 'fitted', note: order.note },
      { recordings: learned.map(({ machine, hash }) => ({ machine, hash })) },
      order.use,
    );
    if (order.use) await parts.ingest.editMachine(order.machine, (one) => ({ ...one, detector: version.name }));
    // Where the files lay meanwhile is nobody's business.
    const plain = outcome.failures.map(({ file, message }) => ({ file, message: message.replaceAll(folder, '') }));
    const current = (await store.detector(name, version.version)) ?? version;
    const hashes = new Set(learned.map(({ hash }) => hash));
    return {
      ...{ detector: current, warnings: outcome.warnings, failures: [...failures, ...plain] },
      ...{ version: current, learned: hashes },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

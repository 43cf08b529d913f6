// The way of a recording into the store: hashed, heard, kept, decided on, and recorded once.
import { createHash } from 'node:crypto';
import { createByteCache } from '../detection/byte-cache.ts';
import { InputError } from '../signal/errors.ts';
import type { ReadOptions } from '../signal/recording.ts';
import type { AlarmChange, AlarmPolicy, AlarmState, Observation } from './alarm/types.ts';
import type { HearingPool } from './hearing/types.ts';
import { createLanes } from './lanes.ts';
import type {
  Blobs,
  DetectorVersion,
  Machine,
  ScoredResult,
  Store,
  StoredRecording,
  StoredScore,
} from './store/types.ts';
import type { Heard, TimeMs } from './types.ts';

/** Decides on alarms of one machine, from the state that was left last time. */
export type AlarmEngine = { observe(heard: Observation): AlarmChange[]; state(): AlarmState };

export type IngestParts = {
  store: Store;
  blobs: Blobs;
  pool: Pick<HearingPool, 'hear' | 'inspect'>;
  createAlarms(machine: string, policy: AlarmPolicy, state?: AlarmState): AlarmEngine;
  /** Of machines that are not known yet. */
  policy: AlarmPolicy;
  /** Called once for every recording that was not there before, or that another version has scored. */
  onResult?(result: Ingested): void;
  now?(): TimeMs;
  /** What files of detectors may take of memory (256 MiB); the last one stays in any case. */
  detectorBytes?: number;
};

export type IngestInput = {
  machine: string;
  /** As the sender calls it; shown, never used as a path. */
  name: string;
  /** When its first sample was taken; the time of arrival where it is not known. */
  startMs?: TimeMs;
  bytes: Uint8Array;
  /** SHA-256 of the bytes in hexadecimal, where the caller has found it on the way. */
  hash?: string;
  read?: Omit<ReadOptions, 'name'>;
  /** False: keep it, and score nothing (recordings to fit on). */
  score?: boolean;
  signal?: AbortSignal;
};

export type Ingested = {
  recording: StoredRecording;
  /** It was there before; nothing was stored, unless a new version of the detector scored it. */
  known: boolean;
  /** By the version in use; none where the machine has no detector, or nothing was to be scored. */
  scores: StoredScore[];
  changes: AlarmChange[];
};

export type Ingest = {
  /**
   * Stores a recording once, whoever sends it and how often. Nothing is stored of one that cannot be read.
   * @throws InputError for bytes that are no recording, or not of the detector's rate; QueueFullError where the pool
   * takes no more; what store and blobs reject with.
   */
  ingest(input: IngestInput): Promise<Ingested>;
  /** The machine of this name, made with the usual policy if there is none. */
  ensureMachine(name: string): Promise<Machine>;
  /** Changes it, made first if there is none; changes of one machine are made one after the other. */
  editMachine(name: string, change: (machine: Machine) => Machine): Promise<Machine>;
};

/** Other processes may decide on the same machine's alarms meanwhile; each of them wins once, so this is plenty. */
const CONFLICTS = 50;
/** Files of detectors in memory, those used last. */
const DETECTOR_BYTES = 2 ** 28;
/** Bytes that are hashed before other work gets its turn. */
const HASH_PIECE = 2 ** 20;

/** SHA-256 in hexadecimal, in pieces: other work is not kept waiting. */
export async function hashBytes(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += HASH_PIECE) {
    if (at > 0) await new Promise((resolve) => setImmediate(resolve));
    hash.update(bytes.subarray(at, at + HASH_PIECE));
  }
  return hash.digest('hex');
}

/** Where the bytes of a recording lie. Machines share none, so that one can be removed alone. */
export const audioKey = (machine: string, hash: string): string => `audio/${machine}/${hash.slice(0, 2)}/${hash}`;

/**
 * A dead sensor sends the same bytes over and over: what it says at another time is another recording, or nobody
 * would ever be told. Its hash is that of both; the same bytes of the same time are the same recording still.
 */
const repeatHash = (hash: string, startMs: TimeMs): string =>
  createHash('sha256').update(`${hash}@${startMs}`).digest('hex');

const lengthOf = (heard: readonly Heard[], startMs: TimeMs): number =>
  Math.max(...heard.map((one) => (one.startMs - startMs) / 1000 + one.durationSeconds));

/** Prepares the way. Decisions on one machine's alarms are made one after the other, all else side by side. */
export function createIngest(parts: IngestParts): Ingest {
  const { store, blobs, pool, now = Date.now } = parts;
  const lanes = createLanes();
  const detectors = createByteCache<Uint8Array>(parts.detectorBytes ?? DETECTOR_BYTES);

  const detectorBytes = (version: DetectorVersion): Promise<Uint8Array> =>
    detectors.get(version.blob, async () => {
      const value = await readBlob(version);
      return { value, bytes: value.length };
    });
  const readBlob = async ({ name, version, blob }: DetectorVersion): Promise<Uint8Array> => {
    const bytes = await blobs.get(blob);
    if (!bytes) throw new Error(`the file of detector ${name}, version ${version}, is missing`);
    return bytes;
  };

  const ensureMachine = async (name: string): Promise<Machine> =>
    (await store.machine(name)) ??
    lanes(`machine ${name}`, async () => {
      const found = await store.machine(name);
      if (found) return found;
      const machine = { name, policy: parts.policy, createdMs: now() };
      await store.putMachine(machine);
      return machine;
    });

  const editMachine: Ingest['editMachine'] = (name, change) =>
    lanes(`machine ${name}`, async () => {
      const changed = change((await store.machine(name)) ?? { name, policy: parts.policy, createdMs: now() });
      await store.putMachine(changed);
      return changed;
    });

  const scoresOf = async (key: { machine: string; hash: string }, by?: DetectorVersion): Promise<StoredScore[]> => {
    const scores = await store.scores({ ...key });
    return scores.filter(({ detector, version }) => detector === by?.name && version === by.version);
  };

  /** The recording this one is, where it is known. */
  const find = async ({ machine, startMs }: IngestInput, hash: string) => {
    const first = await store.recording({ machine, hash });
    if (!first || startMs === undefined || startMs === first.startMs) return { hash, stored: first };
    const [score] = await store.scores({ machine, hash, limit: 1 });
    if (!score?.constant) return { hash, stored: first };
    const repeated = repeatHash(hash, startMs);
    return { hash: repeated, stored: await store.recording({ machine, hash: repeated }) };
  };

  const hear = async (input: IngestInput, startMs: TimeMs, version: DetectorVersion) =>
    pool.hear(
      {
        sound: { kind: 'bytes', bytes: input.bytes, name: input.name, read: input.read },
        detector: { key: version.blob, bytes: await detectorBytes(version) },
        startMs,
      },
      { signal: input.signal },
    );

  /** Scores and alarms become true at once; where another process was quicker, alarms are decided on again. */
  const record = async (machine: Machine, result: ScoredResult, decide: boolean) => {
    for (let attempt = 0; attempt < CONFLICTS; attempt++) {
      const alarms = decide ? await decided(machine, result) : undefined;
      const outcome = await store.record({ ...result, ...(alarms && { alarms }) });
      if (outcome !== 'conflict') return { outcome, changes: outcome === 'stored' ? [...(alarms?.changes ?? [])] : [] };
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * (attempt + 1)));
    }
    throw new Error(
      `alarms of ${machine.name} could not be decided on: other processes were quicker ${CONFLICTS} times`,
    );
  };
  const decided = async (machine: Machine, { recording, scores }: ScoredResult) => {
    const { state, revision } = await store.alarmState(machine.name);
    const engine = parts.createAlarms(machine.name, machine.policy, state);
    const changes = scores.flatMap((score) => engine.observe({ ...score, recording: recording.hash }));
    return { changes, state: engine.state(), revision };
  };

  const ingest = async (input: IngestInput): Promise<Ingested> => {
    if (input.bytes.length === 0) throw new InputError(`ingest: expected a recording, found no bytes (${input.name})`);
    const machine = await ensureMachine(input.machine);
    const { hash, stored } = await find(input, input.hash ?? (await hashBytes(input.bytes)));
    const key = { machine: machine.name, hash };
    const version = input.score === false || !machine.detector ? undefined : await store.detector(machine.detector);
    if (stored && (!version || (await store.isKnown(key, version)))) {
      return { recording: stored, known: true, scores: await scoresOf(key, version), changes: [] };
    }
    const receivedMs = now();
    const startMs = stored?.startMs ?? input.startMs ?? receivedMs;
    const heard = version ? await hear(input, startMs, version) : [];
    const { durationSeconds, sampleRate } = version
      ? { durationSeconds: lengthOf(heard, startMs), sampleRate: heard[0].sampleRate }
      : await pool.inspect({ kind: 'bytes', bytes: input.bytes, name: input.name, read: input.read });
    const recording: StoredRecording = stored ?? {
      ...key,
      name: input.name,
      startMs,
      durationSeconds,
      sampleRate,
      bytes: input.bytes.length,
      receivedMs,
      blob: audioKey(machine.name, hash),
      ...(input.read?.variable !== undefined && { variable: input.read.variable }),
    };
    // What is recorded has its sound: a process that ends between the two leaves bytes that nobody misses.
    if (!stored && recording.blob) await blobs.put(recording.blob, input.bytes);
    const scores = heard.map((one, index): StoredScore => {
      return { ...one, ...key, index, detector: version?.name ?? '', version: version?.version ?? 0 };
    });
    // A recording of long ago, heard by a new version, is no news.
    const decide = scores.length > 0 && !(stored && (await store.isKnown(key)));
    const { outcome, changes } = await lanes(`alarms ${machine.name}`, async () =>
      record((await store.machine(machine.name)) ?? machine, { recording, scores }, decide),
    );
    if (outcome === 'known') {
      const first = (await store.recording(key)) ?? recording;
      return { recording: first, known: true, scores: await scoresOf(key, version), changes: [] };
    }
    const result = { recording, known: stored !== undefined, scores, changes };
    parts.onResult?.(result);
    return result;
  };

  return { ingest, ensureMachine, editMachine };
}

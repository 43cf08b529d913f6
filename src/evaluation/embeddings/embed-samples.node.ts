// Embeddings of the samples of a data set: from the store where they are kept, from the encoder where they are not.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { EmbedJob, Failure } from '../../encoders/embed-file.node.ts';
import { embedFiles } from '../../encoders/embed-pool.node.ts';
import type { EmbeddedRecording } from '../../encoders/embed-recording.ts';
import { type EncoderSpec, identifyEncoder } from '../../encoders/load.node.ts';
import type { WindowRule } from '../../encoders/windows.ts';
import { systemReason } from '../../signal/system-error.node.ts';
import type { Sample } from '../datasets/types.ts';
import { createHasher, type EmbeddingStore, openStore } from './store.node.ts';
import type { StoredRecording } from './stored-recording.ts';

/** How samples are brought to an encoder. */
export type Hearing = {
  /** From 0; `all` for every channel of a file. */
  channels: readonly number[] | 'all';
  /** Pieces that are items of their own. */
  pieceSeconds?: number;
  /** Share of a piece from which a remainder makes a last one. */
  pieceRemainder?: number;
  windows?: WindowRule;
  gain?: number;
  /** Hz that recordings are brought to; their own rate by default. */
  sampleRate?: number;
};

export type EmbedSamplesOptions = {
  /** The folder of the data set. */
  root: string;
  samples: readonly Sample[];
  hearing: Hearing;
  storeFolder: string;
  workers?: number;
  /** After every sample that was not in the store; `done` counts those that were, too. */
  onSample?: (done: number, total: number) => void;
};

/** Embeddings of samples, read from disk when they are asked for. */
export type Embeddings = {
  /** Those that could be read, in their order. */
  samples: Sample[];
  failures: Failure[];
  /** SHA-256 of the file of a sample, with the array of it where the file holds several samples. */
  contentOf(sample: Sample): string;
  load(sample: Sample): StoredRecording;
  close(): void;
};

const toStored = (recording: EmbeddedRecording, channels: number): StoredRecording => {
  const { segments, name, sampleRate, durationSeconds, constant, peak } = recording;
  const width = segments[0]?.vector.length ?? 0;
  const values = new Float32Array(segments.length * width);
  for (const [i, { vector }] of segments.entries()) values.set(vector, i * width);
  return {
    name,
    sampleRate,
    seconds: durationSeconds,
    constant,
    peak,
    channels,
    segments: segments.length,
    columns: width / channels,
    values,
  };
};

/** What makes one embedding of a file differ from another: all but the encoder, which the store knows. */
const keyOf = (content: string, { read, record }: Sample): string =>
  JSON.stringify([content, read?.variable ?? null, read?.sampleRate ?? null, record ?? null]);

const contentName = ({ sample: { read, record }, content }: Pending): string =>
  [content, read?.variable, record].filter((part) => part !== undefined).join('#');

function jobFor(root: string, sample: Sample, hearing: Hearing, detail: EmbedJob['detail']): EmbedJob {
  return {
    path: join(root, sample.path),
    read: sample.read ?? {},
    preparation: {
      channel: hearing.channels,
      segmentSeconds: hearing.pieceSeconds ?? null,
      ...(hearing.pieceRemainder !== undefined && { remainder: hearing.pieceRemainder }),
      ...(hearing.gain !== undefined && { gain: hearing.gain }),
      ...(hearing.sampleRate !== undefined && { sampleRate: hearing.sampleRate, resample: true }),
    },
    detail,
    ...(sample.record !== undefined && { record: sample.record }),
    ...(hearing.windows && detail !== 'peak' && { windows: hearing.windows }),
  };
}

/** Of files with the same content only one was read, and its message speaks of that one. */
const aboutFile = ({ path }: Sample, message: string): string =>
  message.includes(path) ? message : `${path}: has the same content as another file; ${message}`;

type Pending = { sample: Sample; content: string; key: string };

/** Hashes every file; those that cannot be read are failures. */
function identify(options: EmbedSamplesOptions, failures: Failure[]): Pending[] {
  const hasher = createHasher(options.storeFolder);
  const found: Pending[] = [];
  for (const sample of options.samples) {
    const path = join(options.root, sample.path);
    try {
      const content = hasher.hashOf(path);
      found.push({ sample, content, key: keyOf(content, sample) });
    } catch (error) {
      const reason = existsSync(path) ? systemReason(error) : 'no such file';
      failures.push({ file: sample.path, message: `${sample.path}: ${reason}` });
    }
  }
  hasher.save();
  return found;
}

/** Embeds what the store lacks. Returns the message of every key that failed. */
async function fillStore(
  spec: EncoderSpec,
  store: EmbeddingStore,
  pending: readonly Pending[],
  options: EmbedSamplesOptions,
  detail: EmbedJob['detail'],
): Promise<Map<string, string>> {
  // Files with the same content and the same reading are heard once.
  const missing = new Map<string, Pending>();
  for (const one of pending) if (!store.has(one.key)) missing.set(one.key, one);
  const queue = [...missing.values()];
  const failed = new Map<string, string>();
  if (queue.length === 0) return failed;
  const total = options.samples.length;
  let done = total - queue.length;
  let next = 0;
  const jobs = queue.map(({ sample }) => jobFor(options.root, sample, options.hearing, detail));
  const pool = { ...(options.workers !== undefined && { workers: options.workers }) };
  for await (const { recordings, failures } of embedFiles(spec, jobs, pool)) {
    const { key, sample } = queue[next++];
    // The place of the data set on this machine is nobody's business: results are shared.
    if (failures.length > 0) failed.set(key, failures[0].message.replaceAll(`${options.root}/`, ''));
    else if (recordings.length !== 1) {
      failed.set(key, `${sample.path}: expected one recording, found ${recordings.length}`);
    } else {
      const { channels } = options.hearing;
      store.put(key, [toStored(recordings[0], channels === 'all' ? recordings[0].channelCount : channels.length)]);
    }
    options.onSample?.(++done, total);
  }
  return failed;
}

async function open(
  spec: EncoderSpec,
  store: EmbeddingStore,
  options: EmbedSamplesOptions,
  detail: EmbedJob['detail'],
): Promise<Embeddings> {
  const failures: Failure[] = [];
  const pending = identify(options, failures);
  const failed = await fillStore(spec, store, pending, options, detail);
  const known = new Map<Sample, Pending>();
  for (const one of pending) {
    const message = failed.get(one.key);
    if (message === undefined) known.set(one.sample, one);
    else failures.push({ file: one.sample.path, message: aboutFile(one.sample, message) });
  }
  const found = (sample: Sample): Pending => {
    const one = known.get(sample);
    if (!one) throw new TypeError(`Embeddings: ${sample.path} is none of the samples that could be read`);
    return one;
  };
  return {
    samples: [...known.keys()],
    failures,
    contentOf: (sample) => contentName(found(sample)),
    load: (sample) => (store.get(found(sample).key) as StoredRecording[])[0],
    close: () => store.close(),
  };
}

/** Opens the store, and closes it again if what follows fails. */
async function withStore(store: EmbeddingStore, use: () => Promise<Embeddings>): Promise<Embeddings> {
  try {
    return await use();
  } catch (error) {
    store.close();
    throw error;
  }
}

/**
 * Embeds the samples of a data set on all cores, each content once ever: what was embedded before is taken from the
 * store, and an interrupted run goes on where it stopped. Samples that cannot be read are failures. Nothing but an
 * index is held in memory; close the result when done.
 */
export async function embedSamples(spec: EncoderSpec, options: EmbedSamplesOptions): Promise<Embeddings> {
  const { fingerprint } = await identifyEncoder(spec);
  const store = openStore(options.storeFolder, JSON.stringify({ fingerprint, ...options.hearing }));
  return withStore(store, () => open(spec, store, options, 'none'));
}

/** The largest magnitude among all samples, in the chosen channels; 0 where none can be read. */
export async function largestPeak(options: EmbedSamplesOptions): Promise<number> {
  const hearing: Hearing = { channels: options.hearing.channels };
  const store = openStore(options.storeFolder, JSON.stringify({ peak: true, ...hearing }));
  const measuredPeaks = await withStore(store, () =>
    open({ encoder: 'spectral' }, store, { ...options, hearing }, 'peak'),
  );
  try {
    return measuredPeaks.samples.reduce((most, sample) => Math.max(most, measuredPeaks.load(sample).peak), 0);
  } finally {
    measuredPeaks.close();
  }
}

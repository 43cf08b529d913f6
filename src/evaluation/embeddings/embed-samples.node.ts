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
import { createHasher, type EmbeddingStore, openStore, type StoredRecording } from './store.node.ts';

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
};

export type EmbedSamplesOptions = {
  /** The folder of the data set. */
  root: string;
  samples: readonly Sample[];
  hearing: Hearing;
  storeFolder: string;
  workers?: number;
  /** After every sample, those from the store included. */
  onSample?: (done: number, total: number) => void;
};

/** One recording, all channels of all its pieces; `content` is the SHA-256 of its file. */
export type EmbeddedSample = { sample: Sample; content: string; recording: StoredRecording };

export type EmbeddedSamples = { embedded: EmbeddedSample[]; failures: Failure[] };

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

function jobFor(root: string, sample: Sample, hearing: Hearing, detail: EmbedJob['detail']): EmbedJob {
  return {
    path: join(root, sample.path),
    read: sample.read ?? {},
    preparation: {
      channel: hearing.channels,
      segmentSeconds: hearing.pieceSeconds ?? null,
      ...(hearing.pieceRemainder !== undefined && { remainder: hearing.pieceRemainder }),
      ...(hearing.gain !== undefined && { gain: hearing.gain }),
    },
    detail,
    ...(sample.record !== undefined && { record: sample.record }),
    ...(hearing.windows && detail !== 'peak' && { windows: hearing.windows }),
  };
}

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
      failures.push({ file: sample.path, message: `${sample.path}: ${reason}; it is left out` });
    }
  }
  hasher.save();
  return found;
}

async function run(
  spec: EncoderSpec,
  store: EmbeddingStore,
  options: EmbedSamplesOptions,
  detail: EmbedJob['detail'],
): Promise<EmbeddedSamples> {
  const failures: Failure[] = [];
  const pending = identify(options, failures);
  // Files with the same content and the same reading are heard once.
  const missing = new Map<string, Pending>();
  for (const one of pending) if (!store.has(one.key)) missing.set(one.key, one);
  const queue = [...missing.values()];
  const total = options.samples.length;
  let done = total - queue.length;
  const jobs = queue.map(({ sample }) => jobFor(options.root, sample, options.hearing, detail));
  const failed = new Map<string, string>();
  if (jobs.length > 0) {
    let next = 0;
    for await (const result of embedFiles(spec, jobs, {
      ...(options.workers !== undefined && { workers: options.workers }),
    })) {
      const { key, sample } = queue[next++];
      const [first] = result.failures;
      if (first) failed.set(key, first.message);
      else if (result.recordings.length !== 1) {
        failed.set(key, `${sample.path}: expected one recording, found ${result.recordings.length}`);
      } else {
        const [recording] = result.recordings;
        const count = options.hearing.channels === 'all' ? recording.channelCount : options.hearing.channels.length;
        store.put(key, [toStored(recording, count)]);
      }
      options.onSample?.(++done, total);
    }
  }
  const embedded: EmbeddedSample[] = [];
  for (const { sample, content, key } of pending) {
    const message = failed.get(key);
    const recording = message === undefined ? store.get(key)?.[0] : undefined;
    if (recording) embedded.push({ sample, content, recording });
    else failures.push({ file: sample.path, message: message ?? `${sample.path}: could not be embedded` });
  }
  return { embedded, failures };
}

/**
 * Embeds the samples of a data set in their order, on all cores, each content once ever: what was embedded before is
 * taken from the store, and an interrupted run goes on where it stopped. Samples that cannot be read are failures.
 */
export async function embedSamples(spec: EncoderSpec, options: EmbedSamplesOptions): Promise<EmbeddedSamples> {
  const { fingerprint } = await identifyEncoder(spec);
  const store = openStore(options.storeFolder, JSON.stringify({ fingerprint, ...options.hearing }));
  try {
    return await run(spec, store, options, 'none');
  } finally {
    store.close();
  }
}

/** The largest magnitude among all samples, in the chosen channels; 0 where none can be read. */
export async function largestPeak(options: EmbedSamplesOptions): Promise<number> {
  const hearing: Hearing = { channels: options.hearing.channels };
  const store = openStore(options.storeFolder, JSON.stringify({ peak: true, ...hearing }));
  try {
    const { embedded } = await run({ encoder: 'spectral' }, store, { ...options, hearing }, 'peak');
    return embedded.reduce((most, { recording }) => Math.max(most, recording.peak), 0);
  } finally {
    store.close();
  }
}

// Recordings that repeat others are left out of pre-training: more of the same is not more data (FISHER's authors found
// that larger models stop gaining where a corpus repeats itself).
import { distance, nearestNeighbours } from '../../detection/knn.ts';
import { fromRows, type Matrix, row } from '../../detection/matrix.ts';
import type { EmbedResult } from '../../encoders/embed-file.node.ts';
import { embedFiles } from '../../encoders/embed-pool.node.ts';
import { DEFAULT_ENCODER, type EncoderSpec } from '../../encoders/load.node.ts';
import { InputError } from '../../signal/errors.ts';
import type { Refusal } from './types.ts';

export type NearDuplicateOptions = {
  /** What two recordings are compared by; the spectral encoder by default. */
  encoder?: EncoderSpec;
  /**
   * Cosine similarity from which a file repeats another; 0.999 by default. With the spectral encoder that finds copies,
   * copies cut at the ends, and further takes of a machine that runs steadily. A copy at another level or with audible
   * noise is not found; `spectral-shape` takes no notice of levels. Other encoders need thresholds of their own.
   */
  threshold?: number;
  /** Rate of files that carry none, in Hz. */
  sampleRate?: number;
  /** Worker threads of the encoder. */
  workers?: number;
};

export type Repetition = {
  file: string;
  /** The kept file that it is most similar to. */
  repeats: string;
  /** Cosine similarity of the two. */
  similarity: number;
};

export type NearDuplicates = {
  /** In the order given. */
  kept: string[];
  dropped: Repetition[];
  /** Files without an embedding: neither kept nor dropped. */
  refused: Refusal[];
};

/** Files compared with all kept ones at once; among each other they are compared one by one. */
const BLOCK = 256;

/** Rounding errors must not tell a recording from itself. */
const ROUNDING = 1e-12;

/** Mean embedding over all recordings of a file; undefined where they are of different widths. */
function meanVector({ recordings }: EmbedResult): Float32Array | undefined {
  const vectors = recordings.flatMap(({ segments }) => segments.map(({ vector }) => vector));
  const width = vectors[0]?.length ?? 0;
  if (width === 0 || vectors.some((vector) => vector.length !== width)) return undefined;
  const mean = new Float32Array(width);
  for (const vector of vectors) for (let i = 0; i < width; i++) mean[i] += vector[i] / vectors.length;
  return mean;
}

/** Rows that are kept so far, in room for all. */
type Bank = Matrix & { files: string[] };

type Candidate = { file: string; vector: Float32Array };

/** Decides on a block of files, in order, and adds those it keeps to the bank. */
async function sift(bank: Bank, block: readonly Candidate[], threshold: number): Promise<Repetition[]> {
  const { columns } = bank;
  const before = bank.rows;
  const known = { values: bank.values.subarray(0, before * columns), rows: before, columns };
  const nearest =
    before === 0
      ? []
      : await nearestNeighbours(known, fromRows(block.map(({ vector }) => vector)), { k: 1, metric: 'cosine' });
  const dropped: Repetition[] = [];
  for (const [i, { file, vector }] of block.entries()) {
    let [most, at] =
      before === 0 ? [Number.NEGATIVE_INFINITY, -1] : [1 - nearest[i].distances[0], nearest[i].indices[0]];
    for (let r = before; r < bank.rows; r++) {
      const similarity = 1 - distance(vector, row(bank, r), 'cosine');
      if (similarity > most) [most, at] = [similarity, r];
    }
    if (most >= threshold - ROUNDING) dropped.push({ file, repeats: bank.files[at], similarity: most });
    else {
      bank.values.set(vector, bank.rows++ * columns);
      bank.files.push(file);
    }
  }
  return dropped;
}

async function siftAll(candidates: readonly Candidate[], threshold: number): Promise<Repetition[]> {
  const columns = candidates[0].vector.length;
  const bank: Bank = { values: new Float32Array(candidates.length * columns), rows: 0, columns, files: [] };
  const dropped: Repetition[] = [];
  for (let from = 0; from < candidates.length; from += BLOCK) {
    dropped.push(...(await sift(bank, candidates.slice(from, from + BLOCK), threshold)));
  }
  return dropped;
}

/**
 * Goes through files in order and keeps each that is below `threshold` in cosine similarity to every one kept before.
 * A file is the mean embedding of its whole recordings, with all their channels; only embeddings of one rate and width
 * are compared, so a copy at another rate is kept. Memory: one embedding per file.
 * @throws InputError for a threshold outside (-1, 1], and as `loadEncoder`.
 */
export async function findNearDuplicates(
  paths: readonly string[],
  options: NearDuplicateOptions = {},
): Promise<NearDuplicates> {
  const files = [...new Set(paths)];
  const { encoder = { encoder: DEFAULT_ENCODER }, threshold = 0.999, sampleRate, workers } = options;
  if (!(threshold > -1 && threshold <= 1)) {
    throw new InputError(`findNearDuplicates: expected a threshold above -1 and up to 1, got ${threshold}`);
  }
  const jobs = files.map((path) => ({
    path,
    read: { sampleRate },
    preparation: { channel: 'all' as const, segmentSeconds: null },
    detail: 'none' as const,
  }));
  const refused: Refusal[] = [];
  const groups = new Map<string, Candidate[]>();
  for await (const result of embedFiles(encoder, jobs, { workers })) {
    const vector = result.failures.length === 0 ? meanVector(result) : undefined;
    if (vector) {
      const key = `${result.recordings[0].sampleRate} ${vector.length}`;
      const group = groups.get(key) ?? [];
      group.push({ file: result.path, vector });
      groups.set(key, group);
    } else {
      const message = result.failures[0]?.message ?? 'its recordings are of different rates or numbers of channels';
      refused.push({ file: result.path, message });
    }
  }
  const dropped: Repetition[] = [];
  for (const candidates of groups.values()) dropped.push(...(await siftAll(candidates, threshold)));
  const out = new Set([...dropped, ...refused].map(({ file }) => file));
  const place = new Map(files.map((file, i) => [file, i]));
  return {
    kept: files.filter((file) => !out.has(file)),
    dropped: dropped.sort((a, b) => (place.get(a.file) ?? 0) - (place.get(b.file) ?? 0)),
    refused,
  };
}

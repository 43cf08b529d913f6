// An encoder that hears fixed windows: the embedding of a recording is the mean over its windows.
import { type Recording, sampleCount } from '../signal/recording.ts';
import { pieceStarts } from '../signal/segments.ts';
import { meanVector } from './band-transformer.ts';
import { onlyChannel } from './requirements.ts';
import type { Embedding, Encoder } from './types.ts';

export type WindowRule = {
  seconds: number;
  /** Share of a window from which a remainder makes a last full window, which overlaps; 0 takes any remainder. */
  remainder: number;
  /** Whether a recording shorter than a window is filled up with zeros. */
  pad: boolean;
  /** What the mean is taken from, if anything. */
  removeMean?: 'recording' | 'window';
  /**
   * For a recording shorter than the window, start at a negative index counted from its end: from half a window on,
   * only a part is heard. A defect of SIREN's extractors for BEATs, CED and Dasheng, on which published numbers rest.
   */
  negativeStart?: boolean;
};

const minusMean = (samples: Float32Array): Float32Array => {
  const mean = samples.reduce((sum, value) => sum + value, 0) / Math.max(1, samples.length);
  return samples.map((value) => value - mean);
};

/** The windows of one recording of one channel, each of `rule.seconds` unless it is shorter and not padded. */
export function windowsOf(recording: Recording, rule: WindowRule): Recording[] {
  const given = onlyChannel(recording);
  const samples = rule.removeMean === 'recording' ? minusMean(given) : given;
  const total = sampleCount(recording);
  const length = Math.max(1, Math.round(rule.seconds * recording.sampleRate));
  const starts = pieceStarts(total, length, rule.remainder);
  return starts.map((start) => {
    // A start of total - length, where negative, counts from the end unless it lies before the beginning.
    const defect = rule.negativeStart && total < length && length - total < total;
    const from = defect ? 2 * total - length : start;
    const cut = samples.subarray(from, Math.min(total, start + length));
    const centred = rule.removeMean === 'window' ? minusMean(cut) : cut;
    if (centred.length === length || !rule.pad) return { ...recording, channels: [centred] };
    const padded = new Float32Array(length);
    padded.set(centred);
    return { ...recording, channels: [padded] };
  });
}

/** Windows that go through the encoder together. */
const BATCH = 16;

const meanEmbedding = (parts: readonly Embedding[]): Embedding => ({
  vector: meanVector(parts.map(({ vector }) => vector)),
  bands: parts[0].bands,
});

/** The same encoder on windows. Features over time are not kept: the windows overlap. */
export function onWindows(encoder: Encoder, rule: WindowRule): Encoder {
  const embed = async (recording: Recording): Promise<Embedding> => {
    const windows = windowsOf(recording, rule);
    const parts: Embedding[] = [];
    for (let from = 0; from < windows.length; from += BATCH) {
      parts.push(...(await encoder.embedMany(windows.slice(from, from + BATCH))));
    }
    return meanEmbedding(parts);
  };
  return {
    ...encoder,
    embed,
    embedMany: async (recordings) => {
      const results: Embedding[] = [];
      for (const recording of recordings) results.push(await embed(recording));
      return results;
    },
  };
}

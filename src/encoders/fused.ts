// Several encoders heard as one: their embeddings side by side, each with a weight of its own.

import type { Recording } from '../signal/recording.ts';
import { batchEncoder } from './batch-encoder.ts';
import type { Embedding, EmbedOptions, Encoder } from './types.ts';

export type FusedPart = {
  encoder: Encoder;
  /**
   * Weight of the part: its values are multiplied by this over the root of their number, so that it is a weight of the
   * mean squared difference, whatever the width of the embedding at a rate.
   */
  scale: number;
};

/** Changes with the parts and their weights. */
export const fusedFingerprint = (parts: readonly { fingerprint: string; scale: number }[]): string =>
  `fused:${parts.map(({ fingerprint, scale }) => `${scale}*${fingerprint}`).join('+')}`;

/** Parts of one recording, joined; bands and features over time are those of the first part. */
function join(embeddings: readonly Embedding[], scales: readonly number[]): Embedding {
  const vector = new Float32Array(embeddings.reduce((sum, part) => sum + part.vector.length, 0));
  let at = 0;
  for (const [i, part] of embeddings.entries()) {
    const factor = scales[i] / Math.sqrt(part.vector.length);
    for (let d = 0; d < part.vector.length; d++) vector[at + d] = part.vector[d] * factor;
    at += part.vector.length;
  }
  const [{ bands, frames }] = embeddings;
  return { vector, bands, ...(frames && { frames }) };
}

/**
 * An encoder made of others. Its embedding is theirs, one after the other, each weighted; bands and features over time, by
 * which a verdict is explained, are those of the first.
 * @throws InputError (when it embeds) for recordings that one of its parts cannot hear
 */
export function createFused(id: string, parts: readonly FusedPart[]): Encoder {
  const scales = parts.map(({ scale }) => scale);
  const embedMany = async (recordings: readonly Recording[], options: EmbedOptions = {}): Promise<Embedding[]> => {
    const heard: Embedding[][] = [];
    for (const [i, { encoder }] of parts.entries()) {
      heard.push(await encoder.embedMany(recordings, i === 0 ? options : {}));
    }
    return recordings.map((_, r) =>
      join(
        heard.map((embeddings) => embeddings[r]),
        scales,
      ),
    );
  };
  return batchEncoder({
    id,
    fingerprint: fusedFingerprint(parts.map(({ encoder, scale }) => ({ fingerprint: encoder.fingerprint, scale }))),
    embedMany,
    release: async () => {
      for (const { encoder } of parts) await encoder.release();
    },
  });
}

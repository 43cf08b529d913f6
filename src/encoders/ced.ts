// CED: a student of audio taggers, 16 x 16 patches of mel levels at 16 kHz (arXiv 2308.11957; released code, commit 60a0f54).
import type { Family } from './family.ts';
import type { Chunk, MelVit, MelVitConfig } from './mel-vit.ts';
import { melVitFamily } from './mel-vit-family.ts';

/** The released models: 1012 frames at once, which are 63 columns of patches. */
const released = { depth: 12, columns: 63, targetLength: 1012 };

export const cedSizes = {
  tiny: { width: 192, heads: 3, ...released },
  mini: { width: 256, heads: 4, ...released },
  small: { width: 384, heads: 6, ...released },
  base: { width: 768, heads: 12, ...released },
} satisfies Record<string, MelVitConfig>;

const PATCH = 16;

/**
 * Up to `targetLength` frames are read as they are, without what does not fill a patch. More are read by so many, the
 * last chunk zero-padded after the batch norm; the tokens of its padding count in the embedding, as in the release on
 * Hugging Face. The classifier drops the last chunk where it is full, by mistake; here it is kept.
 */
export function cedChunks(frames: number, { targetLength }: MelVitConfig): Chunk[] {
  const whole = (length: number): number => Math.floor(length / PATCH);
  if (frames <= targetLength) {
    const columns = whole(frames);
    return [{ from: 0, columns, counted: columns, heard: columns }];
  }
  const columns = whole(targetLength);
  return Array.from({ length: Math.ceil(frames / targetLength) }, (_, i) => {
    const from = i * targetLength;
    return { from, columns, counted: columns, heard: Math.min(columns, whole(frames - from)) };
  });
}

export const ced: MelVit = { family: 'ced', patchMels: PATCH, patchFrames: PATCH, chunks: cedChunks };

const family = melVitFamily(ced, cedSizes);

/** The classifier (`outputlayer`) of released files is not read. */
export const cedFamily: Family = {
  ...family,
  // It has one way to cut recordings.
  infer: (weights, { chunks: _chunks, ...hints }) => family.infer(weights, hints),
};

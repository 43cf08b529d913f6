// Dasheng: a masked autoencoder of general sound, one token per 40 ms of mel levels at 16 kHz (arXiv 2406.06992; code, commit 711a6da).
import type { Chunk, MelVit, MelVitConfig } from './mel-vit.ts';
import { melVitFamily } from './mel-vit-family.ts';

/** The released models: 1008 frames at once, which are 252 tokens. */
const released = { columns: 252, targetLength: 1008 };

/** Heads of 0.6B are 80 wide. */
export const dashengSizes = {
  base: { width: 768, depth: 12, heads: 12, ...released },
  '0.6B': { width: 1280, depth: 32, heads: 16, ...released },
  '1.2B': { width: 1536, depth: 40, heads: 24, ...released },
} satisfies Record<string, MelVitConfig>;

const PATCH_FRAMES = 4;

/**
 * Tokens by as many as positions reach; every chunk restarts at position 0, and the last one is as long as it is. With
 * `chunks: 'padded'`, as in the first release: frames by `targetLength`, the last chunk zero-padded after the batch norm;
 * of its tokens those count that hold no padding, but all where there is none of these, as there.
 */
export function dashengChunks(frames: number, { targetLength, chunks }: MelVitConfig): Chunk[] {
  const most = Math.floor(targetLength / PATCH_FRAMES);
  const tokens = Math.floor(frames / PATCH_FRAMES);
  if (chunks === 'padded' && frames > targetLength) {
    return Array.from({ length: Math.ceil(frames / targetLength) }, (_, i) => {
      const from = i * targetLength;
      const heard = Math.min(most, Math.floor((frames - from) / PATCH_FRAMES));
      return { from, columns: most, counted: heard === 0 ? most : heard, heard };
    });
  }
  return Array.from({ length: Math.ceil(tokens / most) }, (_, i) => {
    const columns = Math.min(most, tokens - i * most);
    return { from: i * most * PATCH_FRAMES, columns, counted: columns, heard: columns };
  });
}

export const dasheng: MelVit = {
  family: 'dasheng',
  patchMels: 64,
  patchFrames: PATCH_FRAMES,
  chunks: dashengChunks,
};

export const dashengFamily = melVitFamily(dasheng, dashengSizes);

// ECHO's graph by hand, for tests: its inputs at width 64, and what is fed to them.
import { float32 } from '../graph/runtime.ts';
import { input } from '../graph/tensor.ts';
import { createScope } from '../nn/parameters.ts';
import { sineCosinePositions } from '../nn/positions.ts';
import type { BandSequences } from './band-transformer.ts';

/** The graph by hand: its inputs, and what is fed to them. */
export const inputs = () => ({
  scope: createScope(),
  patches: input('patches', ['sequences', 'patches', 512]),
  positions: input('positions', [1, 'patches', 64]),
  bandPositions: input('bandPositions', ['sequences', 1, 64]),
});
export const feedsOf = ({ values, bands, patches, bandPositions }: BandSequences) => ({
  patches: float32(values, [bands, patches, 512]),
  positions: float32(sineCosinePositions(patches, 64), [1, patches, 64]),
  bandPositions: float32(bandPositions as Float32Array, [bands, 1, 64]),
});

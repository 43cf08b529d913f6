// The network that CED and Dasheng share: patches of mel levels, learned positions, pre-norm blocks, one norm, no CLS.
import { add } from '../graph/elementwise.ts';
import { linear, matmul } from '../graph/matmul.ts';
import { reduceMean } from '../graph/reduce.ts';
import { reshape, transpose } from '../graph/reshape.ts';
import { slice, takeLike } from '../graph/slicing.ts';
import { constant, type Dim, input, type Tensor } from '../graph/tensor.ts';
import type { ParameterScope } from '../nn/parameters.ts';
import { norm, preNormBlocks } from '../nn/transformer.ts';
import type { BandSequences, GraphOptions } from './band-transformer.ts';
import { MEL_HOP, MEL_RATE, MELS } from './mel-db.ts';
import { vitBlockNames } from './vit-names.ts';

export type MelVitConfig = {
  width: number;
  depth: number;
  heads: number;
  /** Positions over time that the checkpoint stores. */
  columns: number;
  /** Frames that are read at once. */
  targetLength: number;
  /** Cut frames, pad the last chunk with zeros; otherwise what the family does. */
  chunks?: 'padded';
};

/** A stretch of the frames of a recording that goes through the network by itself. */
export type Chunk = {
  /** First frame. */
  from: number;
  /** Columns of patches that are fed; zeros stand where the recording has no frames. */
  columns: number;
  /** Columns, from the first, whose tokens count in the embedding. */
  counted: number;
  /** Columns that hold nothing but frames of the recording. */
  heard: number;
};

/** What tells the families apart. */
export type MelVit = {
  family: string;
  /** Mels and frames of a patch. */
  patchMels: number;
  patchFrames: number;
  /** How a recording of so many frames (a patch at least) is read. */
  chunks(frames: number, config: MelVitConfig): Chunk[];
};

/** Fewest samples at a rate that make a column of patches at 16 kHz (resampling rounds their number up). */
export const leastSamples = ({ patchFrames }: MelVit, rate: number): number =>
  Math.floor((((patchFrames - 1) * MEL_HOP - 1) * rate) / MEL_RATE) + 1;

const EPSILON = 1e-6;

/** Patches on top of each other. */
export const patchRows = ({ patchMels }: MelVit): number => MELS / patchMels;

/** Columns of patches that positions reach. */
export const mostColumns = ({ patchFrames }: MelVit, { targetLength }: MelVitConfig): number =>
  Math.floor(targetLength / patchFrames);

/**
 * Normalised levels [frames, 64] from frame `from` on as patches, lowest row first: token = row * columns + column,
 * inside a patch mel * patchFrames + frame. Zeros where frames run out.
 */
export function melPatches(values: Float32Array, { from, columns }: Chunk, vit: MelVit): BandSequences {
  const { patchMels, patchFrames } = vit;
  const size = patchMels * patchFrames;
  const patches = patchRows(vit) * columns;
  const out = new Float32Array(patches * size);
  const frames = Math.min(columns * patchFrames, values.length / MELS - from);
  for (let t = 0; t < frames; t++) {
    const column = Math.floor(t / patchFrames);
    for (let mel = 0; mel < MELS; mel++) {
      const token = Math.floor(mel / patchMels) * columns + column;
      out[token * size + (mel % patchMels) * patchFrames + (t % patchFrames)] = values[(from + t) * MELS + mel];
    }
  }
  return { values: out, bands: 1, patches };
}

/** Matrix [to, from] of linear interpolation between the centres of cells (bilinear, align_corners false). */
function stretch(from: number, to: number): Tensor {
  const matrix = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const place = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const left = Math.floor(place);
    matrix[i * from + left] += 1 - (place - left);
    matrix[i * from + Math.min(left + 1, from - 1)] += place - left;
  }
  return constant(matrix, [to, from]);
}

/** Positions over time [1, 1, columns, D]: those stored, cut to the columns of `targetLength`, or stretched to them. */
export function timePositions(scope: ParameterScope, vit: MelVit, config: MelVitConfig): Tensor {
  const { width, columns } = config;
  const stored = transpose(scope('time_pos_embed', [1, width, 1, columns]), [0, 2, 3, 1]); // [1, 1, columns, D]
  const wanted = mostColumns(vit, config);
  if (wanted <= columns) return slice(stored, 2, 0, wanted);
  return reshape(matmul(stretch(columns, wanted), reshape(stored, [columns, width])), [1, 1, wanted, width]);
}

/** Patches [N, L, patchMels * patchFrames] to tokens [N, rows, columns, D], without positions. */
export function melPatchTokens(
  scope: ParameterScope,
  vit: MelVit,
  { width }: MelVitConfig,
  patches: Tensor,
  columns: Dim,
): Tensor {
  const { patchMels, patchFrames } = vit;
  const kernel = scope('patch_embed.proj.weight', [width, 1, patchMels, patchFrames]);
  const embedded = linear(
    patches,
    reshape(kernel, [width, patchMels * patchFrames]),
    scope('patch_embed.proj.bias', [width]),
  );
  return reshape(embedded, [patches.shape[0], patchRows(vit), columns, width]);
}

/**
 * Patches [N, L, patchMels * patchFrames] through positions and all blocks: the input of the first block and the output of
 * every one, [N, L, D] each. `columns` is the number of columns, or names it.
 */
export function melVitStates(
  scope: ParameterScope,
  vit: MelVit,
  config: MelVitConfig,
  patches: Tensor,
  columns: Dim,
  options: GraphOptions = {},
): Tensor[] {
  const { width, depth, heads } = config;
  const embedded = melPatchTokens(scope, vit, config, patches, columns); // [N, rows, columns, D]
  const overTime = takeLike(timePositions(scope, vit, config), embedded, 2);
  const rows = scope('freq_pos_embed', [1, width, patchRows(vit), 1]);
  const placed = add(add(embedded, overTime), transpose(rows, [0, 2, 3, 1]));
  const first = reshape(placed, [patches.shape[0], patches.shape[1], width]);
  const blocks = { ...options, depth, heads, mlpRatio: 4, epsilon: EPSILON };
  return [first, ...preNormBlocks(scope, vitBlockNames, first, blocks)];
}

/**
 * The inference graph: input `patches` [N, L, patchMels * patchFrames]; outputs `tokens` [N, L, D] after the norm, and
 * their mean `cls` [N, D] in the place of a token that these models lack.
 */
export function melVitGraph(
  scope: ParameterScope,
  vit: MelVit,
  config: MelVitConfig,
  options: GraphOptions = {},
): { cls: Tensor; tokens: Tensor } {
  const patches = input('patches', ['sequences', 'patches', vit.patchMels * vit.patchFrames]);
  const states = melVitStates(scope, vit, config, patches, 'columns', options);
  const tokens = norm(scope, 'norm', states[config.depth], EPSILON);
  return { cls: reduceMean(tokens, [1]), tokens };
}

// What ECHO and FISHER share: every sub-band is a sequence of patches that one small transformer reads by itself.
import { type Feeds, float32, type Program, type RuntimeOptions } from '../graph/runtime.ts';
import type { Tensor } from '../graph/tensor.ts';
import { concatenate } from '../signal/concatenate.ts';
import type { Band, Embedding, Frames } from './types.ts';

/** How a graph is built: for the provider it will run on, and for training. */
export type GraphOptions = {
  fusedAttention?: boolean;
  /** Whether gradients will be asked for; see `BlockOptions`. */
  trained?: boolean;
  /** What becomes of a branch of block `block` before it is added to its input: where drop path drops it. */
  branch?: (branch: Tensor, block: number) => Tensor;
};

/** ONNX Runtime 1.30's fused attention is wrong by percents on WebGPU from some 60 tokens on; plain operators are right. */
export const graphOptions = ({ provider }: RuntimeOptions): GraphOptions => ({ fusedAttention: provider !== 'webgpu' });

/** The sub-bands of one stretch of sound, cut into patches. */
export type BandSequences = {
  /** [bands, patches, patchSize], row-major. */
  values: Float32Array;
  bands: number;
  patches: number;
  /** Position vector of every band [bands, width], where the family has one. */
  bandPositions?: Float32Array;
};

/** What the transformer returns for them. */
export type BandOutputs = {
  /** CLS of every band, low to high: [bands * width]; of graphs without CLS the mean of the tokens. */
  cls: Float32Array;
  /** Patch tokens [bands, patches, width]. */
  tokens: Float32Array;
};

export type BandTransformer = {
  program: Program;
  /** Further inputs of the graph, the same for all sequences of `patches` patches. */
  inputs?(patches: number): Feeds;
  /** Tokens of one run, where attention needs more memory than usual. */
  tokensPerRun?: number;
  width: number;
  /** Of a token as it comes out, where it is another. */
  outputWidth?: number;
  patchSize: number;
  /** Position vectors of `patches` patches [patches, width], where they are fed and no parameters of the graph. */
  positions?(patches: number): Float32Array;
};

/** Tokens of one run; keeps the memory of a run near 100 MB whatever the length of the recordings. */
const TOKENS_PER_RUN = 8192;

/** Items of equal length share runs; the order of the results is that of the items. */
export async function runBandTransformer(
  transformer: BandTransformer,
  items: readonly BandSequences[],
): Promise<BandOutputs[]> {
  const results = new Array<BandOutputs>(items.length);
  const byLength = new Map<number, number[]>();
  for (const [i, item] of items.entries()) byLength.set(item.patches, [...(byLength.get(item.patches) ?? []), i]);
  for (const [patches, indices] of byLength) {
    let batch: number[] = [];
    let tokens = 0;
    for (const i of indices) {
      const size = items[i].bands * (patches + 1);
      if (batch.length > 0 && tokens + size > (transformer.tokensPerRun ?? TOKENS_PER_RUN)) {
        await runBatch(transformer, items, batch, patches, results);
        batch = [];
        tokens = 0;
      }
      batch.push(i);
      tokens += size;
    }
    await runBatch(transformer, items, batch, patches, results);
  }
  return results;
}

/**
 * Embeds recordings that were cut into sequences: all run together, then `assemble` makes an embedding of what belongs to
 * each, in the order of its sequences.
 */
export async function embedTogether<P extends { sequences: readonly BandSequences[] }>(
  transformer: BandTransformer,
  prepared: readonly P[],
  assemble: (one: P, outputs: BandOutputs[]) => Embedding,
): Promise<Embedding[]> {
  const outputs = await runBandTransformer(
    transformer,
    prepared.flatMap(({ sequences }) => sequences),
  );
  let at = 0;
  return prepared.map((one) => {
    const own = outputs.slice(at, at + one.sequences.length);
    at += one.sequences.length;
    return assemble(one, own);
  });
}

/** Joined without a copy where there is but one. */
const join = (parts: readonly Float32Array[]): Float32Array =>
  parts.length === 1 ? parts[0] : concatenate(Float32Array, parts);

async function runBatch(
  transformer: BandTransformer,
  items: readonly BandSequences[],
  batch: readonly number[],
  patches: number,
  results: BandOutputs[],
): Promise<void> {
  const { program, width, outputWidth = width, patchSize } = transformer;
  const chosen = batch.map((i) => items[i]);
  const sequences = chosen.reduce((total, item) => total + item.bands, 0);
  const feeds = {
    patches: float32(join(chosen.map((item) => item.values)), [sequences, patches, patchSize]),
    ...(transformer.positions && { positions: float32(transformer.positions(patches), [1, patches, width]) }),
    ...(chosen[0].bandPositions && {
      bandPositions: float32(join(chosen.map((item) => item.bandPositions as Float32Array)), [sequences, 1, width]),
    }),
    ...transformer.inputs?.(patches),
  };
  const { cls, tokens } = await program.run(feeds);
  let row = 0;
  for (const i of batch) {
    const { bands } = items[i];
    const [clsValues, tokenValues] = [cls.data as Float32Array, tokens.data as Float32Array];
    results[i] = {
      cls: clsValues.slice(row * outputWidth, (row + bands) * outputWidth),
      tokens: tokenValues.slice(row * patches * outputWidth, (row + bands) * patches * outputWidth),
    };
    row += bands;
  }
}

/** [bands, patches, width] -> rows of [bands * width], appended to `frames` at row `at`. */
export function placeFrames(
  frames: Float32Array,
  tokens: Float32Array,
  bands: number,
  patches: number,
  at: number,
): void {
  const width = tokens.length / (bands * patches);
  for (let b = 0; b < bands; b++) {
    for (let p = 0; p < patches; p++) {
      const from = (b * patches + p) * width;
      frames.set(tokens.subarray(from, from + width), ((at + p) * bands + b) * width);
    }
  }
}

/** Mean of vectors of one length: of the segments of a recording, or its windows. */
export function meanVector(vectors: readonly Float32Array[]): Float32Array {
  if (vectors.length === 1) return vectors[0];
  const sum = new Float64Array(vectors[0].length);
  for (const vector of vectors) for (let i = 0; i < sum.length; i++) sum[i] += vector[i];
  return Float32Array.from(sum, (value) => value / vectors.length);
}

/** Puts an embedding together from the outputs of a recording's segments. */
export function assembleEmbedding(
  outputs: readonly BandOutputs[],
  bands: Band[],
  frames: Frames | undefined,
): Embedding {
  const vector = meanVector(outputs.map((output) => output.cls));
  return frames ? { vector, bands, frames } : { vector, bands };
}

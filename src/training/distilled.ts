// The encoder families as self-distillation sees them, for batches of one fixed size.

import type { GraphOptions } from '../encoders/band-transformer.ts';
import { EAT_PATCH, type EatTransformerConfig, eatPatchTokens, eatTransformer } from '../encoders/eat-transformer.ts';
import { type EchoConfig, echoPatchTokens, echoTransformer } from '../encoders/echo.ts';
import { add } from '../graph/elementwise.ts';
import { gatherRows } from '../graph/indexing.ts';
import { reshape } from '../graph/reshape.ts';
import { type Feeds, float32, type Value } from '../graph/runtime.ts';
import { slice } from '../graph/slicing.ts';
import { constant, input, type Tensor } from '../graph/tensor.ts';
import { sineCosinePositions } from '../nn/positions.ts';
import type { Random } from '../signal/simulate/random.ts';
import type { BatchShape, DistilledEncoder } from './self-distillation.ts';

type Layers = { output: Tensor; layers: { inner: Tensor }[] };

/** CLS, tokens and feed-forward outputs of a transformer's outcome [N, K + 1, D]. */
function parts({ output, layers }: Layers): ReturnType<DistilledEncoder['blocks']> {
  const [count, length, width] = output.shape as number[];
  return {
    cls: reshape(slice(output, 1, 0, 1, 1), [count, width]),
    tokens: slice(output, 1, 1, undefined, length - 1),
    inner: layers.map(({ inner }) => inner),
  };
}

/** The teacher (without `rowOf`) needs no gradient: one node of attention does where the runtime has it right. */
const optionsFor = (rowOf: Tensor | undefined, { fusedAttention }: GraphOptions) => ({
  fusedAttention: rowOf === undefined && fusedAttention === true,
  trained: rowOf !== undefined,
});

/**
 * EAT, and FISHER on its sub-bands: input `patches` [S, L, 256].
 * @param positions [L, D]
 */
export function distilledEat(
  config: EatTransformerConfig,
  { sequences, rows, columns }: BatchShape,
  positions: Float32Array,
  options: GraphOptions = {},
): DistilledEncoder {
  const length = rows * columns;
  const patches = input('patches', [sequences, length, EAT_PATCH ** 2]);
  const table = constant(positions, [1, length, config.width]);
  return {
    width: config.width,
    tokens: (scope) => add(eatPatchTokens(scope, config, patches), table),
    blocks: (scope, tokens, rowOf) => {
      const [, kept] = tokens.shape as number[];
      return parts(eatTransformer(scope, config, tokens, { length: kept + 1, ...optionsFor(rowOf, options) }));
    },
  };
}

/** ECHO: inputs `patches` [S, P, bandBins * patchFrames] and `bandPositions` [S, 1, D]; a grid of one column. */
export function distilledEcho(
  config: EchoConfig,
  { sequences, rows }: BatchShape,
  options: GraphOptions = {},
): DistilledEncoder {
  const { width, bandBins, patchFrames } = config;
  const patches = input('patches', [sequences, rows, bandBins * patchFrames]);
  const bandPositions = input('bandPositions', [sequences, 1, width]);
  const table = constant(sineCosinePositions(rows, width), [1, rows, width]);
  return {
    width,
    tokens: (scope) => add(echoPatchTokens(scope, config, patches), table),
    blocks: (scope, tokens, rowOf) => {
      const [count, kept] = tokens.shape as number[];
      const own = rowOf
        ? reshape(gatherRows(reshape(bandPositions, [sequences, width]), rowOf), [count, 1, width])
        : bandPositions;
      return parts(echoTransformer(scope, config, tokens, own, { length: kept + 1, ...optionsFor(rowOf, options) }));
    },
  };
}

const int64 = (numbers: ArrayLike<number>): Value => ({
  dtype: 'int64',
  shape: [numbers.length],
  data: BigInt64Array.from(Array.from(numbers), BigInt),
});

/**
 * The index inputs of `distillationGraph` for the kept cells of every student (ascending numbers on the grid), students
 * of a sequence one after the other.
 */
export function maskFeeds(kept: readonly Int32Array[], { sequences, clones, rows, columns }: BatchShape): Feeds {
  const length = rows * columns;
  const students = sequences * clones;
  const [visible, places, masked, maskedTargets, rowOf]: number[][] = [[], [], [], [], []];
  for (let n = 0; n < students; n++) {
    const sequence = Math.floor(n / clones);
    const isKept = new Uint8Array(length);
    for (const cell of kept[n]) isKept[cell] = 1;
    for (let cell = 0; cell < length; cell++) {
      const [inTeacher, inStudent] = isKept[cell] ? [visible, places] : [maskedTargets, masked];
      inTeacher.push(sequence * length + cell);
      inStudent.push(n * length + cell);
    }
    rowOf.push(sequence);
  }
  return {
    visible: int64(visible),
    places: int64(places),
    masked: int64(masked),
    maskedTargets: int64(maskedTargets),
    rows: int64(rowOf),
  };
}

/** What stands at masked places of the decoder's input. */
const NOISE_DEVIATION = 0.01;

/** The input `noise` of `distillationGraph` [N L, D]. */
export function decoderNoise({ sequences, clones, rows, columns }: BatchShape, width: number, random: Random): Feeds {
  const places = sequences * clones * rows * columns;
  const values = new Float32Array(places * width);
  for (let i = 0; i < values.length; i++) values[i] = random.gaussian(0, NOISE_DEVIATION);
  return { noise: float32(values, [places, width]) };
}

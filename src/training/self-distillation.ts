// The objective that ECHO, FISHER and EAT share: a student that sees some patches predicts what a teacher, its running
// average, makes of all of them (EAT, sections 3.2 to 3.4; data2vec 2.0).
import { scaledGelu } from '../graph/activation.ts';
import { conv } from '../graph/conv.ts';
import { add, mul, sub } from '../graph/elementwise.ts';
import { gatherRows, scatterRows } from '../graph/indexing.ts';
import { lineConvolution } from '../graph/line-conv.ts';
import { trainedLinear } from '../graph/matmul.ts';
import { layerNorm, standardize } from '../graph/normalization.ts';
import { reduceMean } from '../graph/reduce.ts';
import { reduceSum, reshape, transpose } from '../graph/reshape.ts';
import { staticDim } from '../graph/shapes.ts';
import { slice } from '../graph/slicing.ts';
import { input, parameter, type Tensor } from '../graph/tensor.ts';
import type { ParameterScope } from '../nn/parameters.ts';

/** What the objective needs of an encoder family. Sequences are clips (EAT) or sub-bands (FISHER, ECHO). */
export type DistilledEncoder = {
  width: number;
  /** Patches of all sequences to tokens with time positions [S, L, D]. */
  tokens(scope: ParameterScope): Tensor;
  /**
   * Tokens [N, K, D] through CLS and blocks. `rows` [N] says which sequence each row is of; absent: all, in order, as the
   * teacher reads them, through which no gradient flows.
   * Returns CLS [N, D], tokens [N, K, D], and the feed-forward outputs of every block, CLS first [N, K + 1, D].
   */
  blocks(scope: ParameterScope, tokens: Tensor, rows?: Tensor): { cls: Tensor; tokens: Tensor; inner: Tensor[] };
};

export type DecoderConfig = {
  layers: number;
  kernel: number;
  groups: number;
  /** Where its parameters are kept: `decoder` or a checkpoint's own prefix. */
  prefix: string;
};

/** Sizes of a batch. All are fixed when the program is compiled. */
export type BatchShape = {
  /** Sequences the teacher sees: S. */
  sequences: number;
  /** Students per sequence: masks of one target. */
  clones: number;
  /** Patches of a sequence as a grid [time, frequency]; L = rows * columns. */
  rows: number;
  columns: number;
  /** Patches that a student sees: K. */
  kept: number;
};

export type LossWeights = {
  /** Of the utterance loss. */
  utterance: number;
  /**
   * `reference`: what EAT's released code computes, where after the division by the number of masked patches the
   * utterance loss is still a SUM over all students: with B = 12 and 16 clones a weight of 1 is 192 times that of a
   * mean. `balanced`: both are means.
   */
  weighting: 'reference' | 'balanced';
  targetNorm?: TargetNorm;
};

/**
 * Over what a layer's features are standardised, per channel. `sequence`: the tokens of each sequence by themselves, as
 * published; on a stationary signal that removes just what tells it from others. `batch`: all tokens of the batch.
 */
export type TargetNorm = 'sequence' | 'batch';

export type DistillationGraph = {
  /** Scalar to minimise. */
  loss: Tensor;
  frameLoss: Tensor;
  utteranceLoss: Tensor;
  /** Spread of the teacher's targets and of the student's CLS over the batch: near 0 when everything collapses. */
  targetSpread: Tensor;
  clsSpread: Tensor;
  /** For further objectives, and for tests against reference numbers. */
  inner: {
    targets: Tensor;
    prediction: Tensor;
    studentCls: Tensor;
    /** Means over the tokens that student and teacher see [N, D], [S, D]. */
    studentMean: Tensor;
    teacherMean: Tensor;
    decoderInput: Tensor;
  };
};

/** Prefix of the teacher's parameters in a graph and in a checkpoint of a run. */
export const TEACHER_PREFIX = 'teacher.';

/** The teacher's parameters: those of the student under another name. */
export const teacherScope = (): ParameterScope => {
  const known = new Map<string, Tensor>();
  return (name, shape) => {
    const found = known.get(name) ?? parameter(`${TEACHER_PREFIX}${name}`, shape);
    known.set(name, found);
    return found;
  };
};

const LAYER_EPSILON = 1e-5;

/**
 * Targets from the feed-forward outputs of all teacher layers: each standardised over the tokens of its sequence, per
 * channel; averaged over layers; normalised over channels (EAT, equation 3 and code). [S, L, D]
 */
export function distillationTargets(inner: readonly Tensor[], targetNorm: TargetNorm = 'sequence'): Tensor {
  const axes = targetNorm === 'sequence' ? [1] : [0, 1];
  const tokens = inner.map((layer) => {
    const size = layer.shape[1];
    const withoutCls = slice(layer, 1, 1, undefined, typeof size === 'number' ? size - 1 : `${size} - 1`);
    return standardize(withoutCls, axes, LAYER_EPSILON);
  });
  const mean = mul(
    tokens.reduce((sum, layer) => add(sum, layer)),
    1 / tokens.length,
  );
  return layerNorm(mean, undefined, undefined, LAYER_EPSILON);
}

/** Convolution that keeps the size of a grid [N, T, F, D], channels last. weight: [D, D / groups, k, k]. */
function gridConv(grid: Tensor, weight: Tensor, bias: Tensor, groups: number): Tensor {
  const padding = weight.shape.slice(2).map((side) => ((side as number) - 1) / 2);
  return transpose(conv(transpose(grid, [0, 3, 1, 2]), weight, bias, { padding, groups }), [0, 2, 3, 1]);
}

/**
 * Convolutions over the grid, each with channel norm, GELU and residual, times √2, which the layers behind them take back.
 * [N, L, D]
 */
function decoderGrid(
  scope: ParameterScope,
  { layers, kernel, groups, prefix }: DecoderConfig,
  x: Tensor,
  [rows, columns]: readonly [number, number],
): Tensor {
  const [count, , width] = x.shape as number[];
  // A grid of one column is a line: the kernel then has one column, too.
  const size = [kernel, columns === 1 ? 1 : kernel] as const;
  const line = columns === 1 ? lineConvolution([count, rows, width], groups, kernel) : undefined;
  const first = mul(x, Math.SQRT2);
  let grid = line ? first : reshape(first, [count, rows, columns, width]); // [N, T, D] or [N, T, F, D]
  for (let i = 0; i < layers; i++) {
    const weight = scope(`${prefix}.blocks.${i}.0.weight`, [width, width / groups, ...size]);
    const bias = mul(scope(`${prefix}.blocks.${i}.0.bias`, [width]), Math.SQRT2);
    const mixed = line ? add(line(grid, weight), bias) : gridConv(grid, weight, bias, groups);
    // The norm takes a factor away, of the square root of its epsilon too.
    grid = add(grid, scaledGelu(layerNorm(mixed, Math.SQRT1_2, undefined, 2 * LAYER_EPSILON)));
  }
  return reshape(grid, [count, rows * columns, width]);
}

/** The linear layer behind the convolutions, on any of their places [..., D]. */
function decoderProjection(scope: ParameterScope, { prefix }: DecoderConfig, grid: Tensor): Tensor {
  const width = staticDim(grid, -1, 'decoderProjection');
  const weight = scope(`${prefix}.proj.weight`, [width, width]);
  return trainedLinear(grid, weight, scope(`${prefix}.proj.bias`, [width]), Math.SQRT1_2);
}

/** Convolutions over the grid, each with channel norm, GELU and residual; a linear layer at the end. [N, L, D] */
export const gridDecoder = (
  scope: ParameterScope,
  config: DecoderConfig,
  x: Tensor,
  grid: readonly [number, number],
): Tensor => decoderProjection(scope, config, decoderGrid(scope, config, x, grid));

const spreadOf = (x: Tensor): Tensor => {
  const centred = sub(x, reduceMean(x, [0], true));
  return reduceMean(mul(centred, centred));
};

/**
 * The graph of one batch. Inputs beside those of the encoder: `visible` int64 [N K], the kept patches of every student
 * as rows of the teacher's tokens [S L]; `places` int64 [N K], the same as rows of the students' grids [N L]; `masked`
 * int64 [N M] and `maskedTargets` int64 [N M], the masked ones likewise; `rows` int64 [N], the sequence of each student;
 * `noise` [N L, D], what stands at masked places of the decoder's input (N(0, 0.01²)).
 */
export function distillationGraph(
  encoder: DistilledEncoder,
  scope: ParameterScope,
  teacher: ParameterScope,
  shape: BatchShape,
  decoder: DecoderConfig,
  weights: LossWeights,
): DistillationGraph {
  const { sequences, clones, rows, columns, kept } = shape;
  const [length, students, width] = [rows * columns, sequences * clones, encoder.width];
  const hidden = length - kept;
  const indices = (name: string, count: number) => input(name, [count], 'int64');
  const rowOf = indices('rows', students);

  const seen = encoder.blocks(teacher, encoder.tokens(teacher));
  const targets = distillationTargets(seen.inner, weights.targetNorm); // [S, L, D]

  const flat = reshape(encoder.tokens(scope), [sequences * length, width]);
  const chosen = reshape(gatherRows(flat, indices('visible', students * kept)), [students, kept, width]);
  const student = encoder.blocks(scope, chosen, rowOf);

  const noise = input('noise', [students * length, width]);
  const visibleTokens = reshape(student.tokens, [students * kept, width]);
  const decoderInput = reshape(scatterRows(noise, indices('places', students * kept), visibleTokens), [
    students,
    length,
    width,
  ]);
  const grid = decoderGrid(scope, decoder, decoderInput, [rows, columns]);

  const flatTargets = reshape(targets, [sequences * length, width]);
  const hiddenCells = gatherRows(reshape(grid, [students * length, width]), indices('masked', students * hidden), true);
  const predicted = decoderProjection(scope, decoder, hiddenCells);
  const wanted = gatherRows(flatTargets, indices('maskedTargets', students * hidden));
  const scale = 1 / Math.sqrt(width);
  const frameError = sub(predicted, wanted);
  const frameLoss = mul(reduceSum(mul(frameError, frameError)), scale / (students * hidden));

  const utteranceTarget = gatherRows(reduceMean(targets, [1]), rowOf); // [N, D]
  const utteranceError = sub(student.cls, utteranceTarget);
  const utteranceLoss = mul(reduceSum(mul(utteranceError, utteranceError)), scale / students);
  const factor = weights.utterance * (weights.weighting === 'reference' ? students : 1);
  return {
    loss: add(frameLoss, mul(utteranceLoss, factor)),
    frameLoss,
    utteranceLoss,
    targetSpread: spreadOf(reduceMean(targets, [1])),
    clsSpread: spreadOf(student.cls),
    inner: {
      targets,
      prediction: decoderProjection(scope, decoder, grid),
      studentCls: student.cls,
      studentMean: reduceMean(student.tokens, [1]),
      teacherMean: reduceMean(seen.tokens, [1]),
      decoderInput,
    },
  };
}

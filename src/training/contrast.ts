// The contrastive objective beside self-distillation: two views of one thing are to be told from views of all others
// (van den Oord et al. 2018, InfoNCE; the keys come from the running average of the student, as in MoCo v3, Chen et al. 2021).
import { gelu, logSoftmax } from '../graph/activation.ts';
import { add, div, mul, neg, sqrt } from '../graph/elementwise.ts';
import { matmul } from '../graph/matmul.ts';
import { reduceMean } from '../graph/reduce.ts';
import { reduceSum, swapLastAxes } from '../graph/reshape.ts';
import { float32, type Value } from '../graph/runtime.ts';
import { input, type Tensor } from '../graph/tensor.ts';
import type { ParameterScope } from '../nn/parameters.ts';
import { dense } from '../nn/transformer.ts';

export type ContrastOptions = {
  /** Factor on the loss, whose start is near ln(sequences / bands). */
  weight: number;
  temperature: number;
};

/** Sequences of a batch: sequence = clip · bands + band; `clones` students of each. */
export type ContrastLayout = { sequences: number; clones: number; bands: number };

/** Width of the space in which views are compared; the head that leads there is thrown away after training. */
const COMPARED = 128;
const OUT_OF_QUESTION = -1e4;

/** Unit vectors of embeddings [N, D] -> [N, COMPARED]. */
function compared(scope: ParameterScope, embeddings: Tensor, width: number): Tensor {
  const x = dense(scope, 'contrast.output', gelu(dense(scope, 'contrast.hidden', embeddings, 2 * width)), COMPARED);
  return div(x, sqrt(add(reduceSum(mul(x, x), [1], true), 1e-6)));
}

/**
 * Inputs of the loss: which keys [S] each student [N] is compared with, and which of them are other clips of its thing:
 * rows of 0 and `OUT_OF_QUESTION`, and rows that sum to 1. Only the same band of other clips takes part: bands are told
 * apart by their positions alone, which would teach nothing. A student whose thing has no other clip has a row of zeros.
 * @param things of every clip of the batch
 */
export function contrastPairs(
  things: readonly string[],
  { sequences, clones, bands }: ContrastLayout,
): { barred: Value; positive: Value } {
  const students = sequences * clones;
  const barred = new Float32Array(students * sequences).fill(OUT_OF_QUESTION);
  const positive = new Float32Array(students * sequences);
  for (let n = 0; n < students; n++) {
    const own = Math.floor(n / clones);
    const [clip, band] = [Math.floor(own / bands), own % bands];
    const others = things.filter((thing, i) => i !== clip && thing === things[clip]).length;
    for (const [other, thing] of things.entries()) {
      if (other === clip) continue;
      const at = n * sequences + other * bands + band;
      barred[at] = 0;
      if (thing === things[clip]) positive[at] = 1 / others;
    }
  }
  const shape = [students, sequences];
  return { barred: float32(barred, shape), positive: float32(positive, shape) };
}

/**
 * Mean over students of -log softmax(q·k / temperature) at the keys of the same thing (Khosla et al. 2020, equation 2,
 * with keys of the teacher): queries are what students have `seen` [N, D] through the student's head, keys what the
 * teacher has `known` [S, D] through the teacher's. Inputs `barred` and `positive` [N, S] as `contrastPairs` makes them.
 */
export function contrastLoss(
  scope: ParameterScope,
  teacher: ParameterScope,
  { seen, known, width }: { seen: Tensor; known: Tensor; width: number },
  { sequences, clones }: Pick<ContrastLayout, 'sequences' | 'clones'>,
  { temperature }: Pick<ContrastOptions, 'temperature'>,
): Tensor {
  const shape = [sequences * clones, sequences];
  const queries = compared(scope, seen, width);
  const keys = compared(teacher, known, width);
  const logits = add(mul(matmul(queries, swapLastAxes(keys)), 1 / temperature), input('barred', shape)); // [N, S]
  return neg(reduceMean(reduceSum(mul(logSoftmax(logits, -1), input('positive', shape)), [1])));
}

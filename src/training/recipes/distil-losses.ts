// What a classifying student learns from its teacher: alignment of front ends, and layers of the teacher that stages of
// the student listen to (paper, Eqs. 15 to 18; specification "scene distillation", readings).
import { add, mul, stopGradient, sub } from '../../graph/elementwise.ts';
import { linear, matmul } from '../../graph/matmul.ts';
import { layerNorm } from '../../graph/normalization.ts';
import { reduceMean } from '../../graph/reduce.ts';
import { reduceSum, reshape, transpose } from '../../graph/reshape.ts';
import { staticDim } from '../../graph/shapes.ts';
import { concat, slice } from '../../graph/slicing.ts';
import { constant, type Tensor } from '../../graph/tensor.ts';
import type { ParameterScope } from '../../nn/parameters.ts';
import { meanPooling } from '../../nn/pooling.ts';
import { dense, norm } from '../../nn/transformer.ts';
import { crossEntropy } from '../class-loss.ts';
import { attentionRouting, frontAlignment, softenedDivergence, softenedDivergences } from '../distillation-loss.ts';
import { ALIGN, HEADS, ROUTE } from './distil-student.ts';
import { type TeacherStates, tokensOverTime } from './distil-teacher.ts';

/** Width in which front ends are compared. */
const ALIGNED = 384;
const EPSILON = 1e-5;

/** Matrix [to, from] that averages: step i of the result is the mean over from / to steps, parts of them included. */
export function averagingMatrix(from: number, to: number): Float32Array {
  const matrix = new Float32Array(to * from);
  const width = from / to;
  for (let i = 0; i < to; i++) {
    for (let j = Math.floor(i * width); j < Math.min(from, Math.ceil((i + 1) * width)); j++) {
      matrix[i * from + j] = (Math.min(j + 1, (i + 1) * width) - Math.max(j, i * width)) / width;
    }
  }
  return matrix;
}

/** [N, T, D] to [N, steps, D] by averaging. */
function averagedTo(x: Tensor, steps: number): Tensor {
  const from = staticDim(x, 1, 'frontLoss');
  return from === steps ? x : matmul(constant(averagingMatrix(from, steps), [steps, from]), x);
}

/**
 * Cosine loss between the student's front end [N, C, F, T], averaged over frequency and mapped by `align.student`, and the
 * input of the teacher's first block, mapped by `align.teacher` and normalised, step by step of time. Whichever has more
 * steps is averaged down to the other.
 */
export function frontLoss(scope: ParameterScope, stem: Tensor, teacher: TeacherStates): Tensor {
  const heard = transpose(reduceMean(stem, [2]), [0, 2, 1]); // [N, T, C]
  const known = tokensOverTime(stopGradient(teacher.states[0]), teacher);
  const steps = Math.min(staticDim(heard, 1, 'frontLoss'), staticDim(known, 1, 'frontLoss'));
  const [own, target] = [averagedTo(heard, steps), averagedTo(known, steps)];
  const mapped = linear(own, scope(`${ALIGN}.student.weight`, [ALIGNED, staticDim(own, 2, 'frontLoss')]));
  return frontAlignment(
    mapped,
    norm(scope, `${ALIGN}.norm`, dense(scope, `${ALIGN}.teacher`, target, ALIGNED), EPSILON),
  );
}

const stacked = (rows: readonly Tensor[]): Tensor => {
  const parts = rows.map((row) => reshape(row, [row.shape[0], 1, row.shape[1]]));
  return parts.length === 1 ? parts[0] : concat(parts, 1);
};

/**
 * Layered distillation: `layerLoss`, the divergence of the softened classes of every stage from those of the layers that it
 * listens to, weighted and summed over stages; and `headLoss`, the mean cross entropy of the teacher's linear heads, whose
 * gradient reaches nothing else. Stages but the last have linear heads of their own, the last one is the student's output.
 * Of a teacher with logits of its own these have half the say about the output.
 * @param stages outputs of the student's stages [N, C, F, T], the last stage last
 * @param output logits of the student [N, classes]
 * @param shares labels [N, classes]
 * @param temperature scalar
 */
export function layerLosses(
  scope: ParameterScope,
  stages: readonly Tensor[],
  output: Tensor,
  teacher: TeacherStates,
  shares: Tensor,
  temperature: Tensor,
): { layerLoss: Tensor; headLoss: Tensor } {
  const classes = staticDim(output, 1, 'layerLosses');
  const features = stages.map((stage) => reduceMean(stage, [2, 3])); // [N, C]
  const last = stages.length - 1;
  const own = features.map((one, s) => (s === last ? output : dense(scope, `${HEADS}.student.${s}`, one, classes)));
  // Hidden states of different layers have different scales: each is normalised before heads and keys see it.
  const layers = [teacher, ...(teacher.more ?? [])].flatMap(({ states, cls }) =>
    states.map((state) => layerNorm(stopGradient(meanPooling(state, cls)), undefined, undefined, EPSILON)),
  );
  const known = layers.map((layer, l) => dense(scope, `${HEADS}.teacher.${l}`, layer, classes));
  const headLoss = known.map((logits) => crossEntropy(logits, shares)).reduce((sum, loss) => add(sum, loss));
  const divergences = softenedDivergences(stacked(own), stopGradient(stacked(known)), temperature); // [S, L]
  const routed = reduceSum(mul(attentionRouting(scope, features, layers, { name: ROUTE }), divergences), [1]); // [S]
  const everyStage = reduceSum(routed);
  if (!teacher.logits) return { layerLoss: everyStage, headLoss: mul(headLoss, 1 / layers.length) };
  const told = softenedDivergence(output, stopGradient(teacher.logits), temperature);
  const layerLoss = add(everyStage, mul(sub(told, reduceSum(slice(routed, 0, last, last + 1))), 0.5));
  return { layerLoss, headLoss: mul(headLoss, 1 / layers.length) };
}

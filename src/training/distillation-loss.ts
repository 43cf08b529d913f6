// Losses of distillation from a large encoder to a small network: cosine alignment, divergence of softened classes, and
// which layers of the teacher a stage of the student listens to (specification "scene distillation").
import { logSoftmax, softmax } from '../graph/activation.ts';
import {
  add,
  cast,
  div,
  equal,
  exp,
  greater,
  less,
  maximum,
  mul,
  sqrt,
  stopGradient,
  sub,
} from '../graph/elementwise.ts';
import { linear, matmul } from '../graph/matmul.ts';
import { reduceMean } from '../graph/reduce.ts';
import { reduceSum, reshape, swapLastAxes } from '../graph/reshape.ts';
import { formatShape, sameSize, staticDim } from '../graph/shapes.ts';
import { concat } from '../graph/slicing.ts';
import { constant, type Tensor } from '../graph/tensor.ts';
import type { ParameterScope } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';

/** Squared length below which a vector counts as zero. */
const LENGTH_FLOOR = 1e-12;

/** Vectors along the last axis, brought to length 1. */
export const unitVectors = (x: Tensor): Tensor =>
  div(x, sqrt(maximum(reduceSum(mul(x, x), [x.shape.length - 1], true), LENGTH_FLOOR)));

function checkAlike(what: string, student: Tensor, teacher: Tensor): void {
  if (student.shape.length === teacher.shape.length && sameSize(student.shape, teacher.shape) !== false) return;
  throw new InputError(
    `${what}: expected student and teacher of one shape, found ${formatShape(student.shape)} and ${formatShape(teacher.shape)}; map one to the other`,
  );
}

/**
 * Mean over all vectors of 1 - cos(student, teacher), a scalar from 0 to 2 (front-end alignment of the paper). Both
 * [..., D]. A vector of length 0 has the cosine 0.
 * @throws InputError for different shapes
 */
export function frontAlignment(student: Tensor, teacher: Tensor): Tensor {
  checkAlike('frontAlignment', student, teacher);
  const last = student.shape.length - 1;
  return sub(1, reduceMean(reduceSum(mul(unitVectors(student), unitVectors(teacher)), [last])));
}

/** Terms of KL(teacher || student) at a temperature, without its square: logits [..., C], the sum over C is the divergence. */
export function softenedTerms(student: Tensor, teacher: Tensor, temperature: Tensor | number): Tensor {
  const known = logSoftmax(div(teacher, temperature), -1);
  return mul(exp(known), sub(known, logSoftmax(div(student, temperature), -1)));
}

/**
 * T² KL(teacher || student) of logits [N, C] at temperature T, a scalar. `clips`: summed over classes, mean over clips (Hinton
 * et al. 2015; the paper's equation). `elements`: mean over clips and classes, C times smaller, as CP-JKU's code has it.
 * @param temperature a number, or a scalar of the graph
 * @throws InputError for different shapes
 */
export function softenedDivergence(
  student: Tensor,
  teacher: Tensor,
  temperature: Tensor | number,
  mean: 'clips' | 'elements' = 'clips',
): Tensor {
  checkAlike('softenedDivergence', student, teacher);
  const terms = softenedTerms(student, teacher, temperature);
  const averaged = mean === 'elements' ? reduceMean(terms) : reduceMean(reduceSum(terms, [1]));
  return mul(averaged, typeof temperature === 'number' ? temperature ** 2 : mul(temperature, temperature));
}

/**
 * The same (`clips`) of every stage of the student against every layer of the teacher: logits [N, S, C] and [N, L, C] to
 * [S, L].
 */
export function softenedDivergences(stages: Tensor, layers: Tensor, temperature: Tensor | number): Tensor {
  const [count, rows, classes] = stages.shape as number[];
  const columns = staticDim(layers, 1, 'softenedDivergences');
  const own = reshape(stages, [count, rows, 1, classes]);
  const terms = softenedTerms(own, reshape(layers, [count, 1, columns, classes]), temperature);
  const means = reduceMean(reduceSum(terms, [3]), [0]); // [S, L]
  return mul(means, typeof temperature === 'number' ? temperature ** 2 : mul(temperature, temperature));
}

export type TemperatureSchedule = {
  highest?: number;
  lowest?: number;
  /** Per epoch. */
  decay?: number;
  /**
   * `bounded` (default): from `highest` at epoch 0, (highest - lowest) e^(-decay t) + lowest. `published`: as printed,
   * highest e^(-decay t) + lowest, which begins at 10 with the paper's numbers although its text says 8.
   */
  form?: 'bounded' | 'published';
};

/** Temperature at an epoch, which need not be whole. Defaults are the paper's: from 8 to 2, decay 0.01. */
export function annealedTemperature(
  epoch: number,
  { highest = 8, lowest = 2, decay = 0.01, form = 'bounded' }: TemperatureSchedule = {},
): number {
  return (form === 'bounded' ? highest - lowest : highest) * Math.exp(-decay * epoch) + lowest;
}

export type RoutingOptions = {
  /** Prefix of the parameters; `route` by default. */
  name?: string;
  /** Width of queries and keys; 64 by default. */
  width?: number;
  /** Layers that a stage listens to; 3 by default. All, where the teacher has no more. */
  top?: number;
};

/** 1 at the `top` largest values of each row [S, L], 0 elsewhere; of equal ones the first count. No gradient. */
function largest(values: Tensor, top: number): Tensor {
  const [rows, columns] = values.shape as number[];
  const own = reshape(stopGradient(values), [rows, columns, 1]);
  const other = reshape(stopGradient(values), [rows, 1, columns]);
  const before = constant(
    Array.from({ length: columns ** 2 }, (_, i) => (i % columns < Math.floor(i / columns) ? 1 : 0)),
    [1, columns, columns],
    values.dtype,
  );
  const ahead = add(cast(greater(other, own), values.dtype), mul(cast(equal(other, own), values.dtype), before));
  return cast(less(reduceSum(ahead, [2]), top), values.dtype);
}

/**
 * How much every stage of the student [N, C of the stage] listens to every layer of the teacher [N, D of the layer]:
 * weights [stages, layers], 0 but for the `top` largest of a stage, which sum to 1. Queries and keys are learned linear maps
 * into one width (`name.query.S.weight`, `name.key.L.weight`); the weights are the softmax over layers of their scaled
 * product, averaged over the batch, and gradients reach the chosen ones through it.
 * @throws InputError without stages or layers
 */
export function attentionRouting(
  scope: ParameterScope,
  stages: readonly Tensor[],
  layers: readonly Tensor[],
  { name = 'route', width = 64, top = 3 }: RoutingOptions = {},
): Tensor {
  if (stages.length === 0 || layers.length === 0) {
    throw new InputError(
      `attentionRouting: expected stages and layers, found ${stages.length} and ${layers.length}; leave layered distillation out`,
    );
  }
  const mapped = (what: string, features: readonly Tensor[]): Tensor => {
    const rows = features.map((own, i) => {
      const inputs = staticDim(own, 1, 'attentionRouting');
      return reshape(linear(own, scope(`${name}.${what}.${i}.weight`, [width, inputs])), [own.shape[0], 1, width]);
    });
    return rows.length === 1 ? rows[0] : concat(rows, 1);
  };
  const [queries, keys] = [mapped('query', stages), mapped('key', layers)]; // [N, S, W], [N, L, W]
  const products = matmul(queries, swapLastAxes(keys)); // [N, S, L]
  const shares = softmax(reduceMean(mul(products, 1 / Math.sqrt(width)), [0]), -1); // [S, L]
  if (layers.length <= top) return shares;
  const chosen = mul(shares, largest(shares, top));
  return div(chosen, reduceSum(chosen, [1], true));
}

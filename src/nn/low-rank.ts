// Low-rank adaptation (LoRA): matrices of a model move by a product of two thin ones, which alone are trained.
import { add, mul } from '../graph/elementwise.ts';
import { matmul } from '../graph/matmul.ts';
import type { Tensor } from '../graph/tensor.ts';
import { InputError } from '../signal/errors.ts';
import { createRandom } from '../signal/simulate/random.ts';
import type { ParameterScope } from './parameters.ts';

export type LowRankOptions = {
  /** r, the width of the bottleneck. */
  rank: number;
  /** The product is multiplied by alpha / rank. */
  alpha: number;
};

/** Ends of the names of the thin matrices: A [rank, in] and B [out, rank]. */
const [A, B] = ['.lora_a', '.lora_b'];

/** Whether a parameter belongs to an adaptation: what is trained when the model itself stays. */
export const isLowRank = (name: string): boolean => name.endsWith(A) || name.endsWith(B);

function checkRank(what: string, { rank, alpha }: LowRankOptions): number {
  if (!Number.isInteger(rank) || rank < 1 || !Number.isFinite(alpha)) {
    throw new InputError(
      `${what}: expected a whole rank of at least 1 and a finite alpha, found ${rank} and ${alpha}; 8 and 16 are usual`,
    );
  }
  return alpha / rank;
}

/**
 * A scope whose matrices [out, in] with names that `targets` finds come out as W + (alpha / rank) B A (Hu et al. 2022,
 * section 4.1). Parameters `name.lora_a` [rank, in] and `name.lora_b` [out, rank] join W, which keeps its name; everything
 * else passes.
 * @throws InputError for a rank below 1 or not below the size of a matrix that it is to adapt.
 */
export function withLowRank(scope: ParameterScope, options: LowRankOptions & { targets: RegExp }): ParameterScope {
  const factor = checkRank('withLowRank', options);
  const { rank, targets } = options;
  const adapted = new Map<Tensor, Tensor>();
  return (name, shape) => {
    const weight = scope(name, shape);
    // `search` looks from the start whatever flags the expression has.
    if (shape.length !== 2 || name.search(targets) < 0) return weight;
    const known = adapted.get(weight);
    if (known) return known;
    const [outputs, inputs] = shape;
    if (rank >= Math.min(outputs, inputs)) {
      throw new InputError(
        `withLowRank: expected a rank below the size of ${name} [${shape}], found ${rank}; lower it or leave that matrix out`,
      );
    }
    const product = matmul(scope(`${name}${B}`, [outputs, rank]), scope(`${name}${A}`, [rank, inputs]));
    const moved = add(weight, mul(product, factor));
    adapted.set(weight, moved);
    return moved;
  };
}

/**
 * First values of the thin matrices among `shapes`: A uniform in ±1 / sqrt(in), B zero, so that the model starts as it was.
 * Deterministic by seed and name; other names are left out.
 */
export function initialLowRank(
  shapes: ReadonlyMap<string, readonly number[]>,
  seed: number,
): Map<string, Float32Array> {
  const random = createRandom(seed);
  const values = new Map<string, Float32Array>();
  for (const [name, [rows, columns]] of shapes) {
    if (name.endsWith(B)) values.set(name, new Float32Array(rows * columns));
    if (!name.endsWith(A)) continue;
    const [stream, limit] = [random.fork(name), 1 / Math.sqrt(columns)];
    values.set(
      name,
      Float32Array.from({ length: rows * columns }, () => stream.uniform(-limit, limit)),
    );
  }
  return values;
}

/** (alpha / rank) B A added to `weight` [out, in], row-major, in float64. */
function merged(weight: Float32Array, a: Float32Array, b: Float32Array, rank: number, factor: number): Float32Array {
  const inputs = a.length / rank;
  return weight.map((value, at) => {
    const [row, column] = [Math.floor(at / inputs), at % inputs];
    let sum = 0;
    for (let r = 0; r < rank; r++) sum += b[row * rank + r] * a[r * inputs + column];
    return value + factor * sum;
  });
}

/**
 * Values of a model without its adaptation: every thin pair is folded into its matrix, under the model's own names. The
 * rest is passed on, not copied.
 * @throws InputError where a pair is incomplete or does not fit its matrix.
 */
export function mergeLowRank(
  values: ReadonlyMap<string, Float32Array>,
  options: LowRankOptions,
): Map<string, Float32Array> {
  const factor = checkRank('mergeLowRank', options);
  const { rank } = options;
  const result = new Map<string, Float32Array>();
  for (const [name, own] of values) if (!isLowRank(name)) result.set(name, own);
  for (const name of new Set([...values.keys()].filter(isLowRank).map((part) => part.slice(0, -A.length)))) {
    const [weight, a, b] = [values.get(name), values.get(`${name}${A}`), values.get(`${name}${B}`)];
    if (!weight || !a || !b || (a.length * b.length) / rank ** 2 !== weight.length || a.length % rank !== 0) {
      const found = [weight, a, b].map((part) => part?.length ?? 'none').join(', ');
      throw new InputError(
        `mergeLowRank: expected ${name}, ${A} and ${B} of rank ${rank}, found ${found} values; load the run's whole state`,
      );
    }
    result.set(name, merged(weight, a, b, rank, factor));
  }
  return result;
}

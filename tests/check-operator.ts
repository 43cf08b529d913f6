// One check for every operator: ONNX Runtime against the oracle, and gradients against finite differences.
import { expect } from 'vitest';
import { vectorJacobian } from '../src/graph/gradients.ts';
import { toOnnx } from '../src/graph/onnx.ts';
import { loadProgram } from '../src/graph/program.node.ts';
import type { Value } from '../src/graph/runtime.ts';
import { type Dim, type DType, input, isFloat, type Shape, type Tensor } from '../src/graph/tensor.ts';
import { evaluate } from './graph-oracle/evaluate.ts';
import { type OracleValue, sizeOf } from './graph-oracle/value.ts';

/** Values of the symbolic sizes in one run. */
export type Sizes = Readonly<Record<string, number>>;

export type OperatorInput = {
  shape: Shape;
  dtype?: DType;
  /** The numbers, row-major; random between `low` (-2) and `high` (2) by default. */
  values?: (sizes: Sizes) => readonly number[];
  low?: number;
  high?: number;
};

export type OperatorCase = {
  name: string;
  /** Shapes of the inputs, by name; sizes may be symbolic. */
  inputs: Readonly<Record<string, Shape | OperatorInput>>;
  build: (inputs: Record<string, Tensor>) => Tensor;
  /** Sizes of the symbolic dimensions, one entry per run. The first also makes the static variant. */
  sizes?: readonly Sizes[];
  /** Inputs to differentiate by; all of a floating-point type by default. */
  wrt?: readonly string[];
  /** Where the derivative does not exist or nothing is to be differentiated. */
  gradient?: false;
};

const STEP = 1e-5;
const FORWARD_TOLERANCE = 1e-5;
const DIFFERENCE_TOLERANCE = 1e-6;
const GRADIENT_TOLERANCE = 1e-4;

/** Uniform numbers in [0, 1) from a seed (Marsaglia's xorshift32). */
export function randomNumbers(seed: number): () => number {
  let state = (seed * 2654435761 + 88172645) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

const specOf = (spec: Shape | OperatorInput): OperatorInput => ('shape' in spec ? spec : { shape: spec });
const withSizes = (shape: Shape, sizes: Sizes): Dim[] =>
  shape.map((dim) => (typeof dim === 'string' ? (sizes[dim] ?? dim) : dim));

/** Random numbers are float32, so that both sides see the same. */
function numbersFor(spec: OperatorInput, shape: readonly number[], sizes: Sizes, random: () => number): OracleValue {
  const { low = -2, high = 2, values } = spec;
  const data = values ? Float64Array.from(values(sizes)) : new Float64Array(sizeOf(shape));
  if (!values) for (let i = 0; i < data.length; i++) data[i] = Math.fround(low + (high - low) * random());
  return { shape, data };
}

const toRuntime = (value: OracleValue, dtype: DType): Value => ({
  dtype,
  shape: value.shape,
  data:
    dtype === 'int64'
      ? BigInt64Array.from(Array.from(value.data, BigInt))
      : dtype === 'bool'
        ? Uint8Array.from(value.data)
        : Float32Array.from(value.data),
});

/** Largest difference, relative to the largest expected value (at least 0.01, for gradients that cancel out). */
export function relativeDifference(actual: ArrayLike<number | bigint>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let [largest, scale] = [0, 0.01];
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(Number(actual[i]) - expected[i]);
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    largest = Math.max(largest, difference);
    scale = Math.max(scale, Math.abs(expected[i]));
  }
  return largest / scale;
}

type Feeds = Map<string, OracleValue>;

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((total, v, i) => total + v * b[i], 0);

/** Central differences of <seed, output> by every value of one input. */
function finiteDifferences(output: Tensor, seed: OracleValue, feeds: Feeds, name: string): Float64Array {
  const original = feeds.get(name) as OracleValue;
  const moved = (i: number, step: number): number => {
    const data = original.data.slice();
    data[i] += step;
    const [value] = evaluate([output], new Map(feeds).set(name, { shape: original.shape, data }));
    return dot(value.data, seed.data);
  };
  return original.data.map((_, i) => (moved(i, STEP) - moved(i, -STEP)) / (2 * STEP));
}

/** One compiled graph, run and compared with every entry of `sizes`. */
async function checkVariant(testCase: OperatorCase, shapes: Record<string, Shape>, runs: readonly Sizes[]) {
  const specs = Object.entries(testCase.inputs).map(([name, spec]) => ({ name, spec: specOf(spec) }));
  const tensors: Record<string, Tensor> = {};
  for (const { name, spec } of specs) tensors[name] = input(name, shapes[name], spec.dtype);
  const output = testCase.build(tensors);
  const differentiable = testCase.gradient !== false && isFloat(output);
  const wrt = differentiable ? (testCase.wrt ?? specs.map(({ name }) => name)).filter((n) => isFloat(tensors[n])) : [];
  const seed = input('seed', output.shape, output.dtype);
  const gradients = vectorJacobian(
    [output],
    [seed],
    wrt.map((name) => tensors[name]),
  );
  // An input that the output does not use is no input of the program.
  const outputs = Object.fromEntries([['output', output], ...gradients.map((g, i) => [`gradient ${wrt[i]}`, g])]);
  const model = toOnnx({ outputs });
  const program = await loadProgram(model.bytes, { threads: 1 });
  for (const [run, sizes] of runs.entries()) {
    const random = randomNumbers(run + 1);
    const feeds: Feeds = new Map();
    for (const { name, spec } of specs) {
      feeds.set(name, numbersFor(spec, withSizes(spec.shape, sizes) as number[], sizes, random));
    }
    const [expected] = evaluate([output], feeds);
    feeds.set('seed', numbersFor({ shape: [] }, expected.shape, sizes, random));
    const fed = model.inputs.map((tensor) => {
      const name = tensor.node.name as string;
      return [name, toRuntime(feeds.get(name) as OracleValue, tensor.dtype)];
    });
    const results = await program.run(Object.fromEntries(fed));
    const where = `${testCase.name}, ${JSON.stringify(sizes)}, shapes ${JSON.stringify(shapes)}`;
    expect([...results.output.shape], `shape of ${where}`).toEqual([...expected.shape]);
    expect(relativeDifference(results.output.data, expected.data), `value of ${where}`).toBeLessThan(FORWARD_TOLERANCE);
    const byOracle = evaluate(gradients, feeds);
    for (const [i, name] of wrt.entries()) {
      const differences = finiteDifferences(output, feeds.get('seed') as OracleValue, feeds, name);
      const [difference, runtime] = [
        relativeDifference(byOracle[i].data, differences),
        relativeDifference(results[`gradient ${name}`].data, byOracle[i].data),
      ];
      expect(difference, `gradient by ${name} against differences: ${where}`).toBeLessThan(DIFFERENCE_TOLERANCE);
      expect(runtime, `gradient by ${name} in ONNX Runtime: ${where}`).toBeLessThan(GRADIENT_TOLERANCE);
    }
  }
  await program.release();
}

/**
 * Holds a function of symbolic inputs against the float64 oracle: ONNX Runtime's float32 values (1e-5 of the largest),
 * the gradient graph against central differences (1e-6), ONNX Runtime's gradients against the oracle's (1e-4). With
 * symbolic sizes it does so for the static shapes of the first run, and for one graph that serves every run.
 */
export async function checkOperator(testCase: OperatorCase): Promise<void> {
  const runs = testCase.sizes ?? [{}];
  const shapes = (sizes: Sizes) =>
    Object.fromEntries(Object.entries(testCase.inputs).map(([name, s]) => [name, withSizes(specOf(s).shape, sizes)]));
  await checkVariant(testCase, shapes(runs[0]), [runs[0]]);
  if (testCase.sizes) await checkVariant(testCase, shapes({}), runs);
}

/** Runs a graph once in ONNX Runtime; the numbers of its one output. */
export async function runOnce(
  output: Tensor,
  feeds: Readonly<Record<string, Value>>,
  options: { threads?: number } = {},
): Promise<number[]> {
  const program = await loadProgram(toOnnx({ outputs: { output } }).bytes, { threads: 1, ...options });
  const results = await program.run(feeds);
  await program.release();
  return Array.from(results.output.data, Number);
}

// The matrices of a transformer in 8 bits: a rewrite of its symbolic graph, which keeps its inputs and outputs.
import { cast, mul } from '../graph/elementwise.ts';
import { topologicalOrder } from '../graph/gradients.ts';
import { type StoredValues, toOnnx } from '../graph/onnx.ts';
import { loadProgram } from '../graph/program.ts';
import { addNode, apply, constant, parameter, type Tensor } from '../graph/tensor.ts';
import { parametersOf } from '../nn/parameters.ts';
import { quantiseMatrix } from './quantise-matrix.ts';
import { rewriteGraph } from './rewrite-graph.ts';

/**
 * What is multiplied. `float`: the weights are only stored in 8 bits, and ONNX Runtime makes them float32 when it loads
 * the model. `int8`: activations have 8 bits too, with the range that each tensor has in this run, and integers are
 * multiplied; a recording's numbers then depend a little on what else is in its batch.
 */
export type ActivationType = 'float' | 'int8';

export type QuantiseOptions = {
  activations?: ActivationType;
  /** Matrices of fewer values stay as they are. */
  least?: number;
};

export type QuantisedGraph<K extends string = string> = {
  outputs: Record<K, Tensor>;
  /** What to bake into the model: parameters that stayed float32, and codes and scales under `NAME.codes` and `NAME.scales`. */
  constants: Map<string, StoredValues>;
  /** How many matrices are in 8 bits now. */
  matrices: number;
};

const LEAST_VALUES = 1024;
/** Zero of codes without sign. ONNX Runtime's products with signed weights saturate on CPUs without VNNI; these do not. */
const UNSIGNED_ZERO = 128;

/** [rows, columns] of a tensor that depends on parameters alone and is a matrix; undefined for others. */
function fixedMatrix(tensor: Tensor): { rows: number; columns: number } | undefined {
  const [rows, columns] = tensor.shape;
  if (tensor.shape.length !== 2 || typeof rows !== 'number' || typeof columns !== 'number') return undefined;
  if (tensor.dtype !== 'float32') return undefined;
  const order = topologicalOrder([tensor]);
  const learned = order.some(({ op }) => op === 'Parameter') && order.every(({ op }) => op !== 'Input');
  return learned ? { rows, columns } : undefined;
}

/** Numbers of a tensor that depends on parameters alone. */
async function evaluate(tensor: Tensor, values: ReadonlyMap<string, Float32Array>): Promise<Float32Array> {
  if (tensor.node.op === 'Parameter') return values.get(tensor.node.name as string) as Float32Array;
  const program = await loadProgram(toOnnx({ outputs: { value: tensor }, constants: values }).bytes, { threads: 1 });
  const { value } = await program.run({});
  await program.release();
  return value.data as Float32Array;
}

/** A weight in 8 bits: parameters of the new graph. */
type Stored = { codes: Tensor; scales: Tensor };

/** x [..., K] times codes [K, N] with activations in 8 bits (ONNX DynamicQuantizeLinear, MatMulInteger). */
function integerProduct(quantised: readonly Tensor[], { codes, scales }: Stored, product: Tensor): Tensor {
  const [values, scale, zero] = quantised;
  const inputs = [values, codes, zero, constant([UNSIGNED_ZERO], [], 'uint8')];
  const sums = apply('MatMulInteger', inputs, { shape: product.shape, dtype: 'int32' });
  return mul(cast(sums, 'float32'), mul(scale, scales));
}

const dynamicQuantize = (x: Tensor): Tensor[] =>
  addNode({
    op: 'DynamicQuantizeLinear',
    inputs: [x],
    outputs: [
      { shape: x.shape, dtype: 'uint8' },
      { shape: [], dtype: 'float32' },
      { shape: [], dtype: 'uint8' },
    ],
  });

/**
 * The graph with every large matrix of weights, where it is the second factor of a product, in 8 bits: symmetric, a scale
 * for every output channel. Convolutions, norms and biases stay float32.
 * @param values of all parameters
 */
export async function quantiseGraph<K extends string>(
  outputs: Readonly<Record<K, Tensor>>,
  values: ReadonlyMap<string, Float32Array>,
  { activations = 'float', least = LEAST_VALUES }: QuantiseOptions = {},
): Promise<QuantisedGraph<K>> {
  const constants = new Map<string, StoredValues>();
  const weights = new Map<Tensor, Stored>();
  const tensors: Tensor[] = Object.values(outputs);
  for (const { op, inputs } of topologicalOrder(tensors)) {
    const factor = op === 'MatMul' ? inputs[1] : undefined;
    const size = factor && fixedMatrix(factor);
    if (!factor || !size || size.rows * size.columns < least || weights.has(factor)) continue;
    const { codes, scales } = quantiseMatrix(await evaluate(factor, values), size.rows, size.columns);
    const [source] = parametersOf([factor]).keys();
    let name = source;
    while (constants.has(`${name}.codes`)) name += '_';
    const unsigned = activations === 'int8';
    constants.set(`${name}.codes`, unsigned ? Uint8Array.from(codes, (code) => code + UNSIGNED_ZERO) : codes);
    constants.set(`${name}.scales`, scales);
    weights.set(factor, {
      codes: parameter(`${name}.codes`, [size.rows, size.columns], unsigned ? 'uint8' : 'int8'),
      scales: parameter(`${name}.scales`, [size.columns]),
    });
  }
  // Several products of one tensor, such as queries and keys, share its codes.
  const codesOf = new Map<Tensor, Tensor[]>();
  const quantised = (x: Tensor): Tensor[] => {
    const known = codesOf.get(x) ?? dynamicQuantize(x);
    codesOf.set(x, known);
    return known;
  };
  const rewritten = rewriteGraph(outputs, (node, [left]) => {
    const [, factor] = node.inputs;
    const stored = node.op === 'MatMul' && factor ? weights.get(factor) : undefined;
    if (!stored || !left) return undefined;
    const [product] = node.outputs;
    if (activations === 'int8') return [integerProduct(quantised(left), stored, product)];
    // Not DequantizeLinear: of that and a product ONNX Runtime 1.30 makes a MatMulNBits that rounds activations to 8 bits.
    const dense = mul(cast(stored.codes, 'float32'), stored.scales);
    return [apply('MatMul', [left, dense], { shape: product.shape, dtype: 'float32' })];
  });
  for (const name of parametersOf(Object.values(rewritten)).keys()) {
    const own = values.get(name);
    if (own && !constants.has(name)) constants.set(name, own);
  }
  return { outputs: rewritten, constants, matrices: weights.size };
}

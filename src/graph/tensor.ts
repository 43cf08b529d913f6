// Symbolic tensors: what a graph is made of. A tensor knows the node that computes it, its shape and its type; it holds no numbers.

/** A size: a number, or the name of a size that is known only when the program runs (`batch`, `frames`). */
export type Dim = number | string;
export type Shape = readonly Dim[];
export type DType = 'float32' | 'float64' | 'float16' | 'int64' | 'int32' | 'int8' | 'uint8' | 'bool';

/** Attribute of an ONNX node: integers stay integers, `{ float }` marks a float that may be whole. */
export type Attribute = number | string | readonly number[] | { float: number };
export type Attributes = Readonly<Record<string, Attribute>>;

/**
 * Vector-Jacobian product of a node: from the gradients of its outputs (undefined where an output has no influence)
 * to the gradients of its inputs (undefined where none flows).
 */
export type Vjp = (outputGradients: readonly (Tensor | undefined)[]) => readonly (Tensor | undefined)[];

export type GraphNode = {
  /** ONNX operator, or `Input`, `Parameter`, `Constant`. */
  readonly op: string;
  /** ONNX operator domain; empty for the standard one. */
  readonly domain: string;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly attributes: Attributes;
  readonly outputs: Tensor[];
  /** Absent where nothing can be differentiated: leaves, and nodes without floating-point inputs or outputs. */
  readonly vjp?: Vjp;
  /** Inputs and parameters have names; a constant has its values. */
  readonly name?: string;
  readonly values?: ConstantValues;
};

export type ConstantValues =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | Int32Array
  | Int8Array
  | Uint8Array
  | Uint16Array;

export type Tensor = {
  readonly node: GraphNode;
  /** Which output of the node this is. */
  readonly index: number;
  readonly shape: Shape;
  readonly dtype: DType;
};

type NodeSpec = {
  op: string;
  inputs: readonly (Tensor | undefined)[];
  outputs: readonly { shape: Shape; dtype: DType }[];
  attributes?: Attributes;
  domain?: string;
  vjp?: Vjp;
};

/** Adds a node with any number of outputs. Operators are built on this; users call the operators. */
export function addNode(spec: NodeSpec): Tensor[] {
  const outputs: Tensor[] = [];
  const node: GraphNode = {
    op: spec.op,
    domain: spec.domain ?? '',
    inputs: spec.inputs,
    attributes: spec.attributes ?? {},
    outputs,
    vjp: spec.vjp,
  };
  for (const [index, output] of spec.outputs.entries()) outputs.push({ node, index, ...output });
  return outputs;
}

/** Adds a node with one output; `vjp` receives the gradient of that output. */
export function apply(
  op: string,
  inputs: readonly (Tensor | undefined)[],
  output: { shape: Shape; dtype: DType },
  attributes: Attributes = {},
  vjp?: (gradient: Tensor) => readonly (Tensor | undefined)[],
): Tensor {
  const spec: NodeSpec = { op, inputs, outputs: [output], attributes };
  if (vjp) spec.vjp = ([gradient]) => (gradient ? vjp(gradient) : []);
  return addNode(spec)[0];
}

function leaf(op: string, shape: Shape, dtype: DType, name?: string, values?: ConstantValues): Tensor {
  const outputs: Tensor[] = [];
  const node: GraphNode = { op, domain: '', inputs: [], attributes: {}, outputs, name, values };
  outputs.push({ node, index: 0, shape, dtype });
  return outputs[0];
}

/** A value fed at every run. */
export const input = (name: string, shape: Shape, dtype: DType = 'float32'): Tensor =>
  leaf('Input', shape, dtype, name);

/** A value that belongs to the model: baked into the program, or fed like an input while it is being trained. */
export const parameter = (name: string, shape: readonly number[], dtype: DType = 'float32'): Tensor =>
  leaf('Parameter', shape, dtype, name);

const arrayFor = (dtype: DType, values: ArrayLike<number>): ConstantValues => {
  switch (dtype) {
    case 'float32':
      return Float32Array.from(values);
    case 'float64':
      return Float64Array.from(values);
    case 'int64':
      return BigInt64Array.from(Array.from(values, BigInt));
    case 'int32':
      return Int32Array.from(values);
    case 'int8':
      return Int8Array.from(values);
    case 'uint8':
    case 'bool':
      return Uint8Array.from(values);
    case 'float16':
      throw new TypeError('constant: float16 constants are made by casting a float32 constant');
  }
};

/** Numbers known when the graph is built, row-major. */
export function constant(values: ArrayLike<number>, shape: readonly number[], dtype: DType = 'float32'): Tensor {
  const size = shape.reduce((product, dim) => product * dim, 1);
  if (values.length !== size) {
    throw new TypeError(`constant: expected ${size} values for shape [${shape}], got ${values.length}`);
  }
  return leaf('Constant', shape, dtype, undefined, arrayFor(dtype, values));
}

/** A scalar of the type of `like`. */
export const scalarLike = (like: Tensor, value: number): Tensor => constant([value], [], like.dtype);

/** A vector of int64 numbers, as ONNX wants for shapes, axes and indices. */
export const int64 = (values: readonly number[]): Tensor => constant(values, [values.length], 'int64');

export const isFloat = (tensor: Tensor): boolean => tensor.dtype.startsWith('float');

// From a graph to an ONNX model: the file that ONNX Runtime executes and that any other ONNX tool can read.
import { create, toBinary } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { topologicalOrder } from './gradients.ts';
import type { Attribute, ConstantValues, DType, GraphNode, Shape, Tensor } from './tensor.ts';

/** ONNX operator set; 20 brought Gelu. */
const OPSET = 20;
/** IR version that goes with it. */
const IR_VERSION = 9;

const dataTypes: Record<DType, DataType> = {
  float32: DataType.FLOAT,
  float64: DataType.DOUBLE,
  float16: DataType.FLOAT16,
  int64: DataType.INT64,
  int32: DataType.INT32,
  int8: DataType.INT8,
  uint8: DataType.UINT8,
  bool: DataType.BOOL,
};

const arrayTypes = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

/** Values of a parameter that is baked into the model, row-major. */
export type StoredValues = ConstantValues;

export type OnnxOptions = {
  /** Outputs by name; the order is kept. */
  outputs: Readonly<Record<string, Tensor>>;
  /** Values of the parameters to bake in, by parameter name. Parameters without values become inputs of the model. */
  constants?: ReadonlyMap<string, StoredValues>;
  /** Shown in the file. */
  name?: string;
};

export type OnnxModel = {
  bytes: Uint8Array;
  /** Inputs of the model: the graph's inputs, then the parameters that were not baked in. */
  inputs: Tensor[];
};

const rawBytes = (values: ConstantValues): Uint8Array<ArrayBuffer> =>
  new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);

function tensorProto(name: string, values: ConstantValues, dtype: DType, shape: Shape): TensorProto {
  const size = shape.reduce<number>((product, dim) => product * (dim as number), 1);
  if (values.length !== size) {
    throw new TypeError(`toOnnx: ${name} has shape [${shape}], that is ${size} values, but got ${values.length}`);
  }
  if (!(values instanceof arrayTypes[dtype])) {
    throw new TypeError(
      `toOnnx: ${name} is ${dtype}, that is a ${arrayTypes[dtype].name}, but got a ${values.constructor.name}`,
    );
  }
  return create(TensorProtoSchema, {
    name,
    dataType: dataTypes[dtype],
    dims: shape.map((dim) => BigInt(dim)),
    rawData: rawBytes(values),
  });
}

function attributeProto(name: string, value: Attribute, op: string): AttributeProto {
  if (op === 'Cast' && name === 'to') {
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(dataTypes[value as DType]) });
  }
  if (typeof value === 'number') {
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  }
  if (typeof value === 'string') {
    return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) });
  }
  if ('float' in value) return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map((v) => BigInt(v)) });
}

function valueInfo(name: string, tensor: Tensor): ValueInfoProto {
  const dim = tensor.shape.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof size === 'number' ? { case: 'dimValue', value: BigInt(size) } : { case: 'dimParam', value: size },
    }),
  );
  const shape = create(TensorShapeProtoSchema, { dim });
  const type = create(TypeProto_TensorSchema, { elemType: dataTypes[tensor.dtype], shape });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: 'tensorType', value: type } }),
  });
}

/** Gives every tensor of the graph a name; inputs and parameters keep theirs, and outputs get those of the caller. */
function nameTensors(order: readonly GraphNode[], outputs: readonly string[]): Map<Tensor, string> {
  const taken = new Set<string>();
  for (const { name } of order) {
    if (name === undefined) continue;
    if (taken.has(name)) throw new TypeError(`toOnnx: two inputs or parameters are named ${name}`);
    taken.add(name);
  }
  for (const name of outputs) {
    if (taken.has(name)) throw new TypeError(`toOnnx: output ${name} has the name of an input or parameter`);
    taken.add(name);
  }
  const names = new Map<Tensor, string>();
  for (const [i, node] of order.entries()) {
    for (const tensor of node.outputs) {
      let name = node.name ?? `${node.op}_${i}_${tensor.index}`;
      while (node.name === undefined && taken.has(name)) name += '_';
      names.set(tensor, name);
    }
  }
  return names;
}

const isLeaf = (node: GraphNode): boolean => node.op === 'Input' || node.op === 'Parameter';

function nodeProto(node: GraphNode, names: Map<Tensor, string>, used: Set<Tensor>): NodeProto {
  // Unused outputs at the end are left out, but not those of Split: it has as many as it cuts pieces.
  const kept = node.op === 'Split' ? node.outputs.length : node.outputs.findLastIndex((tensor) => used.has(tensor)) + 1;
  const outputs = node.outputs.slice(0, kept).map((tensor) => names.get(tensor) as string);
  // What else an Identity names is of use to its gradient alone.
  const read = node.op === 'Identity' ? node.inputs.slice(0, 1) : node.inputs;
  const inputs = read.map((tensor) => (tensor ? (names.get(tensor) as string) : ''));
  while (inputs.at(-1) === '') inputs.pop();
  return create(NodeProtoSchema, {
    opType: node.op,
    domain: node.domain,
    input: inputs,
    output: outputs,
    attribute: Object.entries(node.attributes).map(([name, value]) => attributeProto(name, value, node.op)),
  });
}

/**
 * Serialises the graph behind `outputs` as an ONNX model.
 * @throws TypeError for duplicate names or parameter values of the wrong size.
 */
export function toOnnx(options: OnnxOptions): OnnxModel {
  const outputs = Object.entries(options.outputs);
  const order = topologicalOrder(outputs.map(([, tensor]) => tensor));
  const names = nameTensors(order, Object.keys(options.outputs));
  const used = new Set<Tensor>(outputs.map(([, tensor]) => tensor));
  for (const node of order) for (const tensor of node.inputs) if (tensor) used.add(tensor);

  const initializers: TensorProto[] = [];
  const inputs: Tensor[] = [];
  const parameters: Tensor[] = [];
  const nodes: NodeProto[] = [];
  for (const node of order) {
    const [tensor] = node.outputs;
    const name = names.get(tensor) as string;
    if (node.op === 'Constant') {
      initializers.push(tensorProto(name, node.values as ConstantValues, tensor.dtype, tensor.shape));
    } else if (isLeaf(node)) {
      const values = node.op === 'Parameter' ? options.constants?.get(name) : undefined;
      if (values) initializers.push(tensorProto(name, values, tensor.dtype, tensor.shape));
      else (node.op === 'Input' ? inputs : parameters).push(tensor);
    } else {
      nodes.push(nodeProto(node, names, used));
    }
  }
  // Outputs get the names the caller chose, through an Identity that the runtime removes.
  for (const [name, tensor] of outputs) {
    nodes.push(create(NodeProtoSchema, { opType: 'Identity', input: [names.get(tensor) as string], output: [name] }));
  }
  const allInputs = [...inputs, ...parameters];
  const graph = create(GraphProtoSchema, {
    name: options.name ?? 'thrum',
    node: nodes,
    initializer: initializers,
    input: allInputs.map((tensor) => valueInfo(names.get(tensor) as string, tensor)),
    output: outputs.map(([name, tensor]) => valueInfo(name, tensor)),
  });
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(IR_VERSION),
    producerName: 'thrum',
    opsetImport: [
      create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(OPSET) }),
      create(OperatorSetIdProtoSchema, { domain: 'com.microsoft', version: 1n }),
    ],
    graph,
  });
  return { bytes: toBinary(ModelProtoSchema, model), inputs: allInputs };
}

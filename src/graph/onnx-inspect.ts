// What an ONNX file says of itself before it runs: inputs, outputs, size.
import { fromBinary } from '@bufbuild/protobuf';
import {
  TensorProto_DataType as DataType,
  type GraphProto,
  ModelProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  type TensorShapeProto_Dimension,
  type ValueInfoProto,
} from 'onnx-buf';
import { InputError } from '../signal/errors.ts';
import type { Dim, Shape } from './tensor.ts';

/** An input or output as it is declared. */
export type OnnxValue = {
  name: string;
  /** ONNX's own name in small letters: `float`, `float16`, `int64` …; absent where the file does not say. */
  type?: string;
  /** Unnamed open sizes are `?`. Absent where the file does not say. */
  shape?: Shape;
};

export type OnnxInterface = {
  /** Inputs that must be fed; those with a value in the file are left out. */
  inputs: OnnxValue[];
  outputs: OnnxValue[];
  /** Values of all floating-point initialisers; undefined for quantised models, whose weights cannot be told from other bytes. */
  parameters: number | undefined;
  /** Files that hold weights outside of the model. */
  externalFiles: string[];
};

const FLOATS: ReadonlySet<number> = new Set([DataType.FLOAT, DataType.FLOAT16, DataType.DOUBLE, DataType.BFLOAT16]);

/** Eight bits in two axes or more, or one of the newer types (float8, int4): a quantised weight. */
const isQuantised = ({ dataType, dims }: TensorProto): boolean =>
  dims.length >= 2 && (dataType === DataType.INT8 || dataType === DataType.UINT8 || dataType > DataType.BFLOAT16);

const sizeOf = ({ dims }: TensorProto): number => dims.reduce((product, dim) => product * Number(dim), 1);

function countParameters({ initializer }: GraphProto): number | undefined {
  if (initializer.some(isQuantised)) return undefined;
  return initializer.filter(({ dataType }) => FLOATS.has(dataType)).reduce((sum, tensor) => sum + sizeOf(tensor), 0);
}

function dimOf({ value }: TensorShapeProto_Dimension): Dim {
  if (value.case === 'dimValue') return Number(value.value);
  return value.case === 'dimParam' && value.value !== '' ? value.value : '?';
}

function describeValue({ name, type }: ValueInfoProto): OnnxValue {
  if (type?.value.case !== 'tensorType') return { name, ...(type?.value.case && { type: type.value.case }) };
  const { elemType, shape } = type.value.value;
  return { name, type: (DataType[elemType] ?? `type ${elemType}`).toLowerCase(), shape: shape?.dim.map(dimOf) };
}

function externalFiles({ initializer }: GraphProto): string[] {
  const outside = initializer.filter(({ dataLocation }) => dataLocation === TensorProto_DataLocation.EXTERNAL);
  const locations = outside.flatMap(({ externalData }) => externalData.filter(({ key }) => key === 'location'));
  return [...new Set(locations.map(({ value }) => value))];
}

function graphOf(bytes: Uint8Array): GraphProto | undefined {
  try {
    return fromBinary(ModelProtoSchema, bytes).graph;
  } catch {
    return undefined;
  }
}

/**
 * Reads the interface of an ONNX model; nothing is run.
 * @param name the file, for the error message
 * @throws InputError if the bytes are no ONNX model.
 */
export function inspectOnnx(bytes: Uint8Array, name: string): OnnxInterface {
  const graph = graphOf(bytes);
  if (!graph || graph.output.length === 0) {
    throw new InputError(`${name}: expected an ONNX model, found other or damaged bytes; export it again`);
  }
  // Files of IR version 3 and older list their weights among the inputs.
  const given = new Set(graph.initializer.map((tensor) => tensor.name));
  return {
    inputs: graph.input.filter((value) => !given.has(value.name)).map(describeValue),
    outputs: graph.output.map(describeValue),
    parameters: countParameters(graph),
    externalFiles: externalFiles(graph),
  };
}

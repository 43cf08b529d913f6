import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProto_DataType,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { InputError } from '../signal/errors.ts';
import { add, cast } from './elementwise.ts';
import { linear } from './matmul.ts';
import { toOnnx } from './onnx.ts';
import { inspectOnnx } from './onnx-inspect.ts';
import { constant, input, parameter } from './tensor.ts';

const x = input('x', [1, 'frames', 4]);
const w = parameter('w', [3, 4]);
const y = add(linear(x, w), cast(constant([1, 2, 3], [3], 'int64'), 'float32'));
const constants = new Map([['w', new Float32Array(12)]]);
const { bytes } = toOnnx({ outputs: { y }, constants });

/** The model with a change made to its graph. */
function changed(change: (graph: NonNullable<ReturnType<typeof parse>['graph']>) => void): Uint8Array {
  const model = parse();
  if (model.graph) change(model.graph);
  return toBinary(ModelProtoSchema, model);
}
const parse = () => fromBinary(ModelProtoSchema, bytes);

describe('inspectOnnx', () => {
  it('reads inputs and outputs, and counts floating-point values only', () => {
    expect(inspectOnnx(bytes, 'm.onnx')).toEqual({
      inputs: [{ name: 'x', type: 'float', shape: [1, 'frames', 4] }],
      outputs: [{ name: 'y', type: 'float', shape: [1, 'frames', 3] }],
      parameters: 12,
      externalFiles: [],
    });
  });

  it('lists parameters without values as inputs, and those with values not, wherever the file lists them', () => {
    const open = toOnnx({ outputs: { y } }).bytes;
    expect(inspectOnnx(open, 'm.onnx').inputs.map(({ name }) => name)).toEqual(['x', 'w']);
    const listed = changed((graph) => graph.input.push(create(ValueInfoProtoSchema, { name: 'w' })));
    expect(inspectOnnx(listed, 'm.onnx').inputs.map(({ name }) => name)).toEqual(['x']);
  });

  it('does not guess the size of a quantised model', () => {
    const quantised = changed((graph) =>
      graph.initializer.push(
        create(TensorProtoSchema, { name: 'q', dataType: TensorProto_DataType.INT8, dims: [2n, 2n] }),
      ),
    );
    expect(inspectOnnx(quantised, 'm.onnx').parameters).toBeUndefined();
  });

  it('names files with weights', () => {
    const outside = changed((graph) => {
      for (const tensor of graph.initializer) {
        tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
        tensor.externalData = [create(StringStringEntryProtoSchema, { key: 'location', value: 'm.onnx.data' })];
      }
    });
    expect(inspectOnnx(outside, 'm.onnx').externalFiles).toEqual(['m.onnx.data']);
  });

  it.each([
    ['nothing', new Uint8Array()],
    ['text', new TextEncoder().encode('hello, this is text')],
    ['a cut file', bytes.subarray(0, 60)],
  ])('refuses %s', (_, wrong) => {
    expect(() => inspectOnnx(wrong, 'm.onnx')).toThrow(InputError);
    expect(() => inspectOnnx(wrong, 'm.onnx')).toThrow(
      /^m\.onnx: expected an ONNX model, found other or damaged bytes/,
    );
  });
});

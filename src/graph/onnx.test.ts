// The ONNX model of a graph: what it holds, what it refuses, and that its numbers do not depend on where weights are.
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { softmax } from './activation.ts';
import { add, mul } from './elementwise.ts';
import { gradients } from './gradients.ts';
import { linear } from './matmul.ts';
import { layerNorm } from './normalization.ts';
import { toOnnx } from './onnx.ts';
import { loadProgram } from './program.node.ts';
import { reduceSum } from './reshape.ts';
import { type Feeds, float32 } from './runtime.ts';
import { split } from './slicing.ts';
import { input, parameter } from './tensor.ts';

const x = input('x', ['batch', 'frames', 3]);
const weight = parameter('weight', [2, 3]);
const bias = parameter('bias', [2]);
const output = softmax(linear(x, weight, bias));
const weights = new Float32Array([0.5, -1, 2, 0.25, 1, -0.5]);
const feeds = { x: float32(new Float32Array([1, 2, 3, -1, 0, 1]), [1, 2, 3]) };

async function run(bytes: Uint8Array, fed: Feeds) {
  const program = await loadProgram(bytes, { threads: 1 });
  const results = await program.run(fed);
  await program.release();
  return results;
}

describe('toOnnx', () => {
  it('gives the same numbers for parameters baked in and fed', async () => {
    const constants = new Map([
      ['weight', weights],
      ['bias', new Float32Array([0.1, -0.2])],
    ]);
    const baked = toOnnx({ outputs: { output }, constants });
    const fed = toOnnx({ outputs: { output }, constants: new Map([['bias', new Float32Array([0.1, -0.2])]]) });
    expect(baked.inputs).toEqual([x]);
    expect(fed.inputs).toEqual([x, weight]);
    const first = await run(baked.bytes, feeds);
    const second = await run(fed.bytes, { ...feeds, weight: float32(weights, [2, 3]) });
    expect(first.output).toMatchObject({ dtype: 'float32', shape: [1, 2, 2] });
    expect(second.output.data).toEqual(first.output.data);
  });

  it('writes a model that parses back: operator sets, names, symbolic sizes, initializers', () => {
    const { bytes } = toOnnx({ outputs: { output }, constants: new Map([['weight', weights]]), name: 'layer' });
    const model = fromBinary(ModelProtoSchema, bytes);
    expect(model.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([
      ['', 20n],
      ['com.microsoft', 1n],
    ]);
    const graph = model.graph as NonNullable<typeof model.graph>;
    expect(graph.name).toBe('layer');
    expect(graph.node.map((node) => node.opType)).toEqual(['Transpose', 'MatMul', 'Add', 'Softmax', 'Identity']);
    expect(graph.input.map(({ name }) => name)).toEqual(['x', 'bias']);
    const type = graph.input[0].type?.value;
    const dims = type?.case === 'tensorType' ? type.value.shape?.dim.map(({ value }) => value.value) : undefined;
    expect(dims).toEqual(['batch', 'frames', 3n]);
    expect(graph.initializer.map(({ name, dims: sizes }) => [name, sizes])).toEqual([['weight', [2n, 3n]]]);
    expect(new Float32Array(graph.initializer[0].rawData.slice().buffer)).toEqual(weights);
  });

  it('keeps the order of the outputs, the same tensor twice among them', async () => {
    const { bytes } = toOnnx({ outputs: { second: mul(x, 2), first: x, again: x } });
    const results = await run(bytes, feeds);
    expect(Object.keys(results)).toEqual(['second', 'first', 'again']);
    expect(results.again.data).toEqual(feeds.x.data);
  });

  it('leaves no node without its outputs when only some are used', async () => {
    const y = input('y', [2, 4]);
    const [, second] = split(y, 4, 1);
    const [g] = gradients(reduceSum(mul(layerNorm(y, undefined, undefined), y)), [y]);
    const fed = { y: float32(new Float32Array([1, 2, 3, 4, 5, 6, 7, 8]), [2, 4]) };
    const results = await run(toOnnx({ outputs: { second, g } }).bytes, fed);
    expect(results.second.data).toEqual(new Float32Array([2, 6]));
    const [ofSum] = gradients(reduceSum(layerNorm(y, undefined, undefined)), [y]);
    expect((await run(toOnnx({ outputs: { ofSum } }).bytes, fed)).ofSum.data).toHaveLength(8);
  });

  it('takes names that look like its own', async () => {
    const a = input('Add_1_0', []);
    const { bytes } = toOnnx({ outputs: { Add_1_0_: add(a, a) } });
    expect((await run(bytes, { Add_1_0: float32(new Float32Array([2]), []) })).Add_1_0_.data[0]).toBe(4);
  });

  it('refuses names that are taken', () => {
    const twice = add(input('a', [2]), parameter('a', [2]));
    expect(() => toOnnx({ outputs: { y: twice } })).toThrow('toOnnx: two inputs or parameters are named a');
    expect(() => toOnnx({ outputs: { x: mul(x, 2) } })).toThrow(
      'toOnnx: output x has the name of an input or parameter',
    );
  });

  it('refuses parameter values of the wrong size or type', () => {
    const bake = (values: Float32Array | Float64Array) =>
      toOnnx({ outputs: { output }, constants: new Map([['weight', values]]) });
    expect(() => bake(new Float32Array(5))).toThrow('toOnnx: weight has shape [2,3], that is 6 values, but got 5');
    expect(() => bake(new Float64Array(6))).toThrow(
      'toOnnx: weight is float32, that is a Float32Array, but got a Float64Array',
    );
  });
});

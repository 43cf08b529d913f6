import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { tinyEncoder } from '../encoders/tiny-encoders.test-util.ts';
import { relu } from '../graph/activation.ts';
import { linear, matmul } from '../graph/matmul.ts';
import { type StoredValues, toOnnx } from '../graph/onnx.ts';
import { inspectOnnx } from '../graph/onnx-inspect.ts';
import { loadProgram } from '../graph/program.ts';
import { type Feeds, float32 } from '../graph/runtime.ts';
import { toFloat32 } from '../graph/stored-tensor.ts';
import { input, parameter, type Tensor } from '../graph/tensor.ts';
import { createScope, parametersOf } from '../nn/parameters.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { halveGraph } from './halve-graph.ts';
import { quantiseGraph } from './quantise-graph.ts';
import { quantiseMatrix } from './quantise-matrix.ts';

const gaussians = (count: number, seed: number): Float32Array => {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => random.gaussian(0, 1));
};

type Model = { outputs: Record<string, Tensor>; constants: ReadonlyMap<string, StoredValues> };

async function run(model: Model, feeds: Feeds): Promise<Record<string, Float32Array>> {
  const program = await loadProgram(toOnnx(model).bytes);
  const results = await program.run(feeds);
  await program.release();
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
}

const largest = (values: Float32Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

describe('one layer, against arithmetic by hand', () => {
  const [rows, columns, batch] = [24, 40, 5];
  const outputs = { y: linear(input('x', ['batch', rows]), parameter('w', [columns, rows])) };
  const w = gaussians(rows * columns, 1);
  const x = gaussians(batch * rows, 2);
  const values = new Map([['w', w]]);
  const feeds = { x: float32(x, [batch, rows]) };
  // Of the matrix as it is multiplied, [rows, columns].
  const turned = w.map((_, i) => w[(i % columns) * rows + Math.floor(i / columns)]);
  const { codes, scales } = quantiseMatrix(turned, rows, columns);

  it('weights alone: the product with what the codes stand for', async () => {
    const model = await quantiseGraph(outputs, values, { least: 1 });
    expect([...model.constants.keys()].sort()).toEqual(['w.codes', 'w.scales']);
    expect(model.matrices).toBe(1);
    const { y } = await run(model, feeds);
    const expected = Float32Array.from({ length: batch * columns }, (_, i) => {
      const [b, n] = [Math.floor(i / columns), i % columns];
      let sum = 0;
      for (let k = 0; k < rows; k++) sum += x[b * rows + k] * codes[k * columns + n] * scales[n];
      return sum;
    });
    expect(maxDifference(y, expected)).toBeLessThan(1e-5);
  });

  it('activations too: codes of the run, sums of integers', async () => {
    const { y } = await run(await quantiseGraph(outputs, values, { least: 1, activations: 'int8' }), feeds);
    // ONNX DynamicQuantizeLinear: the range holds 0, codes 0 to 255.
    const [low, high] = [Math.min(0, ...x), Math.max(0, ...x)];
    const scale = Math.fround(Math.fround(high - low) / 255);
    const zero = Math.round(-low / scale);
    const expected = Float32Array.from({ length: batch * columns }, (_, i) => {
      const [b, n] = [Math.floor(i / columns), i % columns];
      let sum = 0;
      for (let k = 0; k < rows; k++) sum += Math.round(x[b * rows + k] / scale) * codes[k * columns + n];
      return sum * scale * scales[n];
    });
    expect(zero).toBeGreaterThan(0);
    // A value that lies half-way between two codes may fall to either.
    expect(maxDifference(y, expected)).toBeLessThan(scale * 127 * Math.max(...scales) * 1.01);
  });

  it('no product saturates: the largest codes on both sides', async () => {
    const all = new Map([['w', new Float32Array(rows * columns).fill(2)]]);
    const feed = { x: float32(new Float32Array(batch * rows).fill(3), [batch, rows]) };
    const { y } = await run(await quantiseGraph(outputs, all, { least: 1, activations: 'int8' }), feed);
    expect(maxDifference(y, new Float32Array(batch * columns).fill(6 * rows))).toBeLessThan(1e-3);
  });

  it('small matrices, products of two signals and constants stay', async () => {
    const x = input('x', ['batch', 4, 4]);
    const graph = { y: relu(matmul(matmul(x, x), parameter('w', [4, 4]))) };
    const model = await quantiseGraph(graph, new Map([['w', gaussians(16, 3)]]));
    expect(model.matrices).toBe(0);
    expect(model.outputs.y).toBe(graph.y);
    expect([...model.constants.keys()]).toEqual(['w']);
  });
});

/** Feeds for the graph of a tiny encoder: one second of noise through its own front end. */
function tinyFeeds(name: string) {
  const { architecture, trunk, weights } = tinyEncoder(name);
  const outputs = architecture.graph(createScope(), { fusedAttention: false });
  const values = new Map(
    Array.from(parametersOf(Object.values(outputs)).keys(), (key) => {
      const stored = weights.get(key);
      if (!stored) throw new Error(`no weights of ${key}`);
      return [key, toFloat32(stored)] as const;
    }),
  );
  const sampleRate = trunk.sampleRate ?? 8000;
  const sound = gaussians(0.9 * sampleRate, 4);
  const feeds = trunk.feeds([trunk.features(sound, sampleRate)], sampleRate);
  return { outputs, values, feeds };
}

describe.each(['ced', 'audiomae', 'wavlm'])('a tiny %s', (name) => {
  const { outputs, values, feeds } = tinyFeeds(name);
  const float: Model = { outputs, constants: values };
  const interfaceOf = (model: Model) => {
    const { inputs, outputs: results } = inspectOnnx(toOnnx(model).bytes, name);
    return { inputs: inputs.toSorted((a, b) => (a.name < b.name ? -1 : 1)), results };
  };

  it('weights in 8 bits: same interface, smaller, results near', async () => {
    const model = await quantiseGraph(outputs, values, { least: 256 });
    expect(model.matrices).toBeGreaterThan(8);
    expect(interfaceOf(model)).toEqual(interfaceOf(float));
    const shrunk = [...model.constants].filter(([key]) => key.endsWith('.codes'));
    const bytes = shrunk.reduce((sum, [, codes]) => sum + codes.byteLength, 0);
    expect(toOnnx(model).bytes.length).toBeLessThan(toOnnx(float).bytes.length - 2 * bytes);
    const [before, after] = [await run(float, feeds), await run(model, feeds)];
    for (const key of Object.keys(outputs)) {
      const error = maxDifference(after[key], before[key]);
      expect(error).toBeLessThan(0.05 * largest(before[key]));
      expect(error).toBeGreaterThan(0);
    }
  });

  it('activations in 8 bits: same interface, results near', async () => {
    const model = await quantiseGraph(outputs, values, { least: 256, activations: 'int8' });
    expect(interfaceOf(model)).toEqual(interfaceOf(float));
    const [before, after] = [await run(float, feeds), await run(model, feeds)];
    for (const key of Object.keys(outputs)) {
      expect(maxDifference(after[key], before[key])).toBeLessThan(0.2 * largest(before[key]));
    }
  });

  it('weights as halves: half the bytes, results nearer', async () => {
    const model = halveGraph(outputs, values);
    expect(interfaceOf(model)).toEqual(interfaceOf(float));
    const bytes = [...values.values()].reduce((sum, own) => sum + own.byteLength, 0);
    expect(toOnnx(float).bytes.length - toOnnx(model).bytes.length).toBeGreaterThan(0.48 * bytes);
    const [before, after] = [await run(float, feeds), await run(model, feeds)];
    for (const key of Object.keys(outputs)) {
      expect(maxDifference(after[key], before[key])).toBeLessThan(5e-3 * largest(before[key]));
    }
  });
});

it('halveGraph: values beyond the largest half stay as they are', async () => {
  const outputs = { y: linear(input('x', [1, 2]), parameter('w', [2, 2])) };
  const values = new Map([['w', Float32Array.of(1e6, 0, 0, 1)]]);
  const { y } = await run(halveGraph(outputs, values), { x: float32(Float32Array.of(1, 1), [1, 2]) });
  expect(Array.from(y)).toEqual([1e6, 1]);
});

// The graph of whole numbers in ONNX Runtime: against plain loops, against fake quantisation, and what it is made into.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { InferenceSession } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { toOnnx } from '../graph/onnx.ts';
import { loadProgram } from '../graph/program.ts';
import { float32 } from '../graph/runtime.ts';
import { input, type Tensor } from '../graph/tensor.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { calibrate } from './calibrate.ts';
import { fakeQuantGrid, rangeName } from './fake-quant.ts';
import { layerOutputs } from './layer-graph.ts';
import { type Layer, type LayerPlan, layerShapes, sourcesOf } from './layer-plan.ts';
import { createScope } from './parameters.ts';
import { quantiseNetwork } from './quantise.ts';
import { randomClips, randomFolded, small } from './quantised.test-util.ts';
import { quantisedOutputs } from './quantised-graph.ts';
import { runQuantised, runQuantisedLayer, toCodes } from './run-quantised.ts';

const CLIPS = 2;

async function prepared(plan: LayerPlan, seed: string) {
  const random = createRandom(seed);
  const folded = randomFolded(plan, random);
  const clips = randomClips(plan, CLIPS, random);
  const ranges = await calibrate(plan, folded, [clips], { threads: 1 });
  return { folded, clips, ranges, network: quantiseNetwork(plan, folded, ranges) };
}

const named = (prefix: string, tensors: readonly Tensor[]) =>
  Object.fromEntries(tensors.map((tensor, i) => [`${prefix}${i}`, tensor]));

const inputOf = (plan: LayerPlan) => input('x', ['batch', ...layerShapes(plan)[0]]);

describe.each(small)('quantisedOutputs of %s', (_, plan) => {
  const shapes = layerShapes(plan);

  it('has the codes of plain loops, within one', async () => {
    const { clips, network } = await prepared(plan, 'codes');
    const { codes, floats } = quantisedOutputs(network, inputOf(plan));
    const outputs = { ...named('code.', codes), ...named('float.', floats) };
    const program = await loadProgram(toOnnx({ outputs }).bytes, { threads: 1 });
    const found = await program.run({ x: float32(clips, [CLIPS, ...shapes[0]]) });
    await program.release();
    for (let clip = 0; clip < CLIPS; clip++) {
      const own = (layer: number): Uint8Array => {
        const all = found[`code.${layer}`].data as Uint8Array;
        const size = all.length / CLIPS;
        return all.slice(clip * size, (clip + 1) * size);
      };
      const size = clips.length / CLIPS;
      expect([...own(0)]).toEqual([...toCodes(clips.subarray(clip * size, (clip + 1) * size), network.codes[0])]);
      const whole = runQuantised(network, own(0));
      for (const [number, layer] of plan.layers.entries()) {
        if (number === 0) continue;
        const where = `layer ${number}, ${layer.kind}`;
        const expected = runQuantisedLayer(network, number, sourcesOf(layer).map(own));
        expect(new Set(expected).size, where).toBeGreaterThan(2);
        expect(maxDifference(own(number), expected), where).toBeLessThanOrEqual(1);
        // A code that is off by one may move later ones further, but not far.
        expect(maxDifference(own(number), whole[number]), `${where}, from the input on`).toBeLessThanOrEqual(3);
      }
    }
    for (const [number, shape] of shapes.entries()) {
      const { scale, zeroPoint } = network.codes[number];
      expect(found[`code.${number}`]).toMatchObject({ dtype: 'uint8', shape: [CLIPS, ...shape] });
      const reals = Float32Array.from(found[`code.${number}`].data as Uint8Array, (code) => scale * (code - zeroPoint));
      expect(found[`float.${number}`].data).toEqual(reals);
    }
  });

  it('is what fake quantisation makes of the float network', async () => {
    const { folded, clips, ranges, network } = await prepared(plan, 'fake');
    const scope = createScope();
    const grid = fakeQuantGrid(scope, plan, { observe: false });
    const x = inputOf(plan);
    const outputs = {
      ...named('fake.', layerOutputs(scope, plan, x, { folded: true, grid })),
      ...named('float.', quantisedOutputs(network, x).floats),
    };
    // Rounded biases, which fake quantisation leaves alone.
    const biases = Array.from(network.weights, ([number, { bias, scales }]) => {
      const layer = plan.layers[number] as Extract<Layer, { kind: 'conv' | 'dense' }>;
      const unit = network.codes[layer.from].scale;
      return [`${layer.name}.bias`, Float32Array.from(bias, (units, o) => units * unit * scales[o])] as const;
    });
    const stored = ranges.map((range, layer) => [rangeName(layer), Float32Array.from(range)] as const);
    const program = await loadProgram(
      toOnnx({ outputs, constants: new Map([...folded, ...biases, ...stored]) }).bytes,
      {
        threads: 1,
      },
    );
    const found = await program.run({ x: float32(clips, [CLIPS, ...shapes[0]]) });
    await program.release();
    let [off, count] = [0, 0];
    for (const [number, { scale }] of network.codes.entries()) {
      const [fake, real] = [found[`fake.${number}`].data, found[`float.${number}`].data].map((values) =>
        Array.from(values as Float32Array, (value) => value / scale),
      );
      const steps = `layer ${number}, ${plan.layers[number].kind}`;
      expect(maxDifference(fake, fake.map(Math.round)), `whole steps of ${steps}`).toBeLessThan(1e-3);
      off += fake.filter((value, i) => Math.abs(value - real[i]) > 0.5).length;
      count += fake.length;
      // One sum on the other side of a half moves many later ones; at first there is none.
      if (number < 3) expect(off / count, steps).toBeLessThan(1e-3);
    }
    expect(off / count).toBeLessThan(0.05);
  });

  it('becomes integer kernels in ONNX Runtime', async () => {
    const { network } = await prepared(plan, 'kernels');
    const output = quantisedOutputs(network, inputOf(plan)).floats.at(-1) as Tensor;
    const folder = mkdtempSync(join(tmpdir(), 'thrum-quantised-'));
    const file = join(folder, 'model.onnx');
    const session = await InferenceSession.create(toOnnx({ outputs: { output } }).bytes, {
      graphOptimizationLevel: 'extended',
      optimizedModelFilePath: file,
      logSeverityLevel: 3,
    });
    await session.release();
    const nodes = fromBinary(ModelProtoSchema, readFileSync(file)).graph?.node ?? [];
    rmSync(folder, { recursive: true });
    const count = (...ops: string[]) => nodes.filter(({ opType }) => ops.includes(opType)).length;
    const layers = (kind: string) => plan.layers.filter((layer) => layer.kind === kind).length;
    expect(count('QLinearConv')).toBe(layers('conv') + layers('average-pool'));
    expect(count('QLinearAdd')).toBe(layers('add'));
    expect(count('QLinearGlobalAveragePool')).toBe(layers('mean'));
    expect(count('QGemm')).toBe(layers('dense'));
    expect(count('Conv', 'Gemm', 'GlobalAveragePool', 'Relu', 'Clip')).toBe(0);
  });
});

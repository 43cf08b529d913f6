// npm run bench:student: a training step of a small convolutional network (a MobileNetV2 student), and the same step in
// PyTorch from the same weights and inputs. BATCH sets the clips of a step (64).
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { float32 } from '../src/graph/runtime.ts';
import { writeSafetensors } from '../src/graph/safetensors.ts';
import type { StoredTensor } from '../src/graph/stored-tensor.ts';
import { input, type Tensor } from '../src/graph/tensor.ts';
import { layerOutputs } from '../src/nn/layer-graph.ts';
import { planCost } from '../src/nn/layer-plan.ts';
import { mobileNetV2Plan } from '../src/nn/mobilenet.ts';
import { createScope } from '../src/nn/parameters.ts';
import { createRandom } from '../src/signal/simulate/random.ts';
import { crossEntropy } from '../src/training/class-loss.ts';
import { initialParameters } from '../src/training/initialise.ts';
import { compileStep, initialState } from '../src/training/step.ts';
import { measure, median } from './measure.ts';
import { startPeer } from './peer-process.ts';

const ROUNDS = 5;
const SECONDS = 2;
/** Steps whose losses are held against each other. */
const COMPARED_STEPS = 5;
const CLASSES = 10;
const PICTURE = [1, 128, 63] as const;
const batch = Number(process.env.BATCH ?? 64);
const threads = availableParallelism();

/** The student of 108 kB in int8. */
const plan = mobileNetV2Plan(
  PICTURE,
  {
    width: 1,
    stem: 16,
    last: 0,
    blocks: [
      { expansion: 3, channels: 24, repeats: 2, stride: 2 },
      { expansion: 3, channels: 40, repeats: 2, stride: 2 },
      { expansion: 3, channels: 64, repeats: 2, stride: 2 },
      { expansion: 3, channels: 96, repeats: 1, stride: 1 },
    ],
  },
  { outputs: CLASSES },
);

/** Pictures, and the classes as shares: float32, for the file that both sides read. */
function drawBatch() {
  const random = createRandom('bench');
  const size = PICTURE.reduce((product, dim) => product * dim, batch);
  const pictures = Float32Array.from({ length: size }, () => random.gaussian(0, 1));
  const shares = new Float32Array(batch * CLASSES);
  for (let i = 0; i < batch; i++) shares[i * CLASSES + (i % CLASSES)] = 1;
  return { x: float32(pictures, [batch, ...PICTURE]), labels: float32(shares, [batch, CLASSES]) };
}

const tensor = (data: Float32Array, shape: readonly number[]): StoredTensor => ({
  dtype: 'F32',
  shape: [...shape],
  data,
});

const folder = mkdtempSync(join(tmpdir(), 'thrum-student-'));
try {
  const buffers = new Map<string, Tensor>();
  const pictures = input('x', [batch, ...PICTURE]);
  const outputs = layerOutputs(createScope(), plan, pictures, { norm: { training: true, buffers } });
  const loss = crossEntropy(outputs.at(-1) as Tensor, input('labels', [batch, CLASSES]));
  const adamW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
  const step = await compileStep({ loss, watched: {}, buffers }, adamW, { threads });
  const parameters = initialParameters(step.shapes, 0, 1, 'glorot');
  const feeds = drawBatch();
  const scalars = { learningRate: 1e-3, weightDecay: 1e-4, clipNorm: 5, decay: 0 };

  writeFileSync(join(folder, 'config.json'), JSON.stringify({ layers: plan.layers, ...adamW, ...scalars }));
  const stored = Array.from(parameters, ([name, data]): [string, StoredTensor] => [
    name,
    tensor(data, step.shapes.get(name) as number[]),
  ]);
  writeFileSync(join(folder, 'weights.safetensors'), writeSafetensors(new Map(stored)));
  const inputs = Object.entries(feeds).map(([name, { data, shape }]): [string, StoredTensor] => [
    name,
    tensor(data as Float32Array, shape as number[]),
  ]);
  writeFileSync(join(folder, 'inputs.safetensors'), writeSafetensors(new Map(inputs)));

  const state = initialState(step, parameters);
  const ownStep = async (): Promise<number> => {
    const { watched, gradients, buffers: next } = await step.gradients(state, feeds);
    for (const [name, values] of next) state.parameters.set(name, values);
    await step.update(state, [gradients], scalars);
    return watched.loss;
  };
  const own: number[] = [];
  for (let i = 0; i < COMPARED_STEPS; i++) own.push(await ownStep());
  const { gradients } = await step.gradients(state, feeds);

  const { ask, end } = startPeer('bench/peers/student.py', folder, threads);
  const theirs = await ask({ kind: 'losses', seconds: COMPARED_STEPS });
  const differences = own.map((value, i) => Math.abs(value - theirs.values[i]) / theirs.values[i]);
  const peers = ['PyTorch', 'PyTorch channels last', 'PyTorch compiled'];
  const times: Record<string, number[]> = Object.fromEntries(
    ['step', 'gradients', 'update', ...peers].map((name) => [name, []]),
  );
  for (let round = 0; round < ROUNDS; round++) {
    times.step.push((await measure(ownStep, SECONDS)).medianMs);
    for (const kind of peers) times[kind].push((await ask({ kind, seconds: SECONDS })).ms);
    times.gradients.push((await measure(() => step.gradients(state, feeds), SECONDS / 2)).medianMs);
    times.update.push((await measure(() => step.update(state, [gradients], scalars), SECONDS / 2)).medianMs);
  }
  end();
  await step.release();
  const ms = Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)]));
  // Rounds are compared one by one: what else runs on the machine slows both sides of a round.
  const speedUps = Object.fromEntries(
    peers.map((name) => [name, median(times.step.map((own, round) => times[name][round] / own))]),
  );
  const cost = planCost(plan);
  const result = {
    command: `${process.env.BATCH ? `BATCH=${batch} ` : ''}npm run bench:student`,
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0].model.trim()}, ${threads} cores, Node ${process.versions.node}`,
    torch: theirs.torch,
    work: `MobileNetV2 student of ${cost.parameters} parameters and ${cost.macs} MACs, ${batch} pictures ${PICTURE.join(' x ')}`,
    lossDifferences: differences,
    medianMs: ms,
    speedUps,
    // Forward once, backward twice as much.
    gflopPerSecond: (3 * 2 * cost.macs * batch) / 1e6 / ms.step,
  };
  mkdirSync('results', { recursive: true });
  writeFileSync('results/student-training.json', `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(`${JSON.stringify(result, null, 2)}\nwritten to results/student-training.json\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

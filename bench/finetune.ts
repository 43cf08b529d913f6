// npm run bench:finetune: a step of fine-tuning a speech encoder of 95 million parameters, its memory, and the same step in
// PyTorch from the same weights and inputs. BATCH sets the crops of a step (8), STEP=own measures memory alone.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadWeights } from '../src/encoders/load.node.ts';
import { writeSafetensors } from '../src/graph/safetensors.ts';
import type { StoredTensor } from '../src/graph/stored-tensor.ts';
import { createRandom } from '../src/signal/simulate/random.ts';
import { initialParameters } from '../src/training/initialise.ts';
import { asdDefaults } from '../src/training/recipes/tune.ts';
import { compileStep, initialState, roomForGradients } from '../src/training/step.ts';
import { planTuning } from '../src/training/tuned-plan.ts';
import { productRate } from './encoder.ts';
import { measure } from './measure.ts';
import { startPeer } from './peer-process.ts';

const ENCODER = 'hubert-base@random';
const SECONDS = 2;
const CLASSES = 20;
const RATE = 16_000;
const batch = Number(process.env.BATCH ?? 8);
const threads = availableParallelism();

const tensor = (data: Float32Array, shape: readonly number[]): StoredTensor => ({
  dtype: 'F32',
  shape: [...shape],
  data,
});

/** Products of a step: forward once, backward twice as much; convolutions, and blocks on the frames of a crop. */
function operations(): number {
  const [width, depth, channels] = [768, 12, 512];
  const kernels = [10, 3, 3, 3, 3, 2, 2];
  const strides = [5, 2, 2, 2, 2, 2, 2];
  let [length, inputs, convolutions] = [SECONDS * RATE, 1, 0];
  for (const [i, kernel] of kernels.entries()) {
    length = Math.floor((length - kernel) / strides[i]) + 1;
    convolutions += 2 * length * kernel * inputs * channels;
    inputs = channels;
  }
  const positions = 2 * length * width * (width / 16) * 128;
  const blocks = depth * length * (2 * 12 * width * width + 4 * length * width);
  return 3 * batch * (convolutions + 2 * length * channels * width + positions + blocks);
}

const folder = mkdtempSync(join(tmpdir(), 'thrum-finetune-'));
try {
  const base = loadWeights({ encoder: ENCODER });
  const options = { ...asdDefaults, batch };
  const shape = {
    sampleRate: RATE,
    cropSeconds: SECONDS,
    hopSeconds: SECONDS,
    mix: true,
    pooling: 'mean',
    embedding: 128,
  } as const;
  const classes = { count: CLASSES, of: ({ classIndex }: { classIndex: number }) => [classIndex] };
  const { recipe } = planTuning(base, shape, classes, options);
  const random = createRandom('bench');
  const plan = recipe.plan(random);
  const step = await compileStep(plan.graph({}), recipe.adamW, { threads }, recipe.parameters);
  const drawn = initialParameters(step.shapes, 0, 1);
  for (const [name, values] of recipe.initial?.(step.shapes, 0) ?? [])
    if (step.shapes.has(name)) drawn.set(name, values);
  const state = initialState(step, drawn);
  const crops = Array.from({ length: batch }, (_, i) => {
    const noise = createRandom(`crop ${i}`);
    const samples = Float32Array.from(
      { length: SECONDS * RATE },
      (_v, n) => Math.sin(0.02 * (i + 1) * n) + noise.gaussian(0, 0.3),
    );
    return { samples, sampleRate: RATE, item: i, speed: 0, label: '', classIndex: i % CLASSES };
  });
  const feeds = plan.feeds(crops, random);
  const scalars = { ...recipe.scalars(100), learningRate: 1e-6 };
  const { watched } = await step.gradients(state, feeds);
  const gradients = roomForGradients(state);
  const own = async () => {
    await step.gradients(state, feeds, gradients);
    await step.update(state, [gradients], scalars);
  };
  const trained = step.trainedNames.reduce((sum, name) => sum + (drawn.get(name)?.length ?? 0), 0);
  await own();
  const result: Record<string, unknown> = {
    command: `BATCH=${batch}${process.env.STEP === 'own' ? ' STEP=own' : ''} npm run bench:finetune`,
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0].model.trim()}, ${threads} cores, Node ${process.versions.node}`,
    work: `${ENCODER}, ${batch} crops of ${SECONDS} s, all weights, weighted sum, mean, batch norm, linear, margin`,
    trainedParameters: trained,
    gflop: operations() / 1e9,
  };
  if (process.env.STEP !== 'own') {
    const stored = Array.from(drawn, ([name, data]): [string, StoredTensor] => [
      name,
      tensor(data, step.shapes.get(name) as number[]),
    ]);
    writeFileSync(join(folder, 'weights.safetensors'), writeSafetensors(new Map(stored)));
    const inputs = ['samples', 'labels'].map((name): [string, StoredTensor] => {
      const key = name === 'samples' ? (Object.keys(feeds).find((one) => one !== 'labels') as string) : name;
      return [name, tensor(feeds[key].data as Float32Array, feeds[key].shape as number[])];
    });
    writeFileSync(join(folder, 'inputs.safetensors'), writeSafetensors(new Map(inputs)));
    const { ask, end } = startPeer('bench/peers/finetune.py', folder, threads);
    const theirs = await ask({ kind: 'loss' });
    const times: Record<string, number[]> = { step: [], PyTorch: [] };
    for (let round = 0; round < 2; round++) {
      times.step.push((await measure(own, 1)).medianMs);
      times.PyTorch.push((await ask({ kind: 'step', seconds: 1 })).ms);
    }
    end();
    const { rate } = await productRate(threads);
    const [ownMs, peerMs] = [Math.min(...times.step), Math.min(...times.PyTorch)];
    Object.assign(result, {
      torch: theirs.torch,
      lossDifference: Math.abs(watched.loss - theirs.values[0]) / theirs.values[0],
      stepMs: ownMs,
      PyTorchMs: peerMs,
      speedUp: peerMs / ownMs,
      gflopPerSecond: operations() / 1e6 / ownMs,
      shareOfMatrixProductRate: operations() / 1e6 / ownMs / rate,
      allRounds: times,
    });
  }
  // Of this process, with weights, moments and everything else.
  Object.assign(result, { peakMemoryGiB: process.resourceUsage().maxRSS / 2 ** 20 });
  await step.release();
  mkdirSync('results', { recursive: true });
  const file = process.env.STEP === 'own' ? `finetune-memory-${batch}.json` : 'finetune.json';
  writeFileSync(join('results', file), `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(`${JSON.stringify(result, null, 2)}\nwritten to results/${file}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

// npm run bench:training: a step of ECHO's pre-training, and the same step in PyTorch from the same weights and inputs.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { graphOptions } from '../src/encoders/band-transformer.ts';
import { echoSizes } from '../src/encoders/echo.ts';
import { type Feeds, float32, type Value } from '../src/graph/runtime.ts';
import { writeSafetensors } from '../src/graph/safetensors.ts';
import type { StoredTensor } from '../src/graph/stored-tensor.ts';
import { sineCosinePositions } from '../src/nn/positions.ts';
import { mean } from '../src/signal/average.ts';
import { concatenate } from '../src/signal/concatenate.ts';
import { createRandom, type Random } from '../src/signal/simulate/random.ts';
import { simulateClip } from '../src/training/data/simulated-clip.ts';
import { initialParameters } from '../src/training/initialise.ts';
import { keptCount } from '../src/training/masks.ts';
import { echoRecipe, echoRecipeDefaults } from '../src/training/recipes/echo.ts';
import {
  compileStep,
  initialState,
  roomForGradients,
  sharedState,
  stepFeeds,
  stepModel,
} from '../src/training/step.ts';
import { productRate } from './encoder.ts';
import { measure, median } from './measure.ts';
import { operatorSplit } from './operator-split.ts';
import { startPeer } from './peer-process.ts';

/** Steps of each, in turns: a machine that others use too is not as quick all the time. */
const ROUNDS = 120;
/** The first ones do not count: memory is new, and PyTorch compiles. */
const WARM_UP = 3;
const SECONDS = 2;
const threads = availableParallelism();
const config = echoSizes.tiny;
/** BATCH=8: smaller batches, as several of them make one step with --accumulate. */
const batch = Number(process.env.BATCH ?? echoRecipeDefaults.batch);
const options = {
  ...echoRecipeDefaults,
  batch,
  // PARTS=1: the whole batch in one piece, on all threads.
  ...(process.env.PARTS && { parts: Number(process.env.PARTS) }),
};

/**
 * Floating-point operations of the matrix products and convolutions of a step: forward once in the teacher, forward and
 * twice as much backward in the student and the decoder.
 */
function operations(): number {
  const { width, depth, bandBins, patchFrames } = config;
  const sequences = options.batch * options.bandsPerClip;
  const students = sequences * options.clones;
  const kept = keptCount(options.patches, options.maskRatio);
  const embed = 2 * sequences * options.patches * bandBins * patchFrames * width;
  const blocks = (tokens: number, length: number) => depth * tokens * (2 * 12 * width * width + 4 * length * width);
  const teacher = embed + blocks(sequences * (options.patches + 1), options.patches + 1);
  const student = embed + blocks(students * (kept + 1), kept + 1);
  const cells = students * options.patches;
  const decoder = cells * (options.decoderLayers * 2 * 3 * ((width * width) / 16) + 2 * width * width);
  return teacher + 3 * (student + decoder);
}

const tensor = (data: Float32Array, shape: readonly number[]): StoredTensor => ({
  dtype: 'F32',
  shape: [...shape],
  data,
});

/** The inputs of all parts as those of one batch. `counts`: what the indices of an input number, over the whole batch. */
function joined(parts: readonly Feeds[], counts: Readonly<Record<string, number>>): Feeds {
  const inputs = Object.keys(parts[0]).map((name): [string, Value] => {
    const values = parts.map((part) => part[name]);
    const shape = [values.reduce((sum, value) => sum + value.shape[0], 0), ...values[0].shape.slice(1)];
    if (values[0].dtype === 'float32') {
      return [
        name,
        float32(
          concatenate(
            Float32Array,
            values.map(({ data }) => data as Float32Array),
          ),
          shape,
        ),
      ];
    }
    const numbers = values.flatMap(({ data }, part) => {
      return Array.from(data as BigInt64Array, (index) => index + BigInt((part * counts[name]) / parts.length));
    });
    return [name, { dtype: 'int64', shape, data: BigInt64Array.from(numbers) }];
  });
  return Object.fromEntries(inputs);
}

const folder = mkdtempSync(join(tmpdir(), 'thrum-training-'));
try {
  const recipe = echoRecipe(config, options);
  const random = createRandom('bench');
  const plan = recipe.plan(random);
  const clips = Array.from({ length: recipe.batch }, (_, i) =>
    simulateClip({ kind: 'simulator', weight: 1, sampleRates: [16000] }, 2.1, createRandom(`clip ${i}`)),
  );
  const parts = recipe.parts ?? 1;
  const graph = plan.graph(graphOptions({}));
  const step = await compileStep(graph, recipe.adamW, { threads, lanes: parts });
  const parameters = initialParameters(step.shapes, 0, recipe.tokenDeviation);
  const size = recipe.batch / parts;
  const makeFeeds = (own: Random) =>
    Array.from({ length: parts }, (_, i) => plan.feeds(clips.slice(i * size, (i + 1) * size), own));
  const partFeeds = makeFeeds(random);
  const scalars = recipe.scalars(1);
  const sequences = recipe.batch * options.bandsPerClip;
  const cells = sequences * options.patches;
  const feeds = joined(partFeeds, {
    ...{ rows: sequences, visible: cells, maskedTargets: cells },
    ...{ places: cells * options.clones, masked: cells * options.clones },
  });
  const floats = (name: string) => tensor(feeds[name].data as Float32Array, feeds[name].shape as number[]);
  const whole = (name: string) => Array.from(feeds[name].data as BigInt64Array, Number);
  const kept = keptCount(options.patches, options.maskRatio);
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({
      ...config,
      decoderLayers: options.decoderLayers,
      shape: { sequences, clones: options.clones, rows: options.patches, kept },
      indices: Object.fromEntries(
        ['visible', 'places', 'masked', 'maskedTargets', 'rows'].map((name) => [name, whole(name)]),
      ),
    }),
  );
  const stored = Array.from(parameters, ([name, data]): [string, StoredTensor] => [
    name,
    tensor(data, step.shapes.get(name) as number[]),
  ]);
  writeFileSync(join(folder, 'weights.safetensors'), writeSafetensors(new Map(stored)));
  const positions = sineCosinePositions(options.patches, config.width);
  const inputs = new Map([
    ['patches', floats('patches')],
    ['bandPositions', floats('bandPositions')],
    ['noise', floats('noise')],
    ['positions', tensor(positions, [1, options.patches, config.width])],
  ]);
  writeFileSync(join(folder, 'inputs.safetensors'), writeSafetensors(inputs));

  const { ask, end } = startPeer('bench/peers/training.py', folder, threads);
  const state = sharedState(initialState(step, parameters));
  const gradients = partFeeds.map(() => roomForGradients(state));
  const batchGradients = () => Promise.all(partFeeds.map((own, i) => step.gradients(state, own, gradients[i])));
  const update = () => step.update(state, gradients, { ...scalars, share: 1 / parts });
  const losses = (await batchGradients()).map(({ watched }) => watched.loss);
  const theirs = await ask({ kind: 'loss' });
  const times: Record<'step' | 'gradients' | 'update' | 'PyTorch' | 'PyTorch compiled', number[]> = {
    step: [],
    gradients: [],
    update: [],
    PyTorch: [],
    'PyTorch compiled': [],
  };
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const start = performance.now();
    await batchGradients();
    const middle = performance.now();
    await update();
    const last = performance.now();
    const peers = [(await ask({ kind: 'step' })).ms, (await ask({ kind: 'compiled' })).ms];
    if (round < 0) continue;
    times.gradients.push(middle - start);
    times.update.push(last - middle);
    times.step.push(last - start);
    times.PyTorch.push(peers[0]);
    times['PyTorch compiled'].push(peers[1]);
  }
  end();
  await step.release();
  const feedTime = await measure(() => makeFeeds(createRandom('feeds')), SECONDS);
  const operators = await operatorSplit(stepModel(graph).bytes, stepFeeds(step, state, partFeeds[0]));
  const { rate } = await productRate(threads);
  const gflop = operations() / 1e9;
  const ms = Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)]));
  /** The median over the rounds: steps that follow each other find the machine in the same state. */
  const speedUp = (peer: keyof typeof times) => median(times[peer].map((time, round) => time / times.step[round]));
  const result = {
    command: `${['BATCH', 'PARTS'].flatMap((name) => (process.env[name] ? [`${name}=${process.env[name]} `] : [])).join('')}npm run bench:training`,
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0].model.trim()}, ${threads} cores, Node ${process.versions.node}`,
    torch: theirs.torch,
    parts,
    work: `ECHO-tiny, ${recipe.batch} clips of ${options.bandsPerClip} bands, ${options.clones} students each`,
    lossDifference: Math.abs(mean(losses) - theirs.values[0]) / theirs.values[0],
    medianMs: ms,
    allRounds: Object.fromEntries(Object.entries(times).map(([name, list]) => [name, list.map(Math.round).join(' ')])),
    inputsMs: feedTime.medianMs,
    speedUp: speedUp('PyTorch'),
    speedUpCompiled: speedUp('PyTorch compiled'),
    /** Where the time of the gradients goes. */
    operators,
    gflop,
    gflopPerSecond: gflop / (ms.step / 1000),
    shareOfMatrixProductRate: gflop / (ms.step / 1000) / rate,
  };
  mkdirSync('results', { recursive: true });
  writeFileSync('results/training.json', `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(`${JSON.stringify(result, null, 2)}\nwritten to results/training.json\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

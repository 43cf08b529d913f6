import { beforeAll, describe, expect, it } from 'vitest';
import { maxDifference } from '../../../tests/golden.ts';
import { runGraph } from '../../../tests/run-graph.ts';
import { float32 } from '../../graph/runtime.ts';
import { isRunningAverage } from '../../nn/batch-norm.ts';
import { parameterCount, parametersOf } from '../../nn/parameters.ts';
import { createRandom } from '../../signal/simulate/random.ts';
import { initialParameters } from '../initialise.ts';
import { readAutoencoder, readMobileNet, writeMobileNet } from './baseline-file.ts';
import type { EpochProgress } from './epochs.ts';
import {
  createMobileNetScorer,
  type MobileNetClip,
  type MobileNetModel,
  mobileNetScoring,
  trainMobileNet,
} from './mobilenet.ts';

const RATE = 16000;
/** Enough for two windows. */
const LENGTH = 71 * 512;

/** A tone in noise: 500 Hz or 3 kHz. */
function tone(label: number, seed: number): Float32Array {
  const random = createRandom(`tone ${label} ${seed}`);
  const turn = (2 * Math.PI * (label === 0 ? 500 : 3000)) / RATE;
  return Float32Array.from({ length: LENGTH }, (_, i) => Math.sin(turn * i) + random.gaussian(0, 0.1));
}

const clips: MobileNetClip[] = [0, 1, 0, 1].map((label, seed) => ({
  samples: tone(label, seed),
  sampleRate: RATE,
  label,
}));
// All windows in every batch, and statistics that keep up: the network changes fast in ten steps.
const options = { epochs: 10, batch: 8, learningRate: 3e-4, momentum: 0.7, seed: 1 };

describe('mobileNetScoring', () => {
  it('has one logit per class, and the parameters of Keras: 706,224 and the classifier', async () => {
    const logits = mobileNetScoring(3);
    const shapes = parametersOf([logits]);
    expect(parameterCount(shapes)).toBe(706_224 + 3 * 1281);
    const values = initialParameters(shapes, 1, 0, 'glorot');
    const weights = new Map(
      Array.from(shapes, ([name, shape]) => [
        name,
        { dtype: 'F32' as const, shape: [...shape], data: values.get(name) as Float32Array },
      ]),
    );
    const x = Float32Array.from({ length: 2 * 64 * 128 }, (_, i) => Math.sin(i));
    const found = await runGraph({ logits }, weights, { x: float32(x, [2, 1, 64, 128]) });
    expect(found.logits).toHaveLength(6);
    expect(found.logits.every(Number.isFinite)).toBe(true);
  });
});

describe('trainMobileNet', () => {
  let model: MobileNetModel;
  const progress: EpochProgress[] = [];
  beforeAll(async () => {
    model = await trainMobileNet(clips, { ...options, onEpoch: (now) => progress.push(now) });
  }, 180_000);

  it('learns to tell two classes apart', () => {
    expect(progress[9].loss).toBeLessThan(0.1);
    expect(progress[9].loss).toBeLessThan(0.2 * progress[0].loss);
  });

  it('gives the lower score to the class a recording is of', async () => {
    const scorer = await createMobileNetScorer(model);
    for (const { samples, label } of clips) {
      const scores = await scorer.score(samples, RATE);
      expect(scores[label]).toBeLessThan(-1);
      expect(scores[1 - label]).toBeGreaterThan(model.threshold);
      // Of two classes one has the odds of the other.
      expect(scores[1 - label]).toBeCloseTo(-scores[label], 9);
    }
    await scorer.release();
  });

  it('scores by the running statistics', async () => {
    const running = [...model.parameters].filter(([name]) => isRunningAverage(name));
    expect(running.length).toBe(2 * 52);
    const parameters = new Map(model.parameters);
    for (const [name, values] of running)
      if (name.endsWith('mean'))
        parameters.set(
          name,
          values.map((value) => value + 1),
        );
    const [as, moved] = [await createMobileNetScorer(model), await createMobileNetScorer({ ...model, parameters })];
    const samples = tone(0, 100);
    expect((await moved.score(samples, RATE))[0]).not.toBeCloseTo((await as.score(samples, RATE))[0], 2);
    await Promise.all([as.release(), moved.release()]);
  });

  it('keeps within the bounds of a probability that is 0 or 1', async () => {
    const parameters = new Map(model.parameters).set('classifier.1.bias', Float32Array.of(500, -500));
    const scorer = await createMobileNetScorer({ ...model, parameters });
    const scores = await scorer.score(tone(0, 100), RATE);
    expect(Array.from(scores)).toEqual([expect.closeTo(Math.log(2 ** -52), 9), expect.closeTo(-Math.log(2 ** -52), 9)]);
    await scorer.release();
  });

  it('keeps a model in a file', () => {
    const bytes = writeMobileNet(model);
    const { parameters, ...settings } = readMobileNet(bytes);
    const { parameters: before, ...given } = model;
    expect(settings).toEqual(given);
    expect([...parameters.keys()].sort()).toEqual([...before.keys()].sort());
    for (const [name, values] of before) expect(maxDifference(parameters.get(name) ?? [], values), name).toBe(0);
    expect(() => readAutoencoder(bytes, 'm')).toThrow(
      'readAutoencoder: expected thrum-autoencoder in m, found thrum-mobilenet; train a baseline to make one',
    );
  });

  it('refuses recordings that it cannot score', async () => {
    const scorer = await createMobileNetScorer(model);
    await expect(scorer.score(new Float32Array(32255), RATE)).rejects.toThrow(
      'MobileNetScorer.score: expected at least 32256 samples (64 frames), got 32255; give a longer recording',
    );
    await expect(scorer.score(tone(0, 1), 8000)).rejects.toThrow('expected 16000 Hz as in training, got 8000');
    await expect(scorer.score(tone(0, 1).fill(Number.NaN, 5, 6), RATE)).rejects.toThrow('got NaN at sample 5');
    await scorer.release();
  });
});

describe('bad recordings to learn from', () => {
  const relabelled = (...labels: number[]) => labels.map((label, i) => ({ ...clips[i], label }));
  it.each([
    [
      'one class',
      relabelled(0, 0, 0),
      {},
      'trainMobileNet: expected recordings of at least two classes, numbered without gaps, got 0;',
    ],
    ['a gap', relabelled(0, 2), {}, 'numbered without gaps, got 0,2'],
    ['no number', relabelled(0, 0.5), {}, 'trainMobileNet: expected labels that are whole numbers from 0 on, got 0.5'],
    [
      'short',
      [clips[0], { ...clips[1], samples: new Float32Array(9) }],
      {},
      'trainMobileNet: recording 1: expected at least 32256 samples',
    ],
    ['momentum', clips, { momentum: 0 }, 'trainMobileNet: expected a momentum above 0 and up to 1, got 0'],
    ['epochs', clips, { epochs: 0 }, 'trainMobileNet: expected epochs as a whole number from 1 on, got 0'],
  ])('%s', async (_, given, change, message) => {
    await expect(trainMobileNet(given, { ...options, ...change })).rejects.toThrow(message);
  });
});

// The MobileNetV2 baseline of DCASE task 2 (2021, 2022): which section is this? A recording that its own class does not claim is odd.
import { gammaThreshold } from '../../detection/gamma.ts';
import { toOnnx } from '../../graph/onnx.ts';
import { loadProgram } from '../../graph/program.ts';
import { float32, type Program, type RuntimeOptions } from '../../graph/runtime.ts';
import { concat } from '../../graph/slicing.ts';
import { input, type Tensor } from '../../graph/tensor.ts';
import type { NormMode } from '../../nn/batch-norm.ts';
import { type MobileNetV2Config, mobileNetV2, mobileNetV2Blocks } from '../../nn/mobilenet.ts';
import { createScope } from '../../nn/parameters.ts';
import { dense } from '../../nn/transformer.ts';
import { InputError } from '../../signal/errors.ts';
import type { Samples } from '../../signal/samples.ts';
import { crossEntropy } from '../class-loss.ts';
import { checkSettings, type EpochOptions, trainEpochs } from './epochs.ts';
import {
  type BaselineClip,
  MELS,
  parts,
  scoringWindows,
  trainingWindows,
  type WindowShape,
  type Windows,
  windowsByRecording,
} from './windows.ts';

/** Frames of one input. */
export const IMAGE_FRAMES = 64;

/** 64 frames, every 8 frames; reflected ends, as the Keras baselines have. */
const SHAPE: WindowShape = { frames: IMAGE_FRAMES, hop: 8, padding: 'reflect' };

/** Keras' defaults; its epsilon stands beside the uncorrected moment, as ours does. */
const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };

/** Windows that are classified at a time. */
const SCORED = 64;

/** A normal recording to learn from, and the number of its class: section, attribute group or machine. */
export type MobileNetClip = BaselineClip & { label: number };

/** Defaults: 20 epochs, batches of 32 windows, learning rate 1e-5, seed 0. */
export type MobileNetOptions = EpochOptions & {
  /**
   * Share of a batch in the running statistics of batch normalisation; 0.01 by default. Keras' MobileNetV2 has 0.001,
   * which comes to the same after thousands of steps and to no statistics after few.
   */
  momentum?: number;
  /** Frames from one training window to the next: 8, as in the baseline; more make an epoch shorter. */
  hop?: number;
};

export type MobileNetModel = {
  /** Hz of the recordings it has learnt from, and takes. */
  sampleRate: number;
  classes: number;
  /** What the classes are, in order of their numbers; absent where nobody has said it. */
  names?: readonly string[];
  /** By torchvision's names, running statistics included. */
  parameters: ReadonlyMap<string, Float32Array>;
  /** Above it a recording counts as anomalous: 90 % quantile of a gamma distribution fitted to the training scores. */
  threshold: number;
};

export type MobileNetScorer = {
  /**
   * Anomaly score of a recording for every class, [classes]: that of its own class is meant; where the class is not
   * known, the lowest. Each is the mean over windows of ln((1 - p) / p), p the probability of the class, 1 - p and p at
   * least 2.2e-16.
   * @throws InputError for another sampling rate than in training, fewer than 32,256 samples, samples that are not finite
   */
  score(samples: Samples, sampleRate: number): Promise<Float64Array>;
  release(): Promise<void>;
};

/** The classifier: levels x [N, 1, 64 frames, 128 mels], repeated to three channels, -> logits [N, classes]. */
export function mobileNetClassifier(classes: number, x: Tensor, mode: NormMode, momentum = 0.01): Tensor {
  const scope = createScope();
  const config: MobileNetV2Config = {
    width: 0.5,
    blocks: mobileNetV2Blocks,
    stem: 32,
    last: 1280,
    epsilon: 1e-3,
    momentum,
  };
  const features = mobileNetV2(scope, concat([x, x, x], 1), config, mode);
  return dense(scope, 'classifier.1', features, classes);
}

/** Levels of windows, an image of one channel each. */
const levels = () => input('x', ['batch', 1, SHAPE.frames, MELS]);

/** The scoring graph: logits [batch, classes] by the running statistics. */
export const mobileNetScoring = (classes: number): Tensor =>
  mobileNetClassifier(classes, levels(), { training: false });

const imagesOf = (windows: Windows, numbers: Int32Array) =>
  float32(windows.gather(numbers), [numbers.length, 1, SHAPE.frames, MELS]);

/**
 * ln((1 - p) / p) of every class, p the softmax of one row of logits. 1 - p is the sum of the others, so that nothing is
 * lost where p is nearly 1.
 */
function classScores(logits: readonly number[]): number[] {
  const highest = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp(logit - highest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight, own) => {
    const others = weights.reduce((sum, other, i) => (i === own ? sum : sum + other), 0);
    return Math.log(Math.max(others / total, Number.EPSILON)) - Math.log(Math.max(weight / total, Number.EPSILON));
  });
}

/** Means over windows of the scores of every class. */
async function scoreWindows(
  program: Program,
  classes: number,
  windows: Windows,
  numbers: Int32Array,
): Promise<Float64Array> {
  const scores = new Float64Array(classes);
  for (const part of parts(numbers, SCORED)) {
    const { logits } = await program.run({ x: imagesOf(windows, part) });
    const values = Array.from(logits.data, Number);
    for (let row = 0; row < part.length; row++) {
      const own = classScores(values.slice(row * classes, (row + 1) * classes));
      for (const [i, score] of own.entries()) scores[i] += score / numbers.length;
    }
  }
  return scores;
}

const loadLogits = (classes: number, parameters: ReadonlyMap<string, Float32Array>, runtime?: RuntimeOptions) =>
  loadProgram(
    toOnnx({ outputs: { logits: mobileNetScoring(classes) }, constants: new Map(parameters) }).bytes,
    runtime,
  );

/** A model ready to score, its network compiled once. */
export async function createMobileNetScorer(model: MobileNetModel, runtime?: RuntimeOptions): Promise<MobileNetScorer> {
  const { sampleRate: trainedRate, classes, parameters } = model;
  const program = await loadLogits(classes, parameters, runtime);
  return {
    async score(samples, sampleRate) {
      const windows = scoringWindows('MobileNetScorer.score', samples, sampleRate, trainedRate, SHAPE);
      return scoreWindows(program, classes, windows, windowsByRecording(windows)[0]);
    },
    release: () => program.release(),
  };
}

/** Number of classes. @throws InputError for labels that are no class numbers, or fewer than two classes */
function classCount(caller: string, clips: readonly MobileNetClip[]): number {
  const bad = clips.find(({ label }) => !(Number.isInteger(label) && label >= 0));
  if (bad) throw new InputError(`${caller}: expected labels that are whole numbers from 0 on, got ${bad.label}`);
  const seen = new Set(clips.map(({ label }) => label));
  const classes = Math.max(...seen) + 1;
  if (seen.size < 2 || seen.size < classes) {
    throw new InputError(
      `${caller}: expected recordings of at least two classes, numbered without gaps, got ${[...seen].sort((a, b) => a - b)}; for one section take attribute groups or machines as classes`,
    );
  }
  return classes;
}

/**
 * Trains the section classifier on normal recordings and takes the threshold from their own scores. All windows are learnt
 * from; the official code keeps a tenth apart and only prints its loss. The same clips and seed give the same model.
 * @throws InputError for recordings of different rates, of fewer than 32,256 samples or with samples that are not finite;
 * for labels that are not 0 … classes - 1, all of them in use and at least two; for settings out of range; and where the
 * training diverges
 */
export async function trainMobileNet(
  clips: readonly MobileNetClip[],
  options: MobileNetOptions = {},
): Promise<MobileNetModel> {
  const caller = 'trainMobileNet';
  const {
    epochs = 20,
    batch = 32,
    learningRate = 1e-5,
    seed = 0,
    momentum = 0.01,
    hop = SHAPE.hop,
    onEpoch,
    runtime,
  } = options;
  const settings = { epochs, batch, learningRate, seed, onEpoch, runtime };
  checkSettings(caller, settings);
  if (!(momentum > 0 && momentum <= 1)) {
    throw new InputError(`${caller}: expected a momentum above 0 and up to 1, got ${momentum}`);
  }
  const { windows, sampleRate } = trainingWindows(caller, clips, { ...SHAPE, hop });
  const classes = classCount(caller, clips);
  const buffers = new Map<string, Tensor>();
  const logits = mobileNetClassifier(classes, levels(), { training: true, buffers }, momentum);
  const loss = crossEntropy(logits, input('labels', ['batch'], 'int64'));
  const labelsOf = (numbers: Int32Array): BigInt64Array =>
    BigInt64Array.from(numbers, (number) => BigInt(clips[windows.recordingOf[number]].label));
  const parameters = await trainEpochs(
    {
      caller,
      graph: { loss, watched: {}, buffers },
      count: windows.count,
      adam: ADAM,
      feeds: (numbers) => ({
        x: imagesOf(windows, numbers),
        labels: { dtype: 'int64', shape: [numbers.length], data: labelsOf(numbers) },
      }),
    },
    settings,
  );
  const program = await loadLogits(classes, parameters, runtime);
  try {
    const scores: number[] = [];
    for (const [recording, numbers] of windowsByRecording(windows).entries()) {
      scores.push((await scoreWindows(program, classes, windows, numbers))[clips[recording].label]);
    }
    return { sampleRate, classes, parameters, threshold: gammaThreshold(scores) };
  } finally {
    await program.release();
  }
}

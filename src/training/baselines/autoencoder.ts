// The autoencoder baseline of DCASE task 2 (2020 and later): trained on normal recordings, scored by what it cannot reconstruct.
import { gammaThreshold } from '../../detection/gamma.ts';
import {
  createSelectiveMahalanobis,
  type MahalanobisMode,
  type ResidualBatch,
  type ResidualCovariances,
  residualCovariances,
  selectiveMahalanobisScore,
} from '../../detection/selective-mahalanobis.ts';
import { toOnnx } from '../../graph/onnx.ts';
import { loadProgram } from '../../graph/program.ts';
import { float32, type Program, type RuntimeOptions } from '../../graph/runtime.ts';
import type { Samples } from '../../signal/samples.ts';
import type { Padding } from '../../signal/stft.ts';
import { autoencoderScoring, autoencoderTraining, FRAMES, INPUTS } from './autoencoder-graph.ts';
import { checkSettings, type EpochOptions, epochRandom, shuffledBatches, trainEpochs } from './epochs.ts';
import {
  type BaselineClip,
  MELS,
  scoringWindows,
  trainingWindows,
  type WindowShape,
  type Windows,
  windowsByRecording,
} from './windows.ts';

/** Adam as PyTorch's defaults. */
const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** A normal recording to learn from. */
export type AutoencoderClip = BaselineClip & { domain: 'source' | 'target' };

/** Defaults: 100 epochs, batches of 256 windows, learning rate 1e-3, seed 0. */
export type AutoencoderOptions = EpochOptions & {
  /** Beyond the ends of a recording: `constant` (default; 2023 and later) or `reflect` (2020 to 2022). */
  padding?: Padding;
};

/** Scores of one recording, each higher for less normal ones. */
export type AutoencoderScores = {
  /** Mean squared error over all values. */
  mse: number;
  /** Selective Mahalanobis distance of the residuals, in both modes of `selectiveMahalanobisScore`. */
  mahalanobis: Record<MahalanobisMode, number>;
};

export type AutoencoderModel = {
  /** Hz of the recordings it has learnt from, and takes. */
  sampleRate: number;
  padding: Padding;
  /** By the names of the official state dict, running statistics included. */
  parameters: ReadonlyMap<string, Float32Array>;
  covariances: ResidualCovariances;
  /** Above it a recording counts as anomalous: 90 % quantile of a gamma distribution fitted to the training scores. */
  thresholds: AutoencoderScores;
};

export type AutoencoderScorer = {
  /**
   * Scores of a recording.
   * @throws InputError for another sampling rate than in training, fewer than 2,048 samples, samples that are not finite
   */
  score(samples: Samples, sampleRate: number): Promise<AutoencoderScores>;
  /** Scores of the inputs of one recording, [windows, 640], row-major: five consecutive frames of 128 levels in dB. */
  scoreWindows(values: Float32Array): Promise<AutoencoderScores>;
  release(): Promise<void>;
};

const shapeWith = (padding: Padding): WindowShape => ({ frames: FRAMES, hop: 1, padding });

const loadReconstruction = (parameters: ReadonlyMap<string, Float32Array>, runtime?: RuntimeOptions) => {
  const { reconstruction } = autoencoderScoring();
  return loadProgram(toOnnx({ outputs: { reconstruction }, constants: new Map(parameters) }).bytes, runtime);
};

/** Inputs minus reconstructions, [windows][640]. */
async function residualsOf(program: Program, values: Float32Array): Promise<Float32Array[]> {
  const rows = values.length / INPUTS;
  const { reconstruction } = await program.run({ x: float32(values, [rows, INPUTS]) });
  const residuals = values.map((value, i) => value - Number(reconstruction.data[i]));
  return Array.from({ length: rows }, (_, row) => residuals.subarray(row * INPUTS, (row + 1) * INPUTS));
}

const meanSquare = (residuals: readonly Float32Array[]): number =>
  residuals.reduce((sum, residual) => sum + residual.reduce((own, value) => own + value * value, 0), 0) /
  (residuals.length * INPUTS);

function scorerOf(program: Program, covariances: ResidualCovariances): AutoencoderScorer['scoreWindows'] {
  const precisions = createSelectiveMahalanobis(covariances);
  return async (values) => {
    const residuals = await residualsOf(program, values);
    const mahalanobis = (mode: MahalanobisMode) => selectiveMahalanobisScore(precisions, residuals, mode).score;
    return {
      mse: meanSquare(residuals),
      mahalanobis: { official: mahalanobis('official'), conventional: mahalanobis('conventional') },
    };
  };
}

/**
 * A model ready to score, its network compiled once.
 * @throws InputError if a covariance of the residuals has no inverse
 */
export async function createAutoencoderScorer(
  model: AutoencoderModel,
  runtime?: RuntimeOptions,
): Promise<AutoencoderScorer> {
  const { sampleRate: trainedRate, padding, parameters, covariances } = model;
  const program = await loadReconstruction(parameters, runtime);
  const scoreWindows = scorerOf(program, covariances);
  return {
    scoreWindows,
    async score(samples, sampleRate) {
      const shape = shapeWith(padding);
      const windows = scoringWindows('AutoencoderScorer.score', samples, sampleRate, trainedRate, shape);
      return scoreWindows(windows.gather(windowsByRecording(windows)[0]));
    },
    release: () => program.release(),
  };
}

/** Residuals of all windows, in random batches: the baseline centres them on the mean of their batch. */
async function* residualBatches(
  program: Program,
  windows: Windows,
  batches: readonly Int32Array[],
  isTarget: readonly boolean[],
): AsyncGenerator<ResidualBatch> {
  for (const numbers of batches) {
    yield {
      residuals: await residualsOf(program, windows.gather(numbers)),
      isTarget: Array.from(numbers, (number) => isTarget[windows.recordingOf[number]]),
    };
  }
}

const thresholdsOf = (scores: readonly AutoencoderScores[]): AutoencoderScores => ({
  mse: gammaThreshold(scores.map(({ mse }) => mse)),
  mahalanobis: {
    official: gammaThreshold(scores.map(({ mahalanobis }) => mahalanobis.official)),
    conventional: gammaThreshold(scores.map(({ mahalanobis }) => mahalanobis.conventional)),
  },
});

/**
 * Trains the autoencoder on normal recordings of one machine, then takes the covariances of its residuals per domain
 * (in one more pass, by the running statistics) and the thresholds. All windows are learnt from; the official code keeps
 * a tenth apart and only prints its loss. The same clips and seed give the same model.
 * @throws InputError for fewer than two recordings, recordings of different rates, of fewer than 2,048 samples or with
 * samples that are not finite; for settings out of range; where the training diverges; and where the residuals are too
 * few, or too much alike, for covariances and thresholds
 */
export async function trainAutoencoder(
  clips: readonly AutoencoderClip[],
  options: AutoencoderOptions = {},
): Promise<AutoencoderModel> {
  const caller = 'trainAutoencoder';
  const { epochs = 100, batch = 256, learningRate = 1e-3, seed = 0, padding = 'constant', onEpoch, runtime } = options;
  const settings = { epochs, batch, learningRate, seed, onEpoch, runtime };
  checkSettings(caller, settings);
  const { windows, sampleRate } = trainingWindows(caller, clips, shapeWith(padding));
  const parameters = await trainEpochs(
    {
      caller,
      graph: autoencoderTraining(),
      count: windows.count,
      adam: ADAM,
      feeds: (numbers) => ({ x: float32(windows.gather(numbers), [numbers.length, INPUTS]) }),
    },
    settings,
  );
  const program = await loadReconstruction(parameters, runtime);
  try {
    const isTarget = clips.map(({ domain }) => domain === 'target');
    const order = epochRandom(seed, epochs + 1);
    const batches = shuffledBatches(windows.count, batch, order);
    const covariances = await residualCovariances(residualBatches(program, windows, batches, isTarget), MELS);
    const score = scorerOf(program, covariances);
    const scores: AutoencoderScores[] = [];
    for (const numbers of windowsByRecording(windows)) scores.push(await score(windows.gather(numbers)));
    return { sampleRate, padding, parameters, covariances, thresholds: thresholdsOf(scores) };
  } finally {
    await program.release();
  }
}

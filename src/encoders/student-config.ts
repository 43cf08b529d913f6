// What a student is: a front end, a small convolutional network, and what its outputs mean.
import { type CpMobileConfig, cpMobilePlan } from '../nn/cp-mobile.ts';
import type { LayerPlan } from '../nn/layer-plan.ts';
import { type InvertedResiduals, type MobileNetV2Extras, mobileNetV2Plan } from '../nn/mobilenet.ts';
import type { Labels } from './types.ts';

/** Log-mel picture of a window of sound at one rate: (ln(energy + floor) - mean) / deviation, [1, mels, frames]. */
export type MelFrontEnd = {
  kind: 'mel';
  /** Hz; recordings of other rates are resampled. */
  sampleRate: number;
  nFft: number;
  winLength: number;
  hopLength: number;
  mels: number;
  /** Hz. */
  fMin: number;
  fMax: number;
  /** Added to the energies. */
  floor: number;
  mean: number;
  deviation: number;
  /** Frames of a window; windows follow one another without overlap, the last one ends with the recording. */
  frames: number;
  /**
   * What came before the mels of the DCASE 2023 winner: pre-emphasis, a symmetric window, Kaldi's filters. HTK's filters
   * and a periodic window where nothing is said.
   */
  variant?: 'cpjku-2023';
};

/**
 * Sub-bands of ECHO's spectrogram at any rate, without its level, (value - mean) / deviation, and beside it two planes that
 * say where the band lies: 2 sin and 2 cos of pi times its relative frequency. [3, bandBins, frames]
 */
export type BandFrontEnd = {
  kind: 'bands';
  bandBins: number;
  /** Frames of a window; a shorter recording is repeated. */
  frames: number;
  mean: number;
  deviation: number;
  /** Every band's part of the embedding ends with this times the level that was taken away, as in ECHO; none by default. */
  levelWeight?: number;
};

export type StudentNetwork =
  | {
      kind: 'mobilenet-v2';
      width: number;
      blocks: readonly InvertedResiduals[];
      stem: number;
      last: number;
      residualNorm?: MobileNetV2Extras['residualNorm'];
    }
  | ({ kind: 'cp-mobile' } & CpMobileConfig);

export type StudentConfig = {
  frontEnd: MelFrontEnd | BandFrontEnd;
  network: StudentNetwork;
  /** Width of the last layer: classes, or the embedding that it has learned to give. */
  outputs: number;
  /** Of a classifier. */
  labels?: Labels;
  /**
   * How the weights are stored. `float`: with batch normalisation; `folded`: without, and with the ranges `range.N` of the
   * outputs of all layers; `int8`: whole numbers.
   */
  form: 'float' | 'folded' | 'int8';
};

/** Channels, rows, columns of the network's input. */
export function studentInput({ frontEnd }: Pick<StudentConfig, 'frontEnd'>): readonly [number, number, number] {
  return frontEnd.kind === 'mel' ? [1, frontEnd.mels, frontEnd.frames] : [3, frontEnd.bandBins, frontEnd.frames];
}

/** The layers of a student. The last one has the outputs; a layer `mean` before it has the features of a classifier. */
export function studentPlan(config: Pick<StudentConfig, 'frontEnd' | 'network' | 'outputs'>): LayerPlan {
  const { network, outputs } = config;
  const input = studentInput(config);
  if (network.kind === 'cp-mobile') return cpMobilePlan(input, outputs, network);
  const { residualNorm } = network;
  return mobileNetV2Plan(input, network, { outputs, ...(residualNorm && { residualNorm }) });
}

// Distillation for tests: a tiny student of log-mels, and of sub-bands, with windows as long as the crops of fine-tuning.

import { randomWeights } from '../../encoders/build.ts';
import { echoArchitecture } from '../../encoders/echo-family.ts';
import { bandWidth } from '../../encoders/echo-pool.ts';
import type { StudentNetwork } from '../../encoders/student-config.ts';
import { type DistilOptions, distilDefaults, type SceneStudent } from './distil.ts';
import { type BandStudent, type BandTeacher, bandTeacher } from './distil-bands.ts';

export const tinyNetwork: StudentNetwork = {
  ...{ kind: 'mobilenet-v2', width: 1, stem: 8, last: 0 },
  blocks: [
    { expansion: 1, channels: 8, repeats: 2, stride: 1 },
    { expansion: 2, channels: 16, repeats: 1, stride: 2 },
    { expansion: 2, channels: 24, repeats: 1, stride: 1 },
  ],
};

/** Windows of 4800 samples at 16 kHz, 21 frames of 16 mels. */
export const tinyStudent: SceneStudent = {
  frontEnd: {
    ...{ kind: 'mel', sampleRate: 16_000, nFft: 512, winLength: 512, hopLength: 240, mels: 16, fMin: 0, fMax: 8000 },
    ...{ floor: 1e-5, mean: -2, deviation: 3, frames: 21 },
  },
  network: tinyNetwork,
  outputs: 3,
  labels: { names: ['low', 'middle', 'high'], several: false },
  form: 'float',
};

export const tinyOptions: DistilOptions = {
  ...distilDefaults,
  ...{ steps: 40, batch: 6, learningRate: 5e-3, warmUpSteps: 4, epochSteps: 4 },
};

const echo = echoArchitecture({
  ...{ width: 16, depth: 2, heads: 2, bandBins: 16, patchFrames: 8 },
  ...{ level: 'removed', levelWeight: 0.5, tail: 'overlap', pool: '0:2,2:1' },
});

export const tinyBandTeacher: BandTeacher = bandTeacher({
  id: 'tiny echo',
  architecture: echo,
  weights: randomWeights(echo, 3),
});

export const tinyBandStudent: BandStudent = {
  frontEnd: { kind: 'bands', bandBins: 16, frames: 24, mean: 0, deviation: 2, levelWeight: 0.5 },
  network: tinyNetwork,
  outputs: bandWidth(tinyBandTeacher.config),
  form: 'float',
};

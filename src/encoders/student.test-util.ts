// Tiny students of every kind, with weights, for tests.
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { cpMobile2024 } from '../nn/cp-mobile.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { buildEncoder, parameterShapes } from './build.ts';
import { noise } from './sounds.test-util.ts';
import type { MelFrontEnd, StudentConfig, StudentNetwork } from './student-config.ts';
import { studentArchitecture } from './student-family.ts';
import { studentTensors } from './student-tensors.ts';

export const mel: MelFrontEnd = {
  ...{ kind: 'mel', sampleRate: 4000, nFft: 128, winLength: 128, hopLength: 64, mels: 16, fMin: 0, fMax: 1800 },
  ...{ floor: 1e-5, mean: -3, deviation: 2, frames: 17 },
};
const group = { expansion: 2, channels: 16, repeats: 2, stride: 2 };
export const mobile: StudentNetwork = {
  ...{ kind: 'mobilenet-v2', width: 1, stem: 8, last: 0, blocks: [{ ...group, channels: 8 }, group] },
  residualNorm: { lambda: 0.1, at: ['input', 'blocks'] },
};
const cpMobile: StudentNetwork = { kind: 'cp-mobile', ...cpMobile2024, base: 16, stages: [1, 1], responseNorm: true };
export const labels = { names: ['a', 'b', 'c'], several: false };

export const students = {
  classifier: { frontEnd: mel, network: mobile, outputs: 3, labels, form: 'float' },
  embedder: { frontEnd: mel, network: { ...mobile, last: 24 }, outputs: 12, form: 'float' },
  'cp-mobile': { frontEnd: mel, network: cpMobile, outputs: 3, labels, form: 'float' },
  bands: {
    frontEnd: { kind: 'bands', bandBins: 16, frames: 20, mean: 0.1, deviation: 0.5 },
    ...{ network: mobile, outputs: 6, form: 'float' },
  },
} satisfies Record<string, StudentConfig>;
export const names = Object.keys(students) as (keyof typeof students)[];

/** Values in which nothing is 0 or 1, and through which activations keep their size. */
export function valuesOf(config: StudentConfig, seed = 'student'): Map<string, Float32Array> {
  const random = createRandom(seed);
  return new Map(
    Array.from(parameterShapes(studentArchitecture(config)), ([name, shape]) => {
      const size = shape.reduce((product, dim) => product * dim, 1);
      const limit = Math.sqrt(6 / (size / shape[0]));
      const draw = (): number => {
        if (name.endsWith('running_var')) return random.uniform(0.5, 1.5);
        return shape.length > 1 ? random.uniform(-limit, limit) : random.uniform(0.2, 0.9);
      };
      return [name, Float32Array.from({ length: size }, draw)];
    }),
  );
}

export const tensorsOf = (config: StudentConfig, seed?: string): Map<string, StoredTensor> =>
  studentTensors(config, valuesOf(config, seed));

export const encoderOf = (config: StudentConfig, tensors = tensorsOf(config)) =>
  buildEncoder('student', studentArchitecture(config), tensors);

// 2.5 windows of 1024 samples, of which the last overlaps.
export const samples = noise(2560, 'sound');

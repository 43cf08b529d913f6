// Fine-tuned encoders for tests: a small encoder below, a head with random weights, written as training writes them.

import { parameterShapes } from '../encoders/build.ts';
import type { TunedConfig } from '../encoders/config-hints.ts';
import type { Architecture } from '../encoders/family.ts';
import { hintsOf } from '../encoders/stored-hints.ts';
import { type TinyEncoder, tinyEncoder } from '../encoders/tiny-encoders.test-util.ts';
import { TRUNK_PREFIX, tunedArchitecture } from '../encoders/tuned.ts';
import { toFloat32 } from '../graph/stored-tensor.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { exportEncoder } from './export-encoder.node.ts';
import { initialState } from './step.ts';

export type TunedExample = {
  base: TinyEncoder;
  config: TunedConfig;
  architecture: Architecture;
  values: Map<string, Float32Array>;
};

/** A fine-tuned encoder over one of `tinyNames`; heads take any numbers, variances positive ones. */
export function tunedExample(name: string, settings: Omit<TunedConfig, 'base'>): TunedExample {
  const base = tinyEncoder(name);
  const config = { ...settings, base: { family: base.architecture.family, hints: hintsOf(base.architecture) } };
  const architecture = tunedArchitecture(config, base.architecture, base.weights);
  const random = createRandom(`head ${name}`);
  const values = new Map(
    Array.from(parameterShapes(architecture), ([key, shape]) => {
      const own = base.weights.get(key.slice(TRUNK_PREFIX.length));
      if (key.startsWith(TRUNK_PREFIX) && own) return [key, toFloat32(own)];
      const size = shape.reduce((a, b) => a * b, 1);
      const draw = () => (key.endsWith('running_var') ? random.uniform(0.5, 2) : random.gaussian(0, 0.3));
      return [key, Float32Array.from({ length: size }, draw)];
    }),
  );
  return { base, config, architecture, values };
}

/** Writes an encoder as training does. */
export function writeTuned(
  { architecture, values }: Pick<TunedExample, 'architecture' | 'values'>,
  path: string,
): void {
  const names = { shapes: parameterShapes(architecture), trainedNames: [], teacherNames: [] };
  exportEncoder(initialState(names, values), architecture, path, { weights: 'student' });
}

/** Writes one of `tinyNames` by itself. */
export function writeTiny(name: string, path: string): void {
  const { architecture, weights } = tinyEncoder(name);
  writeTuned({ architecture, values: new Map(Array.from(weights, ([key, tensor]) => [key, toFloat32(tensor)])) }, path);
}

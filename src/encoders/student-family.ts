// Students as a family: the sizes to begin with, and how files of them are recognised.

import { planCost } from '../nn/layer-plan.ts';
import type { InvertedResiduals } from '../nn/mobilenet.ts';
import { quantisedFrom, quantisedTensors } from '../nn/quantised-tensors.ts';
import { InputError } from '../signal/errors.ts';
import type { ConfigHints } from './config-hints.ts';
import { CP_MOBILE_KEY, cpMobileStudent, sceneLabels } from './cp-mobile-names.ts';
import { type Architecture, architecturesOf, type Family, type StateDict } from './family.ts';
import { createStudent, studentGraph } from './student.ts';
import { type StudentConfig, type StudentNetwork, studentPlan } from './student-config.ts';
import { bandsFrontEnd, sceneFrontEnd } from './student-input.ts';
import { checkedStudent } from './student-schema.ts';

const group = (channels: number, repeats: number, stride: number): InvertedResiduals => ({
  ...{ expansion: 3, channels, repeats, stride },
});

/** Inverted residuals that make 103,848 bytes of int8 with ten classes: less than the 115,600 of the paper. */
const body: StudentNetwork = {
  ...{ kind: 'mobilenet-v2', width: 1, stem: 16, last: 0 },
  blocks: [group(24, 2, 2), group(40, 2, 2), group(64, 2, 2), group(96, 1, 1)],
};

/** `scenes`: the ten acoustic scenes of DCASE Task 1; `bands`: embeddings as wide as those of ECHO-small. */
export const studentSizes = {
  scenes: { frontEnd: sceneFrontEnd, network: body, outputs: 10, labels: sceneLabels, form: 'float' },
  bands: { frontEnd: bandsFrontEnd, network: body, outputs: 384, form: 'float' },
} satisfies Record<string, StudentConfig>;

/** The whole numbers of an int8 student are constants of its graph, which has no parameters: they stand beside it. */
function quantisedArchitecture(config: StudentConfig, weights: StateDict): Pick<Architecture, 'graph' | 'frontEnd'> {
  const network = quantisedFrom(studentPlan(config), weights);
  return { graph: (scope) => studentGraph(scope, config, network), frontEnd: quantisedTensors(network) };
}

/**
 * A student with its settings.
 * @param weights the tensors of an int8 student, of which its graph is made; not needed of other forms
 * @throws InputError where settings, or the tensors of an int8 student, make none
 */
export function studentArchitecture(given: StudentConfig, weights: StateDict = new Map()): Architecture {
  const config = checkedStudent(given);
  return {
    family: 'student',
    config,
    parameters: planCost(studentPlan(config)).parameters,
    graph: (scope) => studentGraph(scope, config),
    create: (id, fingerprint, _weights, program) => createStudent(id, fingerprint, config, program),
    ...(config.form === 'int8' && quantisedArchitecture(config, weights)),
    ...(config.form !== 'float' && { untrained: studentArchitecture({ ...config, form: 'float' }) }),
  };
}

/** Another weight of the level, where a user asks for one. */
function withHints(config: StudentConfig, { levelWeight }: ConfigHints): StudentConfig {
  const { frontEnd } = config;
  if (levelWeight === undefined || frontEnd.kind !== 'bands') return config;
  return { ...config, frontEnd: { ...frontEnd, levelWeight } };
}

export const studentFamily: Family = {
  name: 'student',
  sizes: architecturesOf<StudentConfig>(studentSizes, (config) => studentArchitecture(config)),
  recognises: (weights) => weights.has('features.0.0.weight') || weights.has(CP_MOBILE_KEY),
  infer: (weights, hints) => {
    if (hints.student) return studentArchitecture(withHints(hints.student, hints), weights);
    if (weights.has(CP_MOBILE_KEY)) return studentArchitecture(cpMobileStudent(weights));
    throw new InputError(
      'loadEncoder: expected the settings of a student beside its weights, found none; restore the file that distillation wrote',
    );
  },
};

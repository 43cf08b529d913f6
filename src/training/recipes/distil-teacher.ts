// The teacher of distillation: a frozen encoder in the graph of the student's step, its hidden states and, of a fine-tuned
// one, its own logits.
import type { GraphOptions } from '../../encoders/band-transformer.ts';
import { recogniseWeights } from '../../encoders/build.ts';
import type { TunedConfig } from '../../encoders/config-hints.ts';
import type { CropShape, HiddenStates, Trunk } from '../../encoders/trunk.ts';
import { below, CLASSES_KEY, TRUNK_PREFIX, trunkOf, within } from '../../encoders/tuned.ts';
import { tunedHead } from '../../encoders/tuned-head.ts';
import { gather } from '../../graph/indexing.ts';
import { reduceMean } from '../../graph/reduce.ts';
import { reshape } from '../../graph/reshape.ts';
import { staticDim } from '../../graph/shapes.ts';
import { slice } from '../../graph/slicing.ts';
import { toFloat32 } from '../../graph/stored-tensor.ts';
import { int64, type Tensor } from '../../graph/tensor.ts';
import type { ParameterScope } from '../../nn/parameters.ts';
import { dense } from '../../nn/transformer.ts';
import type { TuneBase } from '../tuned-plan.ts';

/** Parameters of the teacher stand under this, and never move. */
export const SOURCE_PREFIX = 'source.';

export type TeacherStates = HiddenStates & {
  /** [count, C] in the order of the student's classes, of a teacher that knows all of them. */
  logits?: Tensor;
};

export type DistilTeacher = {
  id: string;
  /** Rate of its crops in Hz; any where it is not given. */
  sampleRate?: number;
  trunk: Trunk;
  /** By the names that `graph` asks for. */
  weights: ReadonlyMap<string, Float32Array>;
  /** Whether it gives logits. */
  classifies: boolean;
  graph(scope: ParameterScope, crops: CropShape, options?: GraphOptions): TeacherStates;
};

const floatsOf = (weights: TuneBase['weights']) =>
  new Map(Array.from(weights, ([name, tensor]) => [name, toFloat32(tensor)]));

/** A fine-tuned encoder: the one below with its own head, whose logits count where it knows all classes. */
function tunedTeacher({ id, architecture, weights }: TuneBase, classes: readonly string[]): DistilTeacher {
  const config = architecture.config as TunedConfig;
  const trunk = trunkOf(recogniseWeights(below(weights, TRUNK_PREFIX), config.base.hints));
  const known = config.labels?.several === false ? config.labels.names : [];
  const places = classes.map((name) => known.indexOf(name));
  const classifies = places.every((place) => place >= 0);
  return {
    id,
    sampleRate: config.sampleRate,
    trunk,
    weights: floatsOf(weights),
    classifies,
    graph: (scope, crops, options) => {
      const hidden = trunk.graph(within(scope, TRUNK_PREFIX), crops, options);
      if (!classifies) return hidden;
      const segments = tunedHead(scope, config, hidden, { training: false });
      return { ...hidden, logits: gather(dense(scope, CLASSES_KEY, segments, known.length), int64(places), 1) };
    },
  };
}

/**
 * An encoder as a teacher of these classes.
 * @throws InputError for a family without hidden states to learn from
 */
export function distilTeacher(base: TuneBase, classes: readonly string[]): DistilTeacher {
  if (base.architecture.family === 'tuned') return tunedTeacher(base, classes);
  const trunk = trunkOf(base.architecture);
  return {
    id: base.id,
    ...(trunk.sampleRate !== undefined && { sampleRate: trunk.sampleRate }),
    trunk,
    weights: floatsOf(base.weights),
    classifies: false,
    graph: (scope, crops, options) => trunk.graph(scope, crops, options),
  };
}

/** A hidden state [N, L, D] over time: the tokens of each step averaged, those of no sound left out. [N, steps, D] */
export function tokensOverTime(state: Tensor, { cls, grid }: Pick<HiddenStates, 'cls' | 'grid'>): Tensor {
  const [count, length] = state.shape;
  const width = staticDim(state, 2, 'tokensOverTime');
  const sound = cls === 0 ? state : slice(state, 1, cls, length as number);
  if (!grid) return sound;
  return reduceMean(reshape(sound, [count, ...grid, width]), [1, 3]);
}

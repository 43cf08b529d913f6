// The teacher of distillation: a frozen encoder in the graph of the student's step, its hidden states and, of one that knows
// the classes, its own logits. A network of the students' family, wider or as wide, is a teacher too.
import type { GraphOptions } from '../../encoders/band-transformer.ts';
import { recogniseWeights } from '../../encoders/build.ts';
import type { TunedConfig } from '../../encoders/config-hints.ts';
import { type MelFrontEnd, type StudentConfig, studentInput, studentPlan } from '../../encoders/student-config.ts';
import { studentPictures, windowSamples } from '../../encoders/student-input.ts';
import type { CropShape, HiddenStates, Trunk } from '../../encoders/trunk.ts';
import { below, CLASSES_KEY, TRUNK_PREFIX, trunkOf, within } from '../../encoders/tuned.ts';
import { tunedHead } from '../../encoders/tuned-head.ts';
import { gather } from '../../graph/indexing.ts';
import { reduceMean } from '../../graph/reduce.ts';
import { reshape, transpose } from '../../graph/reshape.ts';
import { float32 } from '../../graph/runtime.ts';
import { staticDim } from '../../graph/shapes.ts';
import { slice } from '../../graph/slicing.ts';
import { toFloat32 } from '../../graph/stored-tensor.ts';
import { input, int64, type Tensor } from '../../graph/tensor.ts';
import { layerOutputs } from '../../nn/layer-graph.ts';
import type { ParameterScope } from '../../nn/parameters.ts';
import { dense } from '../../nn/transformer.ts';
import { concatenate } from '../../signal/concatenate.ts';
import { InputError } from '../../signal/errors.ts';
import type { TuneBase } from '../tuned-plan.ts';
import { stageEnds } from './distil-student.ts';

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
  trunk: Pick<Trunk, 'leastSamples' | 'features' | 'feeds'>;
  /** By the names that `graph` asks for. */
  weights: ReadonlyMap<string, Float32Array>;
  /** Whether it gives logits. */
  classifies: boolean;
  graph(scope: ParameterScope, crops: CropShape, options?: GraphOptions): TeacherStates;
};

const floatsOf = (weights: TuneBase['weights']) =>
  new Map(Array.from(weights, ([name, tensor]) => [name, toFloat32(tensor)]));

/** Where the student's classes stand among those that a teacher knows; undefined where it does not know all. */
function placesOf(classes: readonly string[], known: readonly string[]): readonly number[] | undefined {
  const places = classes.map((name) => known.indexOf(name));
  return places.every((place) => place >= 0) ? places : undefined;
}

/** A fine-tuned encoder: the one below with its own head, whose logits count where it knows all classes. */
function tunedTeacher({ id, architecture, weights }: TuneBase, classes: readonly string[]): DistilTeacher {
  const config = architecture.config as TunedConfig;
  const trunk = trunkOf(recogniseWeights(below(weights, TRUNK_PREFIX), config.base.hints));
  const known = config.labels?.several === false ? config.labels.names : [];
  const places = placesOf(classes, known);
  return {
    id,
    sampleRate: config.sampleRate,
    trunk,
    weights: floatsOf(weights),
    classifies: places !== undefined,
    graph: (scope, crops, options) => {
      const hidden = trunk.graph(within(scope, TRUNK_PREFIX), crops, options);
      if (!places) return hidden;
      const segments = tunedHead(scope, config, hidden, { training: false });
      return { ...hidden, logits: gather(dense(scope, CLASSES_KEY, segments, known.length), int64(places), 1) };
    },
  };
}

/**
 * A network of the students' family, with its running averages. Its states over time are its first layer and the ends of its
 * stages, averaged over frequency: [N, T, C], as many channels as each has.
 * @throws InputError for one of sub-bands, or of whole numbers
 */
function networkTeacher({ id, architecture, weights }: TuneBase, classes: readonly string[]): DistilTeacher {
  const config = architecture.config as StudentConfig;
  const { frontEnd, labels } = config;
  if (frontEnd.kind !== 'mel' || config.form === 'int8') {
    const found = frontEnd.kind === 'mel' ? 'one of 8 bits' : 'one of sub-bands';
    throw new InputError(
      `distill: expected a teacher of log-mels in floats, got ${found} (${id}); take another encoder`,
    );
  }
  const mel: MelFrontEnd = frontEnd;
  const plan = studentPlan(config);
  const shape = studentInput(config);
  const places = placesOf(classes, labels?.several === false ? labels.names : []);
  const mode = config.form === 'float' ? { norm: { training: false as const } } : { folded: true as const };
  return {
    id,
    sampleRate: mel.sampleRate,
    trunk: {
      leastSamples: (sampleRate) => Math.floor((windowSamples(mel) * sampleRate) / mel.sampleRate),
      features: (samples, sampleRate) => {
        const size = shape.reduce((product, side) => product * side, 1);
        const { values } = studentPictures(samples, sampleRate, config);
        return { values: values.subarray(0, size), frames: shape[1], bins: shape[2] };
      },
      feeds: (features) => {
        const values = concatenate(
          Float32Array,
          features.map((one) => one.values),
        );
        return { teacherPictures: float32(values, [features.length, ...shape]) };
      },
    },
    weights: floatsOf(weights),
    classifies: places !== undefined,
    graph: (scope, { count }) => {
      const layers = layerOutputs(scope, plan, input('teacherPictures', [count, ...shape]), mode);
      const overTime = (layer: number) => transpose(reduceMean(layers[layer], [2]), [0, 2, 1]); // [N, T, C]
      const states = [plan.stem, ...stageEnds(plan)].map(overTime);
      const hidden: HiddenStates = { states, cls: 0 };
      return places ? { ...hidden, logits: gather(layers[layers.length - 1], int64(places), 1) } : hidden;
    },
  };
}

/**
 * An encoder as a teacher of these classes.
 * @throws InputError for a family without hidden states to learn from
 */
export function distilTeacher(base: TuneBase, classes: readonly string[]): DistilTeacher {
  if (base.architecture.family === 'tuned') return tunedTeacher(base, classes);
  if (base.architecture.family === 'student') return networkTeacher(base, classes);
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

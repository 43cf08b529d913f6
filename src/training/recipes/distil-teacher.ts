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
import { softmax } from '../../graph/activation.ts';
import { add, log, maximum, mul } from '../../graph/elementwise.ts';
import { gather } from '../../graph/indexing.ts';
import { reduceMean } from '../../graph/reduce.ts';
import { reshape, transpose } from '../../graph/reshape.ts';
import { type Feeds, float32 } from '../../graph/runtime.ts';
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

export type TeacherStates = HiddenStates & {
  /** [count, C] in the order of the student's classes, of a teacher that knows all of them. */
  logits?: Tensor;
  /** Hidden states of further teachers, where several teach. */
  more?: readonly HiddenStates[];
};

export type DistilTeacher = {
  id: string;
  /** Rate of its crops in Hz; any where it is not given. */
  sampleRate?: number;
  /** Fewest samples of a crop at a rate. */
  leastSamples(sampleRate: number): number;
  /** Inputs of its graph for crops that are equally long. */
  feeds(crops: readonly Float32Array[], sampleRate: number): Feeds;
  /** By the names that `graph` asks for. */
  weights: ReadonlyMap<string, Float32Array>;
  /** Whether it gives logits. */
  classifies: boolean;
  graph(scope: ParameterScope, crops: CropShape, options?: GraphOptions): TeacherStates;
};

const floatsOf = (weights: TuneBase['weights']) =>
  new Map(Array.from(weights, ([name, tensor]) => [name, toFloat32(tensor)]));

const trunkFeeds =
  (trunk: Trunk): DistilTeacher['feeds'] =>
  (crops, sampleRate) =>
    trunk.feeds(
      crops.map((samples) => trunk.features(samples, sampleRate)),
      sampleRate,
    );

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
    leastSamples: (sampleRate) => trunk.leastSamples(sampleRate),
    feeds: trunkFeeds(trunk),
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
function networkTeacher(
  { id, architecture, weights }: TuneBase,
  classes: readonly string[],
  place: number,
): DistilTeacher {
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
  // Several such teachers hear side by side, each normalised in its own way.
  const pictureInput = `pictures of teacher ${place}`;
  const places = placesOf(classes, labels?.several === false ? labels.names : []);
  const mode = config.form === 'float' ? { norm: { training: false as const } } : { folded: true as const };
  return {
    id,
    sampleRate: mel.sampleRate,
    leastSamples: (sampleRate) => Math.floor((windowSamples(mel) * sampleRate) / mel.sampleRate),
    feeds: (crops, sampleRate) => {
      const size = shape.reduce((product, side) => product * side, 1);
      const pictures = crops.map((samples) => studentPictures(samples, sampleRate, config).values.subarray(0, size));
      return { [pictureInput]: float32(concatenate(Float32Array, pictures), [crops.length, ...shape]) };
    },
    weights: floatsOf(weights),
    classifies: places !== undefined,
    graph: (scope, { count }) => {
      const layers = layerOutputs(scope, plan, input(pictureInput, [count, ...shape]), mode);
      const overTime = (layer: number) => transpose(reduceMean(layers[layer], [2]), [0, 2, 1]); // [N, T, C]
      const states = [plan.stem, ...stageEnds(plan)].map(overTime);
      const hidden: HiddenStates = { states, cls: 0 };
      return places ? { ...hidden, logits: gather(layers[layers.length - 1], int64(places), 1) } : hidden;
    },
  };
}

/**
 * An encoder as a teacher of these classes.
 * @param place among several teachers, from 0
 * @throws InputError for a family without hidden states to learn from
 */
export function distilTeacher(base: TuneBase, classes: readonly string[], place = 0): DistilTeacher {
  if (base.architecture.family === 'tuned') return tunedTeacher(base, classes);
  if (base.architecture.family === 'student') return networkTeacher(base, classes, place);
  const trunk = trunkOf(base.architecture);
  return {
    id: base.id,
    ...(trunk.sampleRate !== undefined && { sampleRate: trunk.sampleRate }),
    leastSamples: (sampleRate) => trunk.leastSamples(sampleRate),
    feeds: trunkFeeds(trunk),
    weights: floatsOf(base.weights),
    classifies: false,
    graph: (scope, crops, options) => trunk.graph(scope, crops, options),
  };
}

/** ln of the mean of probabilities: logits of teachers [N, C] that answer together. */
function jointLogits(logits: readonly Tensor[]): Tensor {
  const sum = logits.map((own) => softmax(own, -1)).reduce((total, own) => add(total, own));
  return log(maximum(mul(sum, 1 / logits.length), 1e-12));
}

/**
 * Several teachers as one: the layers of all of them are learned from, the mean of the probabilities of those that know the
 * classes is their answer, and the front end is aligned with that of the first.
 * @throws InputError for teachers of different rates, and for two of one family of transformers
 */
export function ensembleTeacher(teachers: readonly DistilTeacher[]): DistilTeacher {
  if (teachers.length === 1) return teachers[0];
  const id = teachers.map((one) => one.id).join(' and ');
  const rates = [...new Set(teachers.flatMap(({ sampleRate }) => sampleRate ?? []))];
  if (rates.length > 1) {
    throw new InputError(
      `distill: expected teachers of one rate, got ${rates.join(' and ')} Hz (${id}); take teachers that hear alike`,
    );
  }
  return {
    id,
    ...(rates.length === 1 && { sampleRate: rates[0] }),
    leastSamples: (sampleRate) => Math.max(...teachers.map((one) => one.leastSamples(sampleRate))),
    feeds: (crops, sampleRate) => {
      const feeds: Record<string, Feeds[string]> = {};
      for (const own of teachers.map((one) => one.feeds(crops, sampleRate))) {
        for (const [name, value] of Object.entries(own)) {
          if (feeds[name]) {
            throw new InputError(
              `distill: expected at most one transformer of each family, got two that read ${name} (${id}); take one of them`,
            );
          }
          feeds[name] = value;
        }
      }
      return feeds;
    },
    weights: new Map(
      teachers.flatMap(({ weights }, t) => Array.from(weights, ([name, values]) => [`${t}.${name}`, values] as const)),
    ),
    classifies: teachers.some(({ classifies }) => classifies),
    graph: (scope, crops, options) => {
      const [first, ...others] = teachers.map((one, t) => one.graph(within(scope, `${t}.`), crops, options));
      const logits = [first, ...others].flatMap((own) => own.logits ?? []);
      return { ...first, more: others, ...(logits.length > 0 && { logits: jointLogits(logits) }) };
    },
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

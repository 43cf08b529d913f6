// Distillation of a classifier: a small network learns labels, and from a frozen encoder that hears the same crops.
import type { GraphOptions } from '../../encoders/band-transformer.ts';
import { type MelFrontEnd, type StudentConfig, studentInput, studentPlan } from '../../encoders/student-config.ts';
import { studentPictures, windowSamples } from '../../encoders/student-input.ts';
import { within } from '../../encoders/tuned.ts';
import { add, mul } from '../../graph/elementwise.ts';
import { float32 } from '../../graph/runtime.ts';
import { input, type Tensor } from '../../graph/tensor.ts';
import { createScope } from '../../nn/parameters.ts';
import { concatenate } from '../../signal/concatenate.ts';
import { InputError } from '../../signal/errors.ts';
import { resample } from '../../signal/resample.ts';
import type { Random } from '../../signal/simulate/random.ts';
import { mixup } from '../augment.ts';
import { crossEntropy } from '../class-loss.ts';
import type { LabelledCrop } from '../data/labelled-types.ts';
import type { Response } from '../data/responses.node.ts';
import { annealedTemperature, type TemperatureSchedule } from '../distillation-loss.ts';
import {
  drawFilter,
  filterFrequencies,
  freqMixStyle,
  maskFrequencies,
  silentValue,
  withResponse,
} from '../scene-augment.ts';
import type { Trainable } from '../step.ts';
import { frontLoss, layerLosses } from './distil-losses.ts';
import {
  type Course,
  SOURCE_PREFIX,
  type StudentPhase,
  stageEnds,
  stepKind,
  studentLayers,
  studentRecipe,
} from './distil-student.ts';
import type { DistilTeacher } from './distil-teacher.ts';
import { accuracyOf, type CropClasses, sharesOf } from './tune.ts';
import type { Recipe } from './types.ts';

/** A student of log-mel pictures. */
export type SceneStudent = StudentConfig & { frontEnd: MelFrontEnd };

export type DistilAugmentation = {
  /** Sounds and labels mixed, shares from Beta(A, A); the teacher hears the mixture too. */
  mixup?: number;
  /** Probability that a batch has its frequency styles mixed. */
  freqMixStyle?: number;
  /** Widest mask as a share of the mels. */
  maskFrequencies?: number;
  /** Largest gain, in dB up and down, of random filters over the mels, for the student alone. */
  filter?: number;
  /** Devices that a share of the crops is heard through, by the student alone; `suits`: those crops alone. */
  responses?: { recorded: readonly Response[]; share: number; suits?(crop: LabelledCrop): boolean };
};

export type DistilOptions = Course & {
  /** Of front-end alignment, layered distillation and labels; what has the weight 0 is left out. */
  weights: { front: number; layers: number; labels: number };
  temperature: TemperatureSchedule;
  /** Steps of an epoch, by which the temperature falls. */
  epochSteps: number;
  augmentation: DistilAugmentation;
};

/** AdamW as in DCASE 2024's baseline; weights of the losses are ours. Steps for one machine. */
export const distilDefaults: DistilOptions = {
  steps: 4000,
  batch: 64,
  learningRate: 5e-3,
  warmUpSteps: 400,
  weightDecay: 1e-4,
  clipNorm: 5,
  weights: { front: 0.5, layers: 0.5, labels: 1 },
  temperature: {},
  epochSteps: 100,
  augmentation: {},
};

/** How long a window of the student is, and at which rates a crop of it is cut and heard by the teacher. */
export type CropPlan = {
  seconds: number;
  sampleRate: number;
  samples: number;
  teacherRate: number;
  teacherSamples: number;
};

/**
 * Crops of one window of the student, at the higher of both rates.
 * @throws InputError where a window is too short for the teacher
 */
export function cropPlan({ frontEnd }: SceneStudent, teacher: DistilTeacher | undefined): CropPlan {
  const seconds = windowSamples(frontEnd) / frontEnd.sampleRate;
  const sampleRate = Math.max(frontEnd.sampleRate, teacher?.sampleRate ?? 0);
  const teacherRate = teacher?.sampleRate ?? sampleRate;
  const plan = {
    ...{ seconds, sampleRate, samples: Math.round(seconds * sampleRate) },
    ...{ teacherRate, teacherSamples: Math.round(seconds * teacherRate) },
  };
  const least = teacher?.leastSamples(teacherRate) ?? 0;
  if (plan.teacherSamples >= least) return plan;
  throw new InputError(
    `distill: expected windows of at least ${least / teacherRate} s for ${teacher?.id}, got ${seconds} s; take a student with longer ones`,
  );
}

/** Samples at another rate, exactly so many. */
function brought(samples: Float32Array, from: number, to: number, count: number): Float32Array {
  const heard = from === to ? samples : resample(samples, from, to);
  if (heard.length === count) return heard;
  const exact = new Float32Array(count);
  exact.set(heard.subarray(0, count));
  return exact;
}

/** What both hear of a batch, and its labels. */
type Heard = { student: Float32Array[]; teacher: Float32Array[]; shares: readonly Float32Array[] };

function heardOf(
  crops: readonly LabelledCrop[],
  shares: readonly Float32Array[],
  { mixup: alpha = 0, responses }: DistilAugmentation,
  random: Random,
): Heard {
  const clean = crops.map(({ samples }) => samples);
  const devices = crops.map((crop, i) => {
    const own = random.fork(`device ${i}`);
    if (!responses || !(own.uniform() < responses.share) || responses.suits?.(crop) === false) return crop.samples;
    return withResponse(crop.samples, crop.sampleRate, own.pick(responses.recorded));
  });
  if (alpha === 0) return { student: devices, teacher: clean, shares };
  const mixed = (batch: readonly Float32Array[]) => {
    const features = batch.map((values) => ({ values, frames: values.length, bins: 1 }));
    return mixup(features, shares, { alpha }, random.fork('mixup'));
  };
  const [ofStudent, ofTeacher] = [mixed(devices), mixed(clean)];
  const valuesOf = ({ features }: typeof ofStudent) => features.map(({ values }) => values);
  return { student: valuesOf(ofStudent), teacher: valuesOf(ofTeacher), shares: ofStudent.labels };
}

/** Pictures of a batch, augmented: [N, 1, mels, frames] one after another. */
function picturesOf(
  sounds: readonly Float32Array[],
  sampleRate: number,
  student: SceneStudent,
  { freqMixStyle: probability = 0, maskFrequencies: most = 0, filter = 0 }: DistilAugmentation,
  random: Random,
): Float32Array {
  const [channels, rows, columns] = studentInput(student);
  const shape = { channels, rows, columns };
  const size = channels * rows * columns;
  const plain = sounds.map((samples) => studentPictures(samples, sampleRate, student).values.subarray(0, size));
  const coloured = plain.map((one, i) => {
    const gains = filter > 0 ? drawFilter(rows, filter, random.fork(`filter ${i}`)) : undefined;
    return gains ? filterFrequencies(one, shape, gains, student.frontEnd) : one;
  });
  const styled = probability > 0 ? freqMixStyle(coloured, shape, { probability }, random.fork('styles')) : coloured;
  const silent = silentValue(student.frontEnd);
  const masked =
    most > 0 ? styled.map((one, i) => maskFrequencies(one, shape, most, silent, random.fork(`mask ${i}`))) : styled;
  return concatenate(Float32Array, masked);
}

/**
 * The recipe of a classifier.
 * @param teacher undefined: labels alone
 * @param phase the float network, or its training for 8 bits
 * @throws InputError for fewer than two classes, another number than the student's outputs, and windows too short for the
 * teacher
 */
export function distilRecipe(
  student: SceneStudent,
  teacher: DistilTeacher | undefined,
  classes: CropClasses,
  options: DistilOptions,
  phase: StudentPhase = { kind: 'float' },
): Recipe<LabelledCrop> {
  const { batch, weights, augmentation, epochSteps } = options;
  if (classes.count < 2 || classes.count !== student.outputs) {
    throw new InputError(
      `distill: expected at least 2 classes, as many as the student has outputs (${student.outputs}), got ${classes.count}; give recordings of several labels`,
    );
  }
  const plan = studentPlan(student);
  const crop = cropPlan(student, teacher);
  const taught = weights.front > 0 || weights.layers > 0 ? teacher : undefined;
  const layered = taught !== undefined && weights.layers > 0;
  const before = phase.kind === 'quantised' ? phase.stepsBefore : 0;

  const graph = (kind: ReturnType<typeof stepKind>, graphOptions: GraphOptions = {}): Trainable => {
    const scope = createScope();
    const buffers = new Map<string, Tensor>();
    const layers = studentLayers(scope, plan, input('pictures', [batch, ...studentInput(student)]), kind, buffers);
    const output = layers[layers.length - 1];
    const shares = input('labels', [batch, classes.count]);
    const watched: Record<string, Tensor> = {
      accuracy: accuracyOf(output, shares),
      classLoss: crossEntropy(output, shares),
    };
    let loss = mul(watched.classLoss, weights.labels);
    if (taught) {
      const shape = { count: batch, samples: crop.teacherSamples, sampleRate: crop.teacherRate };
      const states = taught.graph(within(scope, SOURCE_PREFIX), shape, graphOptions);
      if (weights.front > 0) {
        watched.frontLoss = frontLoss(scope, layers[plan.stem], states);
        loss = add(loss, mul(watched.frontLoss, weights.front));
      }
      if (layered) {
        const stages = stageEnds(plan).map((end) => layers[end]);
        Object.assign(watched, layerLosses(scope, stages, output, states, shares, input('temperature', [])));
        loss = add(add(loss, mul(watched.layerLoss, weights.layers)), watched.headLoss);
      }
    }
    return { loss, watched, buffers };
  };

  return {
    ...studentRecipe(plan, options, phase, taught?.weights ?? new Map()),
    plan: (_random, step = 1) => ({
      key: stepKind(phase, step),
      graph: (graphOptions) => graph(stepKind(phase, step), graphOptions),
      feeds: (crops, random) => {
        const heard = heardOf(crops, sharesOf(crops, classes), augmentation, random);
        const { sampleRate } = crops[0];
        const pictures = picturesOf(heard.student, sampleRate, student, augmentation, random);
        const temperature = annealedTemperature((before + step - 1) / epochSteps, options.temperature);
        const teacherCrops = heard.teacher.map((samples) =>
          brought(samples, sampleRate, crop.teacherRate, crop.teacherSamples),
        );
        return {
          pictures: float32(pictures, [batch, ...studentInput(student)]),
          labels: float32(concatenate(Float32Array, heard.shares), [batch, classes.count]),
          ...(layered && { temperature: float32(Float32Array.of(temperature), []) }),
          ...taught?.feeds(teacherCrops, crop.teacherRate),
        };
      },
    }),
  };
}

// Distillation of an embedding: a small network learns what an ECHO says of sub-bands of any signal. No labels are needed.
import type { GraphOptions } from '../../encoders/band-transformer.ts';
import { type EchoConfig, echoBandPosition, echoGraph, echoInput } from '../../encoders/echo.ts';
import { bandWidth } from '../../encoders/echo-pool.ts';
import { type BandFrontEnd, type StudentConfig, studentInput, studentPlan } from '../../encoders/student-config.ts';
import { within } from '../../encoders/tuned.ts';
import { add, div, mul, sub } from '../../graph/elementwise.ts';
import { matmul } from '../../graph/matmul.ts';
import { toOnnx } from '../../graph/onnx.ts';
import { loadProgram } from '../../graph/program.ts';
import { reduceMean } from '../../graph/reduce.ts';
import { swapLastAxes } from '../../graph/reshape.ts';
import { type Feeds, float32 } from '../../graph/runtime.ts';
import { toFloat32 } from '../../graph/stored-tensor.ts';
import { input, type Tensor } from '../../graph/tensor.ts';
import { createScope } from '../../nn/parameters.ts';
import { sineCosinePositions } from '../../nn/positions.ts';
import { InputError } from '../../signal/errors.ts';
import type { Random } from '../../signal/simulate/random.ts';
import type { Clip } from '../data/types.ts';
import { frontAlignment, unitVectors } from '../distillation-loss.ts';
import type { Trainable } from '../step.ts';
import type { TuneBase } from '../tuned-plan.ts';
import {
  type Course,
  SOURCE_PREFIX,
  type StudentPhase,
  stepKind,
  studentLayers,
  studentRecipe,
} from './distil-student.ts';
import type { Recipe } from './types.ts';

/** A student of sub-bands. */
export type BandStudent = StudentConfig & { frontEnd: BandFrontEnd };

/** An ECHO that hears no levels. */
export type BandTeacher = { id: string; config: EchoConfig; weights: ReadonlyMap<string, Float32Array> };

export type BandDistilOptions = Course & {
  /** Bands drawn from every clip. */
  bandsPerClip: number;
  /**
   * Beside 1 - cosine: of the squared differences between the cosines of all pairs of bands, at student and teacher, and of
   * the squared differences between both embeddings, in units of the variance of the teacher's.
   */
  weights: { relation: number; squared: number };
};

/** Ours. Steps for one machine. */
export const bandDistilDefaults: BandDistilOptions = {
  steps: 20_000,
  batch: 32,
  learningRate: 2e-3,
  warmUpSteps: 1000,
  weightDecay: 1e-4,
  clipNorm: 5,
  bandsPerClip: 4,
  weights: { relation: 1, squared: 0.1 },
};

/**
 * The teacher out of weights.
 * @throws InputError for another family, and for an ECHO that hears the level of a recording, which a student does not
 */
export function bandTeacher({ id, architecture, weights }: TuneBase): BandTeacher {
  const config = architecture.config as EchoConfig;
  if (architecture.family !== 'echo' || config.level !== 'removed') {
    const found = architecture.family === 'echo' ? 'one that hears it' : `one of family ${architecture.family}`;
    throw new InputError(
      `distill: expected an ECHO that does not hear the level of a recording as teacher of embeddings, got ${found} (${id}); take thrum-ear`,
    );
  }
  return { id, config, weights: new Map(Array.from(weights, ([name, tensor]) => [name, toFloat32(tensor)])) };
}

/** One band of a clip: values [bandBins, frames] without the clip's level, zeros below a short one; and where it lies. */
export type DrawnBand = { values: Float32Array; position: number };

/**
 * Bands anywhere in a clip, not only where the encoders cut them, all over the same frames.
 * @throws InputError for clips of fewer frames
 */
export function drawBands(
  clip: Clip,
  { bandBins, frames }: Pick<BandFrontEnd, 'bandBins' | 'frames'>,
  count: number,
  random: Random,
): DrawnBand[] {
  const { spectrogram } = echoInput(clip.samples, clip.sampleRate, { level: 'removed' });
  const { values: spectrum, bins, nFft } = spectrogram;
  if (spectrogram.frames < frames) {
    throw new InputError(
      `distill: expected clips of at least ${frames} frames, got ${spectrogram.frames} (${clip.source}); use longer clips`,
    );
  }
  const from = random.integer(0, spectrogram.frames - frames);
  return Array.from({ length: count }, () => {
    const start = Math.floor(random.uniform() * Math.max(0, bins - bandBins));
    const end = Math.min(bins, start + bandBins);
    const values = new Float32Array(bandBins * frames);
    let row = (bandBins - (end - start)) * frames;
    for (let bin = start; bin < end; bin++, row += frames) {
      for (let t = 0; t < frames; t++) values[row + t] = spectrum[(from + t) * bins + bin];
    }
    return { values, position: Math.fround((start + end - 1) / nFft) };
  });
}

/** Pictures of bands as `studentPictures` has them: [bands, 3, bandBins, frames]. */
export function bandPicturesOf(bands: readonly DrawnBand[], { mean, deviation }: BandFrontEnd): Float32Array {
  const plane = bands[0].values.length;
  const pictures = new Float32Array(bands.length * 3 * plane);
  for (const [b, { values, position }] of bands.entries()) {
    const at = b * 3 * plane;
    for (let i = 0; i < plane; i++) pictures[at + i] = (values[i] - mean) / deviation;
    pictures.fill(2 * Math.sin(Math.PI * position), at + plane, at + 2 * plane);
    pictures.fill(2 * Math.cos(Math.PI * position), at + 2 * plane, at + 3 * plane);
  }
  return pictures;
}

/** Patches of bands as ECHO cuts them: [bands, patches, bandBins * patchFrames]. */
function patchesOf(bands: readonly DrawnBand[], { bandBins, patchFrames }: EchoConfig, frames: number): Float32Array {
  const plane = bandBins * frames;
  const patches = new Float32Array(bands.length * plane);
  for (const [b, { values }] of bands.entries()) {
    for (let row = 0; row < bandBins; row++) {
      for (let t = 0; t < frames; t++) {
        const patch = Math.floor(t / patchFrames);
        patches[b * plane + (patch * bandBins + row) * patchFrames + (t % patchFrames)] = values[row * frames + t];
      }
    }
  }
  return patches;
}

const meanSquare = (x: Tensor): Tensor => reduceMean(mul(x, x));

/** Cosines between all rows of x [N, D], [N, N]. */
function cosines(x: Tensor): Tensor {
  const units = unitVectors(x);
  return matmul(units, swapLastAxes(units));
}

/**
 * Losses of embeddings [N, D] of the same bands at student and teacher, both without the teacher's mean over the batch: its
 * embeddings of all sounds have much in common, beside which what tells them apart is small. No gradient reaches the teacher.
 */
export function embeddingLosses(
  student: Tensor,
  teacher: Tensor,
): Record<'cosineLoss' | 'relationLoss' | 'squaredLoss', Tensor> {
  const common = reduceMean(teacher, [0], true);
  const [own, known] = [sub(student, common), sub(teacher, common)];
  return {
    cosineLoss: frontAlignment(own, known),
    relationLoss: meanSquare(sub(cosines(own), cosines(known))),
    squaredLoss: div(meanSquare(sub(own, known)), meanSquare(known)),
  };
}

/** What the teacher's graph reads for some bands. */
function teacherFeeds(bands: readonly DrawnBand[], config: EchoConfig, frames: number): Feeds {
  const { width, bandBins, patchFrames } = config;
  const patches = frames / patchFrames;
  const places = new Float32Array(bands.length * width);
  for (const [b, { position }] of bands.entries()) places.set(echoBandPosition(position, width), b * width);
  return {
    patches: float32(patchesOf(bands, config, frames), [bands.length, patches, bandBins * patchFrames]),
    positions: float32(sineCosinePositions(patches, width), [1, patches, width]),
    bandPositions: float32(places, [bands.length, 1, width]),
  };
}

/** Mean of the teacher's embeddings of some bands of `frames` frames, [D]: where the student's last bias begins. */
export async function commonEmbedding(
  { config, weights }: BandTeacher,
  frames: number,
  batches: AsyncIterable<readonly DrawnBand[]>,
): Promise<Float32Array> {
  const { cls } = echoGraph(createScope(), config);
  const program = await loadProgram(toOnnx({ outputs: { cls }, constants: weights }).bytes);
  const sum = new Float64Array(bandWidth(config));
  let count = 0;
  try {
    for await (const bands of batches) {
      const { data } = (await program.run(teacherFeeds(bands, config, frames))).cls as { data: Float32Array };
      for (const [i, value] of data.entries()) sum[i % sum.length] += value;
      count += bands.length;
    }
  } finally {
    await program.release();
  }
  return Float32Array.from(sum, (value) => value / count);
}

function checkFit({ frontEnd, outputs }: BandStudent, { id, config }: BandTeacher): void {
  const fits =
    frontEnd.bandBins === config.bandBins &&
    frontEnd.frames % config.patchFrames === 0 &&
    outputs === bandWidth(config);
  if (fits) return;
  throw new InputError(
    `distill: expected a student of bands of ${config.bandBins} bins, frames in multiples of ${config.patchFrames} and ${bandWidth(config)} outputs for ${id}, got ${frontEnd.bandBins} bins, ${frontEnd.frames} frames and ${outputs} outputs; fit the student to its teacher`,
  );
}

/**
 * The recipe of an embedding: batches of clips of any rate.
 * @param common as `commonEmbedding` finds it; without it the student has to find it, which takes long
 * @throws InputError where student and teacher do not fit
 */
export function bandDistilRecipe(
  student: BandStudent,
  teacher: BandTeacher,
  options: BandDistilOptions,
  phase: StudentPhase = { kind: 'float' },
  common?: Float32Array,
): Recipe<Clip> {
  checkFit(student, teacher);
  const { frontEnd } = student;
  const { config } = teacher;
  const plan = studentPlan(student);
  const sequences = options.batch * options.bandsPerClip;
  const patches = frontEnd.frames / config.patchFrames;
  const shared = studentRecipe(plan, options, phase, teacher.weights);
  const last = plan.layers[plan.layers.length - 1];
  const bias =
    common && phase.kind === 'float' && last.kind === 'dense' ? [[`${last.name}.bias`, common] as const] : [];

  const graph = (kind: ReturnType<typeof stepKind>, graphOptions: GraphOptions = {}): Trainable => {
    const scope = createScope();
    const buffers = new Map<string, Tensor>();
    const layers = studentLayers(scope, plan, input('pictures', [sequences, ...studentInput(student)]), kind, buffers);
    const known = echoGraph(within(scope, SOURCE_PREFIX), config, graphOptions, { sequences, patches });
    const watched = embeddingLosses(layers[layers.length - 1], known.cls);
    const { relation, squared } = options.weights;
    const others = add(mul(watched.relationLoss, relation), mul(watched.squaredLoss, squared));
    return { loss: add(watched.cosineLoss, others), watched, buffers };
  };

  return {
    ...shared,
    initial: (shapes, seed) => new Map([...(shared.initial?.(shapes, seed) ?? []), ...bias]),
    plan: (_random, step = 1) => ({
      key: stepKind(phase, step),
      graph: (graphOptions) => graph(stepKind(phase, step), graphOptions),
      feeds: (clips, random) => {
        const bands = clips.flatMap((clip) => drawBands(clip, frontEnd, options.bandsPerClip, random));
        return {
          pictures: float32(bandPicturesOf(bands, frontEnd), [sequences, ...studentInput(student)]),
          ...teacherFeeds(bands, config, frontEnd.frames),
        };
      },
    }),
  };
}

// The graph that the recipes share: self-distillation of an encoder, its parameters fresh, with what is worth watching.
import { add, mul } from '../../graph/elementwise.ts';
import { createScope } from '../../nn/parameters.ts';
import { type ContrastOptions, contrastLoss } from '../contrast.ts';
import { cosineSchedule, linearSchedule } from '../schedules.ts';
import {
  type BatchShape,
  type DistilledEncoder,
  distillationGraph,
  type TargetNorm,
  teacherScope,
} from '../self-distillation.ts';
import type { Trainable, UpdateScalars } from '../step.ts';

/** A batch, and what its clips have to do with each other. */
export type BatchOptions = {
  batch: number;
  /** Parts of it that are worked on by themselves; absent: as `partsOf` says. */
  parts?: number;
  targetNorm: TargetNorm;
  contrast?: ContrastOptions;
};

export type DistillationOptions = {
  decoderLayers: number;
  utteranceWeight: number;
  targetNorm: TargetNorm;
  /** The contrastive objective beside it. */
  contrast?: ContrastOptions;
};

/** Fewest clips of a part: with fewer, matrix products slow down. */
const PART = 4;

/**
 * In how many parts a batch is worked on: two, where its clips do not meet each other in the objective. Each part has half
 * of the threads, and the thread that makes the inputs need not wait for either.
 */
export function partsOf({ batch, parts, targetNorm, contrast }: BatchOptions): number {
  if (parts !== undefined) return parts;
  return !contrast && targetNorm === 'sequence' && batch % 2 === 0 && batch >= 2 * PART ? 2 : 1;
}

export type EatSchedule = {
  steps: number;
  learningRate: number;
  warmUpSteps: number;
  weightDecay: number;
  clipNorm: number;
  decay: readonly [number, number];
};

/** Numbers of a step as EAT and FISHER have them: cosine to 0, the teacher's decay linear over the run. */
export const eatScalars =
  ({ steps, learningRate, warmUpSteps, weightDecay, clipNorm, decay: [from, to] }: EatSchedule) =>
  (step: number): UpdateScalars => ({
    learningRate: cosineSchedule({ peak: learningRate, floor: 0, warmUpSteps, steps }, step),
    weightDecay,
    clipNorm,
    decay: linearSchedule({ from, to, steps }, step),
  });

/** EAT's decoder; it is thrown away after pre-training. */
const DECODER = { kernel: 3, groups: 16, prefix: 'decoder' };

/** Both losses are means over what they sum (`balanced`), so that a weight means the same for every batch. */
export function distillation(
  encoder: DistilledEncoder,
  shape: BatchShape,
  { decoderLayers, utteranceWeight, targetNorm, contrast }: DistillationOptions,
): Trainable {
  const [student, teacher] = [createScope(), teacherScope()];
  const { loss, inner, ...watched } = distillationGraph(
    encoder,
    student,
    teacher,
    shape,
    { ...DECODER, layers: decoderLayers },
    { utterance: utteranceWeight, weighting: 'balanced', targetNorm },
  );
  if (!contrast) return { loss, watched };
  const views = { seen: inner.studentMean, known: inner.teacherMean, width: encoder.width };
  const contrasted = contrastLoss(student, teacher, views, shape, contrast);
  return { loss: add(loss, mul(contrasted, contrast.weight)), watched: { ...watched, contrastLoss: contrasted } };
}

// The student in the graph of a distillation step, in floats or rounded to the grid of its 8 bits, and the course of its
// training.

import type { Tensor } from '../../graph/tensor.ts';
import { isRunningAverage } from '../../nn/batch-norm.ts';
import { fakeQuantGrid, isRange, rangeName } from '../../nn/fake-quant.ts';
import { foldNorms, layerOutputs } from '../../nn/layer-graph.ts';
import { type LayerPlan, layerShapes } from '../../nn/layer-plan.ts';
import type { ParameterScope } from '../../nn/parameters.ts';
import { cosineSchedule } from '../schedules.ts';
import type { Recipe } from './types.ts';

/** Parameters of the teacher stand under this, and never move. */
export const SOURCE_PREFIX = 'source.';

/**
 * `float`: batch normalisation as a layer. `quantised`: quantisation-aware training, normalisation folded into the weights
 * once before its first step; ranges follow the batches for `observeSteps` steps and stay from then on.
 */
export type StudentPhase =
  | { kind: 'float' }
  | {
      kind: 'quantised';
      /** Folded weights, ranges, and the parameters of training alone: `quantisedStart`. */
      values: ReadonlyMap<string, Float32Array>;
      observeSteps: number;
      /** Steps of the phase before, for what goes by epochs. */
      stepsBefore: number;
    };

/** Numbers of every kind of distillation. */
export type Course = {
  steps: number;
  /** Clips per step. */
  batch: number;
  /** Peak; the cosine ends at 0. */
  learningRate: number;
  warmUpSteps: number;
  /** Not of biases and norms. */
  weightDecay: number;
  clipNorm: number;
};

/** What a step does with the student: steps of one kind share a graph. */
export const stepKind = (phase: StudentPhase, step: number): 'float' | 'observe' | 'settled' => {
  if (phase.kind === 'float') return 'float';
  return step <= phase.observeSteps ? 'observe' : 'settled';
};

/** Outputs of all layers for pictures x, as a step of this kind has them. What the step moves goes into `buffers`. */
export function studentLayers(
  scope: ParameterScope,
  plan: LayerPlan,
  x: Tensor,
  kind: ReturnType<typeof stepKind>,
  buffers: Map<string, Tensor>,
): Tensor[] {
  if (kind === 'float') return layerOutputs(scope, plan, x, { norm: { training: true, buffers } });
  const grid = fakeQuantGrid(scope, plan, { observe: kind === 'observe', buffers });
  return layerOutputs(scope, plan, x, { folded: true, grid });
}

const MOST_STAGES = 4;

/** Ends of the blocks at which resolution or width changes, and the last one: of more than four the last four. */
export function stageEnds(plan: LayerPlan): number[] {
  const shapes = layerShapes(plan);
  const { blocks } = plan;
  const ends = blocks.filter(
    (end, i) => i === blocks.length - 1 || String(shapes[end]) !== String(shapes[blocks[i + 1]]),
  );
  return ends.slice(-MOST_STAGES);
}

/** Ranges of the layers' outputs as parameters. */
export const rangeValues = (ranges: readonly (readonly [number, number])[]): Map<string, Float32Array> =>
  new Map(ranges.map((range, layer) => [rangeName(layer), Float32Array.from(range)]));

/**
 * Where quantisation-aware training begins: normalisation folded, ranges as calibrated, and all that is not the student's
 * (heads, maps) as it is.
 * @param trained parameters of the float phase
 */
export function quantisedStart(
  plan: LayerPlan,
  trained: ReadonlyMap<string, Float32Array>,
  ranges: readonly (readonly [number, number])[],
): Map<string, Float32Array> {
  const others = [...trained].filter(([name]) => isTrainingOnly(name));
  return new Map([...others, ...foldNorms(plan, trained), ...rangeValues(ranges)]);
}

/** Prefixes of what training needs beside student and teacher. */
export const ALIGN = 'align';
export const HEADS = 'heads';
export const ROUTE = 'route';
const isTrainingOnly = (name: string): boolean => [ALIGN, HEADS, ROUTE].some((part) => name.startsWith(`${part}.`));

/** What is not decayed: biases, and gains of norms. */
function undecayed(plan: LayerPlan): (name: string) => boolean {
  const gains = new Set(
    plan.layers.flatMap((layer) => (layer.kind === 'conv' && layer.norm ? [`${layer.norm}.weight`] : [])),
  );
  return (name) => gains.has(name) || /\.(bias|gamma|beta)$|norm\.weight$/.test(name);
}

/** All of a recipe but its clips: where parameters begin, which move, and how fast. */
export function studentRecipe(
  plan: LayerPlan,
  course: Course,
  phase: StudentPhase,
  source: ReadonlyMap<string, Float32Array>,
): Omit<Recipe<never>, 'plan'> {
  const { learningRate: peak, warmUpSteps, steps, weightDecay, clipNorm } = course;
  const fixed = undecayed(plan);
  return {
    batch: course.batch,
    adamW: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    tokenDeviation: 1,
    matrices: 'glorot',
    initial: () =>
      new Map([
        ...Array.from(source, ([name, values]) => [`${SOURCE_PREFIX}${name}`, values] as const),
        ...(phase.kind === 'quantised' ? phase.values : []),
      ]),
    parameters: {
      frozen: (name) => name.startsWith(SOURCE_PREFIX) || isRunningAverage(name) || isRange(name),
      decays: (name) => !fixed(name),
    },
    scalars: (step) => ({
      learningRate: cosineSchedule({ peak, floor: 0, warmUpSteps, steps }, step),
      weightDecay,
      clipNorm,
      decay: 0,
    }),
  };
}

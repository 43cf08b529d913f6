// A training step as compiled programs: one for the loss and its gradients, one for the update of everything that is kept.
import { mul } from '../graph/elementwise.ts';
import { gradients, topologicalOrder } from '../graph/gradients.ts';
import { toOnnx } from '../graph/onnx.ts';
import { loadProgram } from '../graph/program.ts';
import { type Feeds, float32, type Program, type RuntimeOptions, type Value } from '../graph/runtime.ts';
import { input, parameter, type Tensor } from '../graph/tensor.ts';
import { parametersOf } from '../nn/parameters.ts';
import { type AdamWConfig, adamW, clipFactor, globalNorm, movingAverage } from './optimiser.ts';
import { TEACHER_PREFIX } from './self-distillation.ts';

/** A graph to train: a scalar loss, and scalars worth watching. */
export type Trainable = { loss: Tensor; watched: Readonly<Record<string, Tensor>> };

/** Everything that a step changes. Names are those of the checkpoint's parameters. */
export type TrainingState = {
  /** Steps done. */
  step: number;
  parameters: Map<string, Float32Array>;
  /** Running averages of `parameters`, of those that the teacher has. */
  teacher: Map<string, Float32Array>;
  first: Map<string, Float32Array>;
  second: Map<string, Float32Array>;
};

/** Numbers of one update. */
export type UpdateScalars = {
  learningRate: number;
  weightDecay: number;
  /** Limit of the global gradient norm. */
  clipNorm: number;
  /** Of the teacher. */
  decay: number;
};

export type StepResult = { watched: Record<string, number>; gradientNorm: number };

export type TrainingStep = {
  /** Shapes of the student's parameters, decoder included, and names of the teacher's. */
  shapes: ReadonlyMap<string, readonly number[]>;
  teacherNames: readonly string[];
  /** Loss and gradients of one batch; the state is not changed. */
  gradients(state: TrainingState, batch: Feeds): Promise<{ watched: Record<string, number>; gradients: Gradients }>;
  /** Applies gradients: clipping, AdamW, teacher. The state is changed in place. Returns the norm before clipping. */
  update(state: TrainingState, gradients: Gradients, scalars: UpdateScalars): Promise<number>;
  release(): Promise<void>;
};

export type Gradients = Map<string, Float32Array>;

const scalarNames = ['learningRate', 'weightDecay', 'clipNorm', 'decay', 'correction1', 'correction2'] as const;

/** The update as a graph: inputs are parameters, moments, gradients, teacher and scalars; outputs their next values. */
function updateOutputs(
  shapes: ReadonlyMap<string, readonly number[]>,
  teacherNames: readonly string[],
  config: AdamWConfig,
): Record<string, Tensor> {
  const scalars = Object.fromEntries(scalarNames.map((name) => [name, input(name, [])]));
  const names = [...shapes.keys()];
  const named = (prefix: string) =>
    new Map(names.map((name) => [name, input(`${prefix}${name}`, shapes.get(name) as readonly number[])]));
  const [raw, first, second] = [named('gradient.'), named('first.'), named('second.')];
  const norm = globalNorm([...raw.values()]);
  const factor = clipFactor(norm, scalars.clipNorm);
  const outputs: Record<string, Tensor> = { gradientNorm: norm };
  for (const name of names) {
    const state = {
      parameter: parameter(name, shapes.get(name) as readonly number[]),
      first: first.get(name) as Tensor,
      second: second.get(name) as Tensor,
    };
    const next = adamW(state, mul(raw.get(name) as Tensor, factor), config, {
      learningRate: scalars.learningRate,
      weightDecay: scalars.weightDecay,
      correction1: scalars.correction1,
      correction2: scalars.correction2,
    });
    outputs[`next.${name}`] = next.parameter;
    outputs[`next.first.${name}`] = next.first;
    outputs[`next.second.${name}`] = next.second;
    if (teacherNames.includes(name)) {
      const average = parameter(`${TEACHER_PREFIX}${name}`, shapes.get(name) as readonly number[]);
      outputs[`next.${TEACHER_PREFIX}${name}`] = movingAverage(average, next.parameter, scalars.decay);
    }
  }
  return outputs;
}

const feedsOf = (
  values: ReadonlyMap<string, Float32Array>,
  shapes: ReadonlyMap<string, readonly number[]>,
  prefix = '',
): Record<string, Value> =>
  Object.fromEntries(
    Array.from(values, ([name, data]) => [`${prefix}${name}`, float32(data, shapes.get(name) as readonly number[])]),
  );

const scalarOf = (value: Value): number => Number((value.data as Float32Array)[0]);

/** Compiles the programs of a step. Parameters named `teacher.…` belong to the teacher, all others are trained. */
export async function compileStep(
  graph: Trainable,
  config: AdamWConfig,
  runtime: RuntimeOptions = {},
): Promise<TrainingStep> {
  const all = parametersOf([graph.loss, ...Object.values(graph.watched)]);
  const shapes = new Map([...all].filter(([name]) => !name.startsWith(TEACHER_PREFIX)));
  const teacherNames = [...all.keys()]
    .filter((name) => name.startsWith(TEACHER_PREFIX))
    .map((name) => name.slice(TEACHER_PREFIX.length));
  const parameters = parameterTensors([graph.loss], shapes);
  const found = gradients(graph.loss, [...parameters.values()]);
  const gradientOutputs = Object.fromEntries([...parameters.keys()].map((name, i) => [`gradient.${name}`, found[i]]));
  const load = (outputs: Record<string, Tensor>): Promise<Program> => loadProgram(toOnnx({ outputs }).bytes, runtime);
  const gradientProgram = await load({ loss: graph.loss, ...graph.watched, ...gradientOutputs });
  const updateProgram = await load(updateOutputs(shapes, teacherNames, config));

  return {
    shapes,
    teacherNames,
    async gradients(state, batch) {
      const results = await gradientProgram.run({
        ...batch,
        ...feedsOf(state.parameters, shapes),
        ...feedsOf(state.teacher, shapes, TEACHER_PREFIX),
      });
      const watched = Object.fromEntries(
        ['loss', ...Object.keys(graph.watched)].map((name) => [name, scalarOf(results[name])]),
      );
      const own: Gradients = new Map();
      for (const name of shapes.keys()) own.set(name, results[`gradient.${name}`].data as Float32Array);
      return { watched, gradients: own };
    },
    async update(state, own, scalars) {
      const t = state.step + 1;
      const numbers = {
        ...scalars,
        correction1: 1 - config.beta1 ** t,
        correction2: 1 - config.beta2 ** t,
      };
      const results = await updateProgram.run({
        ...feedsOf(state.parameters, shapes),
        ...feedsOf(state.teacher, shapes, TEACHER_PREFIX),
        ...feedsOf(state.first, shapes, 'first.'),
        ...feedsOf(state.second, shapes, 'second.'),
        ...feedsOf(own, shapes, 'gradient.'),
        ...Object.fromEntries(scalarNames.map((name) => [name, float32(Float32Array.of(numbers[name]), [])])),
      });
      const next = (name: string): Float32Array => results[`next.${name}`].data as Float32Array;
      for (const name of shapes.keys()) {
        state.parameters.set(name, next(name));
        state.first.set(name, next(`first.${name}`));
        state.second.set(name, next(`second.${name}`));
      }
      for (const name of teacherNames) state.teacher.set(name, next(`${TEACHER_PREFIX}${name}`));
      state.step = t;
      return scalarOf(results.gradientNorm);
    },
    async release() {
      await Promise.all([gradientProgram.release(), updateProgram.release()]);
    },
  };
}

/** The tensors of the parameters, by name. */
function parameterTensors(
  outputs: readonly Tensor[],
  shapes: ReadonlyMap<string, readonly number[]>,
): Map<string, Tensor> {
  const found = new Map<string, Tensor>();
  for (const node of topologicalOrder(outputs)) {
    if (node.op === 'Parameter' && shapes.has(node.name as string)) found.set(node.name as string, node.outputs[0]);
  }
  return found;
}

/** A state before the first step: teacher equal to the student, moments zero. */
export function initialState(
  step: Pick<TrainingStep, 'shapes' | 'teacherNames'>,
  parameters: ReadonlyMap<string, Float32Array>,
): TrainingState {
  const copies = (names: Iterable<string>) =>
    new Map(Array.from(names, (name) => [name, (parameters.get(name) as Float32Array).slice()]));
  const zeros = () =>
    new Map(Array.from(step.shapes.keys(), (name) => [name, new Float32Array(parameters.get(name)?.length ?? 0)]));
  return {
    step: 0,
    parameters: copies(step.shapes.keys()),
    teacher: copies(step.teacherNames),
    first: zeros(),
    second: zeros(),
  };
}

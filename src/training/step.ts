// A training step as compiled programs: one for the loss and its gradients, one for the update of everything that is kept.
import { mul } from '../graph/elementwise.ts';
import { gradients, topologicalOrder } from '../graph/gradients.ts';
import { toOnnx } from '../graph/onnx.ts';
import { loadProgram } from '../graph/program.ts';
import { type Feeds, float32, type Program, type RuntimeOptions, type Value } from '../graph/runtime.ts';
import { constant, input, parameter, type Tensor } from '../graph/tensor.ts';
import { parametersOf } from '../nn/parameters.ts';
import { type AdamWConfig, adamW, clipFactor, globalNorm, movingAverage } from './optimiser.ts';
import { TEACHER_PREFIX } from './self-distillation.ts';

/** A graph to train: a scalar loss, and scalars worth watching. */
export type Trainable = {
  loss: Tensor;
  watched: Readonly<Record<string, Tensor>>;
  /** Next values of parameters that no gradient changes: running statistics, by name. */
  buffers?: ReadonlyMap<string, Tensor>;
};

/** Which parameters a step changes, and how fast. */
export type StepOptions = {
  /** Whether a parameter stays as it is; none do by default. */
  frozen?(name: string): boolean;
  /** Factor on the learning rate of a parameter; 1 by default. */
  rate?(name: string): number;
  /** Whether weight decay applies to a parameter; to all by default. */
  decays?(name: string): boolean;
};

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

/** What one batch says: nothing is changed by it yet. */
export type BatchResult = {
  watched: Record<string, number>;
  gradients: Gradients;
  /** Values of the buffers after this batch. */
  buffers: ReadonlyMap<string, Float32Array>;
};

/** What a state holds. */
export type StateNames = {
  /** Shapes of all parameters but the teacher's: decoder, frozen ones and buffers included. */
  shapes: ReadonlyMap<string, readonly number[]>;
  /** Those of them that gradients change. */
  trainedNames: readonly string[];
  teacherNames: readonly string[];
};

export type TrainingStep = StateNames & {
  /** Loss and gradients of one batch; the state is not changed. */
  gradients(state: TrainingState, batch: Feeds): Promise<BatchResult>;
  /** Applies gradients: clipping, AdamW, teacher. The state is changed in place. Returns the norm before clipping. */
  update(state: TrainingState, gradients: Gradients, scalars: UpdateScalars): Promise<number>;
  release(): Promise<void>;
};

export type Gradients = Map<string, Float32Array>;

const scalarNames = ['learningRate', 'weightDecay', 'clipNorm', 'decay', 'correction1', 'correction2'] as const;

/** The update as a graph: inputs are parameters, moments, gradients, teacher and scalars; outputs their next values. */
function updateOutputs(
  { shapes, trainedNames: names, teacherNames }: StateNames,
  config: AdamWConfig,
  { rate, decays }: StepOptions,
): Record<string, Tensor> {
  const scalars = Object.fromEntries(scalarNames.map((name) => [name, input(name, [])]));
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
    const speed = rate?.(name) ?? 1;
    const next = adamW(state, mul(raw.get(name) as Tensor, factor), config, {
      learningRate: speed === 1 ? scalars.learningRate : mul(scalars.learningRate, speed),
      weightDecay: decays?.(name) === false ? constant([0], []) : scalars.weightDecay,
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

/**
 * Compiles the programs of a step. Parameters named `teacher.…` belong to the teacher; of the others, all that the loss
 * depends on are trained, unless they are frozen or a buffer.
 */
export async function compileStep(
  graph: Trainable,
  config: AdamWConfig,
  runtime: RuntimeOptions = {},
  options: StepOptions = {},
): Promise<TrainingStep> {
  const { loss, watched, buffers = new Map<string, Tensor>() } = graph;
  const all = parametersOf([loss, ...Object.values(watched), ...buffers.values()]);
  const shapes = new Map([...all].filter(([name]) => !name.startsWith(TEACHER_PREFIX)));
  const teacherNames = [...all.keys()]
    .filter((name) => name.startsWith(TEACHER_PREFIX))
    .map((name) => name.slice(TEACHER_PREFIX.length));
  const parameters = parameterTensors([loss], (name) => {
    return shapes.has(name) && !buffers.has(name) && !options.frozen?.(name);
  });
  const trainedNames = [...parameters.keys()];
  const found = gradients(loss, [...parameters.values()]);
  const gradientOutputs = Object.fromEntries(trainedNames.map((name, i) => [`gradient.${name}`, found[i]]));
  const bufferOutputs = Object.fromEntries(Array.from(buffers, ([name, tensor]) => [`buffer.${name}`, tensor]));
  const load = (outputs: Record<string, Tensor>): Promise<Program> => loadProgram(toOnnx({ outputs }).bytes, runtime);
  const gradientProgram = await load({ loss, ...watched, ...bufferOutputs, ...gradientOutputs });
  const names = { shapes, trainedNames, teacherNames };
  const updateProgram = await load(updateOutputs(names, config, options));
  const trained = (values: ReadonlyMap<string, Float32Array>) =>
    new Map(trainedNames.map((name) => [name, values.get(name) as Float32Array]));

  return {
    ...names,
    async gradients(state, batch) {
      const results = await gradientProgram.run({
        ...batch,
        ...feedsOf(state.parameters, shapes),
        ...feedsOf(state.teacher, shapes, TEACHER_PREFIX),
      });
      const values = (names: Iterable<string>, prefix: string) =>
        new Map(Array.from(names, (name) => [name, results[`${prefix}${name}`].data as Float32Array]));
      return {
        watched: Object.fromEntries(['loss', ...Object.keys(watched)].map((name) => [name, scalarOf(results[name])])),
        gradients: values(trainedNames, 'gradient.'),
        buffers: values(buffers.keys(), 'buffer.'),
      };
    },
    async update(state, own, scalars) {
      const t = state.step + 1;
      const numbers = {
        ...scalars,
        correction1: 1 - config.beta1 ** t,
        correction2: 1 - config.beta2 ** t,
      };
      const results = await updateProgram.run({
        ...feedsOf(trained(state.parameters), shapes),
        ...feedsOf(state.teacher, shapes, TEACHER_PREFIX),
        ...feedsOf(state.first, shapes, 'first.'),
        ...feedsOf(state.second, shapes, 'second.'),
        ...feedsOf(own, shapes, 'gradient.'),
        ...Object.fromEntries(scalarNames.map((name) => [name, float32(Float32Array.of(numbers[name]), [])])),
      });
      const next = (name: string): Float32Array => results[`next.${name}`].data as Float32Array;
      for (const name of trainedNames) {
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

/** The tensors of the wanted parameters, by name. */
function parameterTensors(outputs: readonly Tensor[], wanted: (name: string) => boolean): Map<string, Tensor> {
  const found = new Map<string, Tensor>();
  for (const node of topologicalOrder(outputs)) {
    if (node.op === 'Parameter' && wanted(node.name as string)) found.set(node.name as string, node.outputs[0]);
  }
  return found;
}

/** A state before the first step: teacher equal to the student, moments zero. */
export function initialState(step: StateNames, parameters: ReadonlyMap<string, Float32Array>): TrainingState {
  const copies = (names: Iterable<string>) =>
    new Map(Array.from(names, (name) => [name, (parameters.get(name) as Float32Array).slice()]));
  const zeros = () =>
    new Map(step.trainedNames.map((name) => [name, new Float32Array(parameters.get(name)?.length ?? 0)]));
  return {
    step: 0,
    parameters: copies(step.shapes.keys()),
    teacher: copies(step.teacherNames),
    first: zeros(),
    second: zeros(),
  };
}

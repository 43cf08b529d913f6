// A training step: loss and gradients as a compiled program, and the update of everything that is kept.
import { gradients, topologicalOrder } from '../graph/gradients.ts';
import { toOnnx } from '../graph/onnx.ts';
import { loadProgram } from '../graph/program.ts';
import { type Feeds, float32, type RuntimeOptions, type Value } from '../graph/runtime.ts';
import type { Tensor } from '../graph/tensor.ts';
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
  /** Factor on the gradients before anything else: 1 / n where they are the sum of those of n batches. 1 by default. */
  share?: number;
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
  update(state: TrainingState, gradients: Gradients, scalars: UpdateScalars): number;
  release(): Promise<void>;
};

export type Gradients = Map<string, Float32Array>;

/** What two batches say together: sums, in the place of the first's; buffers of the later one. */
export function addResult(total: BatchResult, next: BatchResult): BatchResult {
  for (const [name, values] of next.gradients) {
    const sum = total.gradients.get(name) as Float32Array;
    for (let i = 0; i < sum.length; i++) sum[i] += values[i];
  }
  const watched = Object.entries(total.watched).map(([name, value]) => [name, value + next.watched[name]]);
  return { watched: Object.fromEntries(watched), gradients: total.gradients, buffers: next.buffers };
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
  const { bytes } = toOnnx({ outputs: { loss, ...watched, ...bufferOutputs, ...gradientOutputs } });
  const program = await loadProgram(bytes, { ...runtime, fedWeights: true });
  return {
    ...{ shapes, trainedNames, teacherNames },
    async gradients(state, batch) {
      const results = await program.run({
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
    update(state, found, { learningRate, weightDecay, clipNorm, decay, share = 1 }) {
      const of = (values: ReadonlyMap<string, Float32Array>, name: string) => values.get(name) as Float32Array;
      state.step++;
      const norm = share * globalNorm(trainedNames.map((name) => of(found, name)));
      const scalars = { step: state.step, gradientFactor: share * clipFactor(norm, clipNorm) };
      const untrained = new Set(teacherNames);
      for (const name of trainedNames) {
        const [parameter, first, second] = [state.parameters, state.first, state.second].map((all) => of(all, name));
        const values = state.teacher.get(name);
        const average = values && { values, decay };
        untrained.delete(name);
        adamW({ parameter, first, second, ...(average && { average }) }, of(found, name), config, {
          ...scalars,
          learningRate: learningRate * (options.rate?.(name) ?? 1),
          weightDecay: options.decays?.(name) === false ? 0 : weightDecay,
        });
      }
      for (const name of untrained) movingAverage(of(state.teacher, name), of(state.parameters, name), decay);
      return norm;
    },
    release: () => program.release(),
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

/** The same state in memory that threads share without copies, where the platform has such memory. */
export function sharedState(state: TrainingState): TrainingState {
  if (typeof SharedArrayBuffer === 'undefined') return state;
  const shared = (values: ReadonlyMap<string, Float32Array>) =>
    new Map(
      Array.from(values, ([name, data]) => {
        const copy = new Float32Array(new SharedArrayBuffer(data.byteLength));
        copy.set(data);
        return [name, copy];
      }),
    );
  const { step, parameters, teacher, first, second } = state;
  return { step, parameters: shared(parameters), teacher: shared(teacher), first, second };
}

// A training step: loss and gradients as a compiled program, and the update of everything that is kept.
import { gradients, topologicalOrder } from '../graph/gradients.ts';
import { toOnnx } from '../graph/onnx.ts';
import { loadProgram } from '../graph/program.ts';
import { type Feeds, float32, type RuntimeOptions, type Value } from '../graph/runtime.ts';
import type { Tensor } from '../graph/tensor.ts';
import { parametersOf } from '../nn/parameters.ts';
import { type AdamWConfig, clipFactor, movingAverage } from './optimiser.ts';
import { TEACHER_PREFIX } from './self-distillation.ts';
import { startUpdateThreads } from './update-threads.node.ts';
import type { ParameterUpdate } from './update-work.ts';

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
  /**
   * Loss and gradients of one batch; the state is not changed. `into`: where the gradients go instead of into new arrays;
   * with several lanes it is shared memory.
   */
  gradients(state: TrainingState, batch: Feeds, into?: Gradients): Promise<BatchResult>;
  /**
   * Applies the sum of the gradients of several batches: clipping, AdamW, teacher. The state is changed in place, and the
   * first of the gradients becomes the sum. With several lanes all of them are shared memory. Returns the norm before
   * clipping.
   */
  update(state: TrainingState, gradients: readonly Gradients[], scalars: UpdateScalars): Promise<number>;
  release(): Promise<void>;
};

export type Gradients = Map<string, Float32Array>;

/** What two batches say together: sums, in the place of the first's; buffers of the later one. */
export function addResult(total: BatchResult, next: BatchResult): BatchResult {
  for (const [name, values] of next.gradients) {
    const sum = total.gradients.get(name) as Float32Array;
    for (let i = 0; i < sum.length; i++) sum[i] += values[i];
  }
  return {
    watched: addWatched(total.watched, next.watched),
    gradients: total.gradients,
    buffers: next.buffers,
  };
}

/** Sums by name. */
export const addWatched = (a: BatchResult['watched'], b: BatchResult['watched']): BatchResult['watched'] =>
  Object.fromEntries(Object.entries(a).map(([name, value]) => [name, value + b[name]]));

const feedsOf = (
  values: ReadonlyMap<string, Float32Array>,
  shapes: ReadonlyMap<string, readonly number[]>,
  prefix = '',
): Record<string, Value> =>
  Object.fromEntries(
    Array.from(values, ([name, data]) => [`${prefix}${name}`, float32(data, shapes.get(name) as readonly number[])]),
  );

const scalarOf = (value: Value): number => Number((value.data as Float32Array)[0]);

/** The model of a step, ONNX bytes: losses, gradients and buffers of one batch, from its inputs and all parameters. */
export function stepModel(graph: Trainable, options: StepOptions = {}): StateNames & { bytes: Uint8Array } {
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
  return { bytes, shapes, trainedNames, teacherNames };
}

/** What the model of a step is fed: a batch, and all parameters. */
export const stepFeeds = ({ shapes }: StateNames, state: TrainingState, batch: Feeds): Feeds => ({
  ...batch,
  ...feedsOf(state.parameters, shapes),
  ...feedsOf(state.teacher, shapes, TEACHER_PREFIX),
});

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
  const { watched, buffers = new Map<string, Tensor>() } = graph;
  const { bytes, ...names } = stepModel(graph, options);
  const { shapes, trainedNames, teacherNames } = names;
  const trained = new Set(trainedNames);
  const program = await loadProgram(bytes, { ...runtime, fedWeights: true });
  const threads = startUpdateThreads(runtime.lanes ?? 1, runtime.threads);
  return {
    ...names,
    async gradients(state, batch, into) {
      const results = await program.run(stepFeeds(names, state, batch), into && feedsOf(into, shapes, 'gradient.'));
      const values = (names: Iterable<string>, prefix: string) =>
        new Map(Array.from(names, (name) => [name, results[`${prefix}${name}`].data as Float32Array]));
      return {
        watched: Object.fromEntries(['loss', ...Object.keys(watched)].map((name) => [name, scalarOf(results[name])])),
        gradients: into ?? values(trainedNames, 'gradient.'),
        buffers: values(buffers.keys(), 'buffer.'),
      };
    },
    async update(state, found, { learningRate, weightDecay, clipNorm, decay, share = 1 }) {
      const of = (values: ReadonlyMap<string, Float32Array>, name: string) => values.get(name) as Float32Array;
      state.step++;
      const squares = await threads.sum(trainedNames.map((name) => found.map((batch) => of(batch, name))));
      const norm = share * Math.sqrt(squares.reduce((a, b) => a + b, 0));
      const scalars = { step: state.step, gradientFactor: share * clipFactor(norm, clipNorm) };
      const updates = trainedNames.map((name): ParameterUpdate => {
        const [parameter, first, second] = [state.parameters, state.first, state.second].map((all) => of(all, name));
        const values = state.teacher.get(name);
        return {
          state: { parameter, first, second, ...(values && { average: { values, decay } }) },
          gradient: of(found[0], name),
          scalars: {
            ...scalars,
            learningRate: learningRate * (options.rate?.(name) ?? 1),
            weightDecay: options.decays?.(name) === false ? 0 : weightDecay,
          },
        };
      });
      await threads.adamW(updates, config);
      for (const name of teacherNames) {
        if (!trained.has(name)) movingAverage(of(state.teacher, name), of(state.parameters, name), decay);
      }
      return norm;
    },
    release: async () => {
      await Promise.all([program.release(), threads.release()]);
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

const canShare = typeof SharedArrayBuffer !== 'undefined';

/** Zeros in memory that threads share, or not; one block for all, which is quicker to hand over than many. */
function zerosLike(values: ReadonlyMap<string, Float32Array>, shared: boolean): Map<string, Float32Array> {
  const bytes = Array.from(values, ([, { byteLength }]) => byteLength);
  // Each on cache lines of its own.
  const sizes = bytes.map((size) => 64 * Math.ceil(size / 64));
  const total = sizes.reduce((a, b) => a + b, 0);
  const block = shared ? new SharedArrayBuffer(total) : new ArrayBuffer(total);
  let at = 0;
  return new Map(
    Array.from(values, ([name, { length }], i) => {
      const zeros = new Float32Array(block, at, length);
      at += sizes[i];
      return [name, zeros];
    }),
  );
}

function sharedCopies(values: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> {
  const copies = zerosLike(values, canShare);
  for (const [name, copy] of copies) copy.set(values.get(name) as Float32Array);
  return copies;
}

/** The same state in memory that threads share without copies. */
export const sharedState = ({ step, parameters, teacher, first, second }: TrainingState): TrainingState => ({
  step,
  parameters: sharedCopies(parameters),
  teacher: sharedCopies(teacher),
  first: sharedCopies(first),
  second: sharedCopies(second),
});

/** Room for the gradients of a batch: memory that threads share, or not, as that of the state. */
export function roomForGradients({ first }: TrainingState): Gradients {
  const [any] = first.values();
  return zerosLike(first, canShare && any?.buffer instanceof SharedArrayBuffer);
}

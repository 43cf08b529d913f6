// Training by several processes at once, as local SGD (Stich 2019, algorithm 1): every process makes steps by itself, and
// every H of them all go on from the mean of their states. What that mean is stands here; how states travel does not.
import { InputError } from '../signal/errors.ts';
import type { TrainingState } from './step.ts';

/** The processes of a run, as one of them sees them. */
export type Exchange = {
  /** Processes in all. */
  readonly world: number;
  /** Number of this one, from 0. */
  readonly rank: number;
  /**
   * Replaces the state, in place, by the mean over all processes, the same bits for each of them. All of them call it
   * after the same steps; `round` is the number of the step. The caller keeps the result on the disk before the next
   * round: what the others need to do a round again is kept that long and no longer.
   * @throws InputError where the processes do not fit together, or one does not come
   */
  average(round: number, state: TrainingState): Promise<void>;
  /** Leaves. `finished`: this process has kept its last state; once all have, what they exchanged is removed. */
  close(finished?: boolean): Promise<void>;
};

/** Steps between two rounds, where nobody says otherwise. */
export const defaultSyncEvery = 20;

/** Moments are averaged too: those of one process do not fit the mean of all. */
const sets = ['parameters', 'teacher', 'first', 'second'] as const;

const arraysOf = (state: TrainingState) =>
  sets.flatMap((set) =>
    Array.from(state[set].keys())
      .sort()
      .map((name) => ({ set, name, values: state[set].get(name) as Float32Array })),
  );

/** Names and lengths of all that is packed, one a line: states with the same text may be averaged. */
export const layoutOf = (state: TrainingState): string =>
  arraysOf(state)
    .map(({ set, name, values }) => `${set} ${name} ${values.length}\n`)
    .join('');

/** All numbers of a state one after the other: parameters, teacher, first and second moments, each sorted by name. */
export function packState(state: TrainingState): Float32Array {
  const arrays = arraysOf(state);
  const packed = new Float32Array(arrays.reduce((sum, { values }) => sum + values.length, 0));
  let at = 0;
  for (const { values } of arrays) {
    packed.set(values, at);
    at += values.length;
  }
  return packed;
}

/**
 * The reverse, into a state that has the same names and lengths.
 * @throws InputError for another number of values; the state is then as it was
 */
export function unpackState(packed: Float32Array, state: TrainingState): void {
  const arrays = arraysOf(state);
  const length = arrays.reduce((sum, { values }) => sum + values.length, 0);
  if (packed.length !== length) {
    throw new InputError(
      `unpackState: expected ${length} values, got ${packed.length}; train the same encoder everywhere`,
    );
  }
  let at = 0;
  // In place: the arrays may be memory that threads share.
  for (const { values } of arrays) {
    values.set(packed.subarray(at, at + values.length));
    at += values.length;
  }
}

/**
 * A mean of packed states that needs one of them in memory at a time. Sums are float64 and taken in the order in which
 * states are added: added by rank, the mean is the same everywhere, and that of equal states is that state.
 */
export function createMean(length: number) {
  const sum = new Float64Array(length);
  let count = 0;
  return {
    /** @throws InputError for another number of values */
    add(packed: Float32Array): void {
      if (packed.length !== length) {
        throw new InputError(
          `createMean: expected ${length} values, got ${packed.length}; train the same encoder everywhere`,
        );
      }
      if (count === 0) sum.set(packed);
      else for (let i = 0; i < length; i++) sum[i] += packed[i];
      count++;
    },
    mean(): Float32Array {
      const result = new Float32Array(length);
      for (let i = 0; i < length; i++) result[i] = sum[i] / count;
      return result;
    },
  };
}

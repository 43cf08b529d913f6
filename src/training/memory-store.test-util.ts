// A run without files, for tests: what it saved last, and everything it logged.
import type { RunStore } from './loop.ts';
import type { TrainingState } from './step.ts';

const copy = (state: TrainingState): TrainingState => ({
  step: state.step,
  parameters: new Map(Array.from(state.parameters, ([name, values]) => [name, values.slice()])),
  teacher: new Map(Array.from(state.teacher, ([name, values]) => [name, values.slice()])),
  first: new Map(Array.from(state.first, ([name, values]) => [name, values.slice()])),
  second: new Map(Array.from(state.second, ([name, values]) => [name, values.slice()])),
});

export type MemoryStore = RunStore & { saved?: TrainingState; records: Record<string, number>[] };

export function memoryStore(): MemoryStore {
  const store = {
    saved: undefined as TrainingState | undefined,
    records: [] as Record<string, number>[],
    load: () => store.saved && copy(store.saved),
    save: (state: TrainingState) => {
      store.saved = copy(state);
    },
    log: (record: Record<string, number>) => {
      store.records.push(record);
    },
  };
  return store;
}

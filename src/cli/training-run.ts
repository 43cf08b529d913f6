// A training run as commands carry it out: run folder, curves, progress line, Ctrl-C, and going on where it stopped.
import { join } from 'node:path';
import { renderTrainingPage } from '../report/training-page.ts';
import type { Exchange } from '../training/exchange.ts';
import { type LoopEnd, type LoopOptions, type RunStore, train } from '../training/loop.ts';
import type { Metrics } from '../training/metrics-file.node.ts';
import { progressLine, recentPace } from '../training/progress.ts';
import type { RunConfig } from '../training/run-config.ts';
import { openRun, type RunFolder } from '../training/run-folder.node.ts';
import type { TrainingState } from '../training/step.ts';
import { note, writeFileSafely } from './output.ts';

const LOG_EVERY = 10;

/** A line on a terminal that the next one replaces; nothing elsewhere. Remarks push it aside. */
export function createStatusLine() {
  let shown = false;
  const clear = (): void => {
    if (shown) process.stderr.write('\r\x1b[K');
    shown = false;
  };
  return {
    clear,
    /** The first of the lines that fits the terminal. */
    show(lines: () => readonly string[]): void {
      if (!process.stderr.isTTY) return;
      const room = (process.stderr.columns || 80) - 1;
      const all = lines();
      const line = all.find(({ length }) => length <= room) ?? all[all.length - 1].slice(0, room);
      process.stderr.write(`\r\x1b[K${line}`);
      shown = true;
    },
    note(line: string): void {
      clear();
      note(line);
    },
  };
}

export type StatusLine = ReturnType<typeof createStatusLine>;

/** What is no figure of the training itself. */
const OTHERS = new Set(['step', 'seconds', 'learningRate', 'decay', 'gradientNorm', 'clipsPerSecond', 'loss']);
/** Beside the loss, on a line of a terminal. */
const FIGURES = 2;

function statusLines(record: Readonly<Record<string, number>>, steps: number, lines: readonly Metrics[]): string[] {
  const { step, loss, learningRate, clipsPerSecond } = record;
  const pace = recentPace(lines);
  const short = { step, steps, losses: { loss }, learningRate, ...(pace !== undefined && { secondsPerStep: pace }) };
  const figures = Object.entries(record)
    .filter(([name]) => !OTHERS.has(name))
    .slice(0, FIGURES)
    .map(([name, value]) => [name.replace(/Loss$/, ''), value]);
  const losses = { loss, ...Object.fromEntries(figures) };
  return [progressLine({ ...short, losses, clipsPerSecond }), progressLine(short)];
}

/** Signals that end a run after its step; the second one ends the process at once, as it would without us. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

function listenForSignals(heard: () => void) {
  let status: number | undefined;
  const listeners = Object.entries(SIGNALS).map(([signal, code]) => {
    const listener = () => {
      status ??= code;
      heard();
    };
    process.once(signal, listener);
    return { signal, listener };
  });
  return {
    /** Exit status of a run that was stopped; undefined as long as it is not to stop. */
    status: () => status,
    release: () => {
      for (const { signal, listener } of listeners) process.off(signal, listener);
    },
  };
}

export const pageFile = (folder: string): string => join(folder, 'index.html');

export type FolderRun<C> = Pick<
  LoopOptions<C>,
  'recipe' | 'seed' | 'accumulate' | 'saveEvery' | 'clips' | 'probe' | 'syncEvery' | 'runtime'
> & {
  title: string;
  folder: string;
  resume: boolean;
  config: RunConfig;
  /** Writes what the run has made so far, at every checkpoint. */
  publish(state: TrainingState): void;
  exchange?: Exchange;
  status: StatusLine;
};

/** Checkpoint, log, what the run makes, and its page. */
function createStore<C>(run: RunFolder, { folder, title, config, publish }: FolderRun<C>) {
  const lines = run.metrics();
  const found = run.loadCheckpoint();
  const before = found?.extra.seconds;
  const secondsBefore = typeof before === 'number' ? before : (lines.at(-1)?.seconds ?? 0);
  const started = performance.now();
  const seconds = (): number => secondsBefore + (performance.now() - started) / 1000;
  const show = (state: TrainingState): void => {
    publish(state);
    writeFileSafely(pageFile(folder), renderTrainingPage({ title, config: { ...config }, metrics: lines }));
  };
  const store: RunStore = {
    load: () => {
      // A process that was killed may have left a checkpoint without what it publishes.
      if (found) show(found.state);
      return found?.state;
    },
    save: (state) => {
      run.saveCheckpoint(state, { seconds: seconds() });
      show(state);
    },
    log: (record) => {
      const line = { ...record, step: record.step, seconds: seconds() };
      lines.push(line);
      run.log(line);
    },
  };
  return { store, lines };
}

/** How a run ended; `status` is the exit status of one that was stopped. */
export type FolderRunEnd = LoopEnd & { status?: number };

/**
 * Trains in a run folder until all steps are done, or Ctrl-C (SIGTERM) asks for an end, which leaves a checkpoint.
 * @throws InputError as `openRun` and `train`
 */
export async function trainInFolder<C>(options: FolderRun<C>): Promise<FolderRunEnd> {
  const { folder, config, resume, status, exchange, syncEvery, ...rest } = options;
  const run = openRun(folder, config, { resume, warn: note });
  const stop = listenForSignals(() => status.note('stopping after this step; once more stops at once'));
  try {
    const { store, lines } = createStore(run, options);
    const end = await train<C>({
      recipe: rest.recipe,
      steps: config.steps,
      seed: rest.seed,
      accumulate: rest.accumulate,
      logEvery: LOG_EVERY,
      saveEvery: rest.saveEvery,
      clips: rest.clips,
      store,
      ...(rest.probe && { probe: rest.probe }),
      onStep: (_state, record) => status.show(() => statusLines(record, config.steps, lines)),
      stopped: () => stop.status() !== undefined,
      ...(exchange && { exchange, syncEvery }),
      ...(rest.runtime && { runtime: rest.runtime }),
    });
    return end.reason === 'stopped' ? { ...end, status: stop.status() ?? 1 } : end;
  } finally {
    status.clear();
    stop.release();
    run.close();
  }
}

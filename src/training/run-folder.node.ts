// The folder of a training run: settings, log and checkpoints, such that a run that was stopped anywhere goes on to the
// same numbers.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { InputError } from '../signal/errors.ts';
import {
  type Checkpoint,
  checkpointName,
  encodeCheckpoint,
  listCheckpoints,
  newestCheckpoint,
  setAside,
} from './checkpoint.node.ts';
import { notWritten, removeTemporaries, writeDurably } from './durable-file.node.ts';
import { cutMetrics, type Metrics, openMetrics, readMetrics } from './metrics-file.node.ts';
import { checkResume, type RunConfig, readRunConfig, writeRunConfig } from './run-config.ts';
import { lockFolder } from './run-lock.node.ts';
import type { TrainingState } from './step.ts';

export type RunFolder = {
  readonly path: string;
  /**
   * Keeps the state and `extra` (plain JSON) under the state's step, and the checkpoint before; removes older ones.
   * @throws InputError if it cannot be written; the checkpoint before is then kept
   */
  saveCheckpoint(state: TrainingState, extra: Readonly<Record<string, unknown>>): void;
  /** The newest whole checkpoint; undefined before the first. Damaged ones are set aside with a warning. */
  loadCheckpoint(): Checkpoint | undefined;
  /**
   * Appends one line to metrics.jsonl.
   * @throws InputError for a number that is not finite, a step not after the last one, or a disk that is full
   */
  log(metrics: Metrics): void;
  /** Everything logged so far, sessions before this one included. */
  metrics(): Metrics[];
  /** Releases the folder; once is enough, twice does no harm. */
  close(): void;
};

export type OpenRunOptions = {
  /** Go on with the run in the folder; otherwise begin one, in a folder without a run. */
  resume: boolean;
  /** Hears what went wrong and was mended; by default standard error. */
  warn?: (line: string) => void;
};

const CONFIG = 'config.json';
const METRICS = 'metrics.jsonl';
const KEPT_CHECKPOINTS = 2;

const toStandardError = (line: string): void => {
  process.stderr.write(`warning: ${line}\n`);
};

/** Turns refusals of the system into one line, which ends in what to do then. */
function writing<T>(what: string, path: string, next: () => string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw notWritten(what, path, error, next());
  }
}

const tryAgain = (): string => 'try again';

const resumeFrom = (folder: string): string => {
  const [newest] = listCheckpoints(folder);
  return `resume the run (${newest ? `${basename(newest.path)} is kept` : 'there is no checkpoint yet'})`;
};

function checkNew(folder: string): void {
  const found = [CONFIG, METRICS].filter((name) => existsSync(join(folder, name)));
  found.push(...listCheckpoints(folder).map(({ path }) => basename(path)));
  if (found.length === 0) return;
  throw new InputError(
    `openRun: expected a folder without a run, found ${found[0]} in ${folder}; resume that run, or name another folder`,
  );
}

/** Settings as they are kept from now on: those asked for, if they may go on with what is there. */
function settle(folder: string, config: RunConfig, resume: boolean): void {
  const path = join(folder, CONFIG);
  const text = writeRunConfig(config);
  if (!resume) checkNew(folder);
  else if (!existsSync(path)) {
    throw new InputError(
      `openRun: expected a run in ${folder}, found no ${CONFIG}; check the folder, or do not resume`,
    );
  } else {
    const stored = readFileSync(path, 'utf8');
    // Through JSON, as the stored ones went: undefined and a missing key are the same.
    checkResume(readRunConfig(stored, path), readRunConfig(text, path), folder);
    if (stored === text) return;
  }
  writing('openRun', path, tryAgain, () => writeDurably(path, Buffer.from(text)));
}

/**
 * Opens the folder of a run and takes its lock. On resuming, the settings must be those that the run began with, except
 * `steps`, which may grow, `workers` and `provider`; the log is cut back to the newest whole checkpoint.
 * @throws InputError if another run has the folder, if there is a run and `resume` is not asked for or the reverse, if
 * settings differ, if all checkpoints are damaged, or if the folder cannot be written
 */
export function openRun(folder: string, config: RunConfig, options: OpenRunOptions): RunFolder {
  const { resume, warn = toStandardError } = options;
  writeRunConfig(config);
  if (!resume) writing('openRun', folder, tryAgain, () => mkdirSync(folder, { recursive: true }));
  else if (!existsSync(folder)) {
    throw new InputError(`openRun: expected a run in ${folder}, found no such folder; check it, or do not resume`);
  }
  const unlock = lockFolder(folder);
  try {
    settle(folder, config, resume);
    removeTemporaries(folder);
    return openLocked(folder, warn, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

function openLocked(folder: string, warn: (line: string) => void, unlock: () => void): RunFolder {
  const metricsPath = join(folder, METRICS);
  const newest = (): Checkpoint | undefined => newestCheckpoint(folder, setAside(warn));
  // Read once: it decides where the log ends, and the caller asks for it next.
  let unread = newest();
  const step = unread?.state.step ?? 0;
  writing('openRun', metricsPath, tryAgain, () => cutMetrics(metricsPath, step, warn));
  const file = openMetrics(metricsPath);
  let open = true;
  return {
    path: folder,
    saveCheckpoint(state, extra) {
      unread = undefined;
      const path = join(folder, checkpointName(state.step));
      const bytes = encodeCheckpoint({ state, extra });
      // First the log: a checkpoint must not know of steps that the log has lost.
      file.flush();
      writing(
        'saveCheckpoint',
        path,
        () => resumeFrom(folder),
        () => writeDurably(path, bytes),
      );
      for (const old of listCheckpoints(folder).slice(KEPT_CHECKPOINTS)) rmSync(old.path, { force: true });
    },
    loadCheckpoint() {
      const found = unread ?? newest();
      unread = undefined;
      return found;
    },
    log: (metrics) => file.append(metrics),
    metrics: () => readMetrics(metricsPath),
    close() {
      if (!open) return;
      open = false;
      file.close();
      unlock();
    },
  };
}

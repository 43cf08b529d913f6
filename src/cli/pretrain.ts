// thrum pretrain: trains an encoder on recordings without labels, in a run folder that can be resumed.
import { join } from 'node:path';
import { renderTrainingPage } from '../report/training-page.ts';
import { checkSources } from '../training/check-sources.node.ts';
import { openClipStream } from '../training/data/clip-stream.node.ts';
import type { Clip } from '../training/data/types.ts';
import type { Exchange } from '../training/exchange.ts';
import { exportEncoder } from '../training/export-encoder.node.ts';
import { type RunStore, train } from '../training/loop.ts';
import type { Metrics } from '../training/metrics-file.node.ts';
import { createProbe } from '../training/probe.node.ts';
import { progressLine, recentPace } from '../training/progress.ts';
import { openRun, type RunFolder } from '../training/run-folder.node.ts';
import type { TrainingState } from '../training/step.ts';
import type { Command } from './command.ts';
import { note, print, writeFileSafely } from './output.ts';
import { type PretrainSettings, pretrainOptionSpecs, pretrainSettings, resumeCommand } from './pretrain-settings.ts';

const LOG_EVERY = 10;

/** A line on a terminal that the next one replaces; nothing elsewhere. Remarks push it aside. */
function createStatusLine() {
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

type StatusLine = ReturnType<typeof createStatusLine>;

function statusLines(record: Readonly<Record<string, number>>, steps: number, lines: readonly Metrics[]): string[] {
  const { step, loss, frameLoss, utteranceLoss, learningRate, clipsPerSecond } = record;
  const pace = recentPace(lines);
  const short = { step, steps, losses: { loss }, learningRate, ...(pace !== undefined && { secondsPerStep: pace }) };
  const losses = { loss, frame: frameLoss, utterance: utteranceLoss };
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

const encoderFile = (folder: string): string => join(folder, 'encoder.safetensors');
const pageFile = (folder: string): string => join(folder, 'index.html');

/** What the run folder keeps of the loop's state: checkpoint, log, the encoder so far, the page. */
function createStore(run: RunFolder, { folder, architecture, title, config }: PretrainSettings) {
  const lines = run.metrics();
  const found = run.loadCheckpoint();
  const before = found?.extra.seconds;
  const secondsBefore = typeof before === 'number' ? before : (lines.at(-1)?.seconds ?? 0);
  const started = performance.now();
  const seconds = (): number => secondsBefore + (performance.now() - started) / 1000;
  const publish = (state: TrainingState): void => {
    exportEncoder(state, architecture, encoderFile(folder), { weights: 'student' });
    writeFileSafely(pageFile(folder), renderTrainingPage({ title, config: { ...config }, metrics: lines }));
  };
  const store: RunStore = {
    load: () => {
      // A process that was killed may have left a checkpoint without its encoder.
      if (found) publish(found.state);
      return found?.state;
    },
    save: (state) => {
      run.saveCheckpoint(state, { seconds: seconds() });
      publish(state);
    },
    log: (record) => {
      const line = { ...record, step: record.step, seconds: seconds() };
      lines.push(line);
      run.log(line);
    },
  };
  return { store, lines };
}

async function* clipsOf(
  { data, seed, workers }: PretrainSettings,
  from: number,
  batch: number,
  stride: number,
  status: StatusLine,
): AsyncGenerator<{ clips: readonly Clip[] }> {
  const stream = await openClipStream(data, { seed, from, batch, stride, workers });
  let told = 0;
  for await (const next of stream) {
    for (const warning of stream.warnings.slice(told)) status.note(warning);
    told = stream.warnings.length;
    yield next;
  }
}

/** What its processes must agree on; each may have its own recordings, folder and checkpoints. */
async function joinPeers(
  { peers, config, resume }: PretrainSettings,
  status: StatusLine,
): Promise<Exchange | undefined> {
  if (!peers) return undefined;
  const { recipe, size, seed, accumulate, settings, steps, syncEvery } = config;
  const shared = { recipe, size, seed, accumulate, settings, steps, syncEvery };
  // Not loaded by those who train alone.
  const { connectExchange } = await import('../training/exchange-nats.node.ts');
  return connectExchange({ ...peers, settings: shared, resume, note: (line) => status.note(line) });
}

export const pretrainCommand: Command = {
  summary: 'train an encoder on recordings without labels',
  usage: 'echo|fisher|eat --data LIST --run DIR [options]',
  details:
    'LIST names folders, archives (.zip, .tar) and `simulator`, separated by commas, each with a weight: rec/=2,simulator=1.\nThe run folder holds settings, log, curves (index.html), the last two checkpoints, and encoder.safetensors for --encoder.\nCtrl-C stops after the current step, with a checkpoint; --resume goes on to the same numbers.',
  examples: [
    'thrum pretrain echo --size tiny --data recordings/,simulator=2 --run runs/echo-tiny --steps 20000',
    'thrum pretrain echo --size tiny --data recordings/,simulator=2 --run runs/echo-tiny --steps 20000 --resume',
  ],
  options: pretrainOptionSpecs,
  async run(args, options) {
    const settings = pretrainSettings(args, options);
    const { title, folder, recipe, data, seed, config, provider, resume } = settings;
    if (settings.warmUpSteps >= config.steps) {
      note(
        `the warm-up takes ${settings.warmUpSteps} of ${config.steps} steps: the learning rate never reaches its peak; --warm-up N shortens it`,
      );
    }
    // Else a wrong path would leave a run behind, which must be removed before the next try.
    if (!resume) await checkSources(data, recipe, seed);
    const probe = settings.probe === undefined ? undefined : await createProbe(settings.probe, settings.architecture);
    const status = createStatusLine();
    const exchange = await joinPeers(settings, status);
    let run: RunFolder;
    try {
      run = openRun(folder, config, { resume, warn: note });
    } catch (error) {
      await exchange?.close();
      throw error;
    }
    let finished = false;
    const stop = listenForSignals(() => status.note('stopping after this step; once more stops at once'));
    try {
      const { store, lines } = createStore(run, settings);
      const end = await train({
        recipe,
        steps: config.steps,
        seed,
        accumulate: settings.accumulate,
        logEvery: LOG_EVERY,
        saveEvery: settings.saveEvery,
        clips: (from, batch, stride) => clipsOf(settings, from, batch, stride, status),
        store,
        ...(probe && { probe }),
        onStep: (_state, record) => status.show(() => statusLines(record, config.steps, lines)),
        stopped: () => stop.status() !== undefined,
        ...(exchange && { exchange, syncEvery: settings.syncEvery }),
        ...(provider && { runtime: { provider } }),
      });
      finished = end.reason === 'finished';
      status.clear();
      if (end.reason === 'stopped') {
        print(`${title}: stopped after step ${end.state.step} with a checkpoint; go on with`);
        print(`  ${resumeCommand(args[0], options)}`);
        return stop.status() ?? 1;
      }
      print(
        `${title}: ${end.state.step} steps done; use it with --encoder ${encoderFile(folder)}, curves in ${pageFile(folder)}`,
      );
      return 0;
    } finally {
      status.clear();
      stop.release();
      run.close();
      await exchange?.close(finished);
    }
  },
};

// Runs a suite on what is there: every data set that is found, every encoder of the table, and says what was left out.
import { createHash } from 'node:crypto';
import type { EncoderSpec } from '../../encoders/load.node.ts';
import type { WindowRule } from '../../encoders/windows.ts';
import { InputError } from '../../signal/errors.ts';
import { type FolderCache, type Located, locate } from '../datasets/find.node.ts';
import { isGenerated } from '../datasets/generated-marker.ts';
import { dataSetById } from '../datasets/registry.ts';
import type { DataSet, Sample } from '../datasets/types.ts';
import { type Embeddings, embedSamples, type Hearing, largestPeak } from '../embeddings/embed-samples.node.ts';
import { type Measured, undefinedBecause } from '../metrics/measured.ts';
import { RMIS_SEEDS } from '../protocols/multi-split.ts';
import type { BenchResult, BenchRow, Detail } from '../result.ts';
import { publishedRows } from '../tables/published.ts';
import { type SuiteName, suiteColumns } from '../tables/suites.ts';
import { summarise } from '../tables/summary.ts';
import { commonRows, type Heard, oneKind } from './assemble.ts';
import { evaluateDetection } from './detection.ts';
import { evaluateFault } from './fault.ts';
import type { Listener } from './listeners.node.ts';
import { detectionYears, type FaultTask, faultTasks } from './tasks.ts';

export type RunOptions = {
  suite: SuiteName;
  /** Folder that holds the data sets. */
  data: string;
  listeners: readonly Listener[];
  compat: boolean;
  /** Ids of the columns to run; all by default. */
  only?: readonly string[];
  storeFolder: string;
  workers?: number;
  onProgress?: (what: string, done: number, total: number) => void;
  version: string;
  command: string;
};

/** What the tasks of a run share. */
type Run = RunOptions & {
  folders: FolderCache;
  result: BenchResult;
  /** Whether a data set among those found was made up. */
  generated: boolean;
};

const titles: Record<SuiteName, string> = {
  siren: 'SIREN: anomaly detection and fault classification',
  rmis: 'RMIS: representation of multi-modal industrial signals',
  open: 'Freely available data sets, k nearest neighbours',
};

/** RMIS: windows without their mean, filled up with zeros; a remainder from 5 % on counts. */
const rmisWindows = (seconds: number): WindowRule => ({ seconds, remainder: 0.05, pad: true, removeMean: 'window' });

/** RMIS's pieces, and a last one of more than half their length. */
const PIECES = { pieceSeconds: 10, pieceRemainder: 0.5 + 1e-9 };

/** DCASE clips in RMIS go through the encoder in windows of this length. */
const CLIP_SECONDS = 10;

const rowsOfListeners = (listeners: readonly Listener[]): BenchRow[] =>
  listeners.map(({ name, parameters, fingerprint }) => ({
    encoder: name,
    published: false,
    ...(parameters !== undefined && { parameters }),
    fingerprint,
    values: {},
    details: [],
  }));

/** RMIS's wrapper of FISHER fills time up to 1024 frames; its published numbers rest on that. */
const specFor = (spec: EncoderSpec, { suite, compat }: Run): EncoderSpec =>
  suite === 'rmis' && compat ? { ...spec, hints: { ...spec.hints, lengthMode: 'rmis' } } : spec;

function find(run: Run, dataSet: DataSet, views: readonly string[]): Located | undefined {
  const located = locate(run.data, dataSet, run.folders);
  if (!located) {
    const reason = `no recordings as it unpacks were found in the data folder; the official download is at ${dataSet.source}`;
    for (const view of views) run.result.skipped.push({ view, reason });
    return undefined;
  }
  const { folder, scan } = located;
  const { problems } = run.result;
  const named = (message: string) => (message.startsWith(`${dataSet.id}:`) ? message : `${dataSet.id}: ${message}`);
  if (isGenerated(folder, scan.samples)) {
    run.generated = true;
    problems.push(named('made by `thrum data generate`, not recorded: its figures say nothing about published ones'));
  }
  problems.push(...scan.problems.map(({ message }) => named(message)));
  return located;
}

/** SHA-256 over names, contents and labels: which recordings a figure rests on. */
function noteDataHash(run: Run, view: string, embeddings: Embeddings): void {
  if (run.result.provenance.dataHashes[view] !== undefined) return;
  const lines = embeddings.samples.map(
    (sample) => `${sample.path}\t${embeddings.contentOf(sample)}\t${sample.label}\n`,
  );
  run.result.provenance.dataHashes[view] = createHash('sha256').update(lines.sort().join('')).digest('hex');
}

/** Where embeddings are kept, how many threads make them, and who is told how far they are. */
const poolOf = ({ storeFolder, workers, onProgress }: Run, what: string) => ({
  storeFolder,
  ...(workers !== undefined && { workers }),
  onSample: (done: number, total: number) => onProgress?.(what, done, total),
});

/** Opens the embeddings of every encoder of a listener, hands them over, and closes them. */
async function withEmbeddings<T>(
  run: Run,
  view: string,
  listener: Listener,
  source: { root: string; samples: readonly Sample[]; hearing: Hearing },
  use: (parts: readonly Embeddings[]) => Promise<T>,
): Promise<T> {
  const opened: Embeddings[] = [];
  try {
    for (const spec of listener.parts) {
      const embeddings = await embedSamples(specFor(spec, run), {
        ...source,
        ...poolOf(run, `${view}, ${spec.encoder}: embedded`),
      });
      opened.push(embeddings);
      for (const { message } of embeddings.failures) {
        const line = `${view}: ${message.replace(/\s*\n\s*/g, ' ')}; it is left out`;
        if (!run.result.problems.includes(line)) run.result.problems.push(line);
      }
    }
    noteDataHash(run, view, opened[0]);
    return await use(opened);
  } finally {
    for (const embeddings of opened) embeddings.close();
  }
}

const heardBy = (embeddings: Embeddings, samples: readonly Sample[]): Heard[] => {
  const known = new Set(embeddings.samples);
  return samples
    .filter((sample) => known.has(sample))
    .map((sample) => ({ sample, content: embeddings.contentOf(sample), recording: embeddings.load(sample) }));
};

/** What the audit found, where the protocol is meant to keep everything apart: released code is not. */
function leakLines(detail: Detail, { compat }: Run): string[] {
  const { sharedTakes, sharedContent, examples } = detail.audit;
  if (compat || sharedTakes + sharedContent === 0) return [];
  const count = `test recordings that were heard in training: ${sharedTakes + sharedContent}`;
  return [`${detail.view}: ${count} (${examples[0]}); the score counts them, remove one of each pair`];
}

/** Bad input makes a cell undefined, with the reason; the other cells go on. */
async function cell(run: Run, row: BenchRow, column: string, evaluate: () => Promise<Detail>): Promise<void> {
  let value: Measured;
  try {
    const detail = await evaluate();
    row.details.push(detail);
    run.result.problems.push(...leakLines(detail, run));
    value = detail.score;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    value = undefinedBecause(error.message.replace(/\s*\n\s*/g, ' '));
  }
  row.values[column] = value;
}

async function runFault(run: Run, task: FaultTask): Promise<void> {
  const dataSet = dataSetById(task.dataSet);
  const located = find(run, dataSet, [task.view]);
  if (!located) return;
  const view = dataSet.views.find(({ id }) => id === task.view);
  const wanted = task.channels ?? view?.channels;
  const chosen = task.choose ? task.choose(located.scan.samples) : located.scan.samples;
  const apart = chosen.some(({ channel }) => channel !== undefined);
  const samples = apart && wanted ? chosen.filter(({ channel }) => wanted.includes(channel as number)) : chosen;
  const columns = wanted?.map((channel) => channel - 1) ?? [...dataSet.channels.keys()];
  const channels = apart ? [0] : columns;
  const source = { root: located.root, samples };
  const cutting: Hearing = {
    channels,
    ...(task.sampleRate !== undefined && { sampleRate: task.sampleRate }),
    ...(task.windowSeconds !== undefined && { ...PIECES, windows: rmisWindows(task.windowSeconds) }),
  };
  const reading = { ...source, ...poolOf(run, `${task.view}: measured`), hearing: cutting };
  const peak = task.fullScale ? await largestPeak(reading) : 0;
  const hearing: Hearing = { ...cutting, ...(peak > 1 && { gain: 1 / peak }) };
  for (const [l, listener] of run.listeners.entries()) {
    await cell(run, run.result.rows[l], task.view, () =>
      withEmbeddings(run, task.view, listener, { ...source, hearing }, async (parts) => {
        const kept = parts.map((embeddings) => {
          const { kept: same, problems } = oneKind(heardBy(embeddings, samples));
          run.result.problems.push(...problems.map((line) => `${task.view}: ${line}`));
          return same;
        });
        const { fusion } = listener;
        const options = { compat: run.compat, ...(fusion && { fusion }) };
        return evaluateFault(task, commonRows(kept), options, run.result.problems);
      }),
    );
  }
}

async function runYear(run: Run, year: number): Promise<void> {
  const id = `dcase${year}`;
  const located = find(run, dataSetById(id), [id]);
  if (!located || run.suite === 'open') return;
  const { suite } = run;
  const samples = located.scan.samples;
  const hearing: Hearing = { channels: [0], ...(suite === 'rmis' && { windows: rmisWindows(CLIP_SECONDS) }) };
  for (const [l, listener] of run.listeners.entries()) {
    await cell(run, run.result.rows[l], id, () =>
      withEmbeddings(run, id, listener, { root: located.root, samples, hearing }, (parts) => {
        const { fusion } = listener;
        const load = (wanted: readonly Sample[]) => parts.map((embeddings) => heardBy(embeddings, wanted));
        const options = { suite, year, compat: run.compat, ...(fusion && { fusion }) };
        return evaluateDetection(parts[0].samples, load, options, run.result.problems);
      }),
    );
  }
}

function checkOnly(suite: SuiteName, only: readonly string[] | undefined): void {
  const known = suiteColumns(suite)
    .filter(({ group }) => group !== 'summary')
    .map(({ id }) => id);
  const unknown = only?.find((id) => !known.includes(id));
  if (unknown !== undefined) throw new InputError(`--only: ${suite} has no ${unknown}; it has ${known.join(', ')}`);
}

/**
 * Runs a suite. Data sets that are not there are named in `skipped`, what is wrong with those that are in `problems`.
 * Published rows are added, unless a data set was generated: they would be compared with figures of other data.
 * @throws InputError where `only` names no column, or no data set at all is found
 */
export async function runSuite(options: RunOptions): Promise<BenchResult> {
  const { suite, only, listeners, compat, version, command } = options;
  checkOnly(suite, only);
  const wanted = (id: string): boolean => only === undefined || only.includes(id);
  const result: BenchResult = {
    suite,
    title: titles[suite],
    compat,
    // Of a part of the suite, its means would say nothing.
    columns: suiteColumns(suite).filter(({ id }) => only === undefined || only.includes(id)),
    rows: rowsOfListeners(listeners),
    skipped: [],
    problems: [],
    provenance: { version, command, seeds: suite === 'rmis' ? [...RMIS_SEEDS] : [1], dataHashes: {} },
  };
  const run: Run = { ...options, folders: new Map(), result, generated: false };
  for (const year of detectionYears[suite].filter((y) => wanted(`dcase${y}`))) await runYear(run, year);
  for (const task of faultTasks[suite].filter(({ view }) => wanted(view))) await runFault(run, task);
  if (result.rows.every(({ values }) => Object.keys(values).length === 0)) {
    const sets = [...new Set(result.skipped.map(({ view }) => view))];
    throw new InputError(
      `${options.data}: none of the data sets of ${suite} is there (${sets.join(', ')}); see \`thrum data list\` for where to get them`,
    );
  }
  for (const row of result.rows) Object.assign(row.values, summarise(result.columns, row.values).values);
  if (!run.generated) result.rows.push(...publishedRows(suite));
  result.problems = [...new Set(result.problems)];
  return result;
}

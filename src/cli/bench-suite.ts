// thrum bench siren|rmis|open: runs a suite, prints its table, writes it as CSV, JSON and a page.
import type { EncoderSpec } from '../encoders/load.node.ts';
import type { BenchResult } from '../evaluation/result.ts';
import { listenersFrom } from '../evaluation/suites/listeners.node.ts';
import { runSuite } from '../evaluation/suites/run.node.ts';
import { benchCsv, detailCsv } from '../evaluation/tables/csv.ts';
import type { SuiteName } from '../evaluation/tables/suites.ts';
import { formatBench } from '../evaluation/tables/text.ts';
import { renderBenchPage } from '../report/bench-page.ts';
import { createProgress, note, print } from './output.ts';
import { checkOutputs, type Output, writeOutputs } from './output-folder.ts';
import { version } from './version.ts';

export type SuiteBenchOptions = {
  suite: SuiteName;
  data: string;
  /** As on the command line: separated by commas, `a+b` for fusions. */
  encoders: string;
  runtime: Omit<EncoderSpec, 'encoder'>;
  compat: boolean;
  only?: string[];
  storeFolder: string;
  workers?: number;
  /** Folder for the files; made where it is missing. */
  out?: string;
  details: boolean;
  json: boolean;
};

/** Names of what is written below `out`, and what goes into each. */
const outputsOf = ({ suite, compat }: SuiteBenchOptions): Output<BenchResult>[] => {
  const stem = compat ? `${suite}-compat` : suite;
  return [
    { file: `${stem}.csv`, contentOf: benchCsv },
    { file: `${stem}-details.csv`, contentOf: detailCsv },
    { file: `${stem}.json`, contentOf: (result) => `${JSON.stringify(result, null, 2)}\n` },
    { file: `${stem}.html`, contentOf: renderBenchPage },
  ];
};

/** The command that makes this table again. The data folder is the user's own: its place is left open. */
const commandOf = ({ suite, encoders, compat, only }: SuiteBenchOptions): string =>
  [
    `thrum bench ${suite} --data DIR --encoder ${encoders}`,
    ...(compat ? [`--compat ${suite}`] : []),
    ...(only ? [`--only ${only.join(',')}`] : []),
  ].join(' ');

/** Lines of one kind on standard error, a few of them, and how many there are more. */
function noteAll(lines: readonly string[], most = 20): void {
  for (const line of lines.slice(0, most)) note(line);
  if (lines.length > most) note(`… and ${lines.length - most} more in the JSON`);
}

/**
 * Runs a suite. Returns the exit status: 0 where every row that was asked for has a figure, 1 where a data set that is
 * there could not be evaluated.
 * @throws InputError where no data set is there, an encoder is unknown, or nothing can be written to `out`
 */
export async function runSuiteBench(options: SuiteBenchOptions): Promise<number> {
  const { suite, data, encoders, runtime, compat, only, storeFolder, workers, out, details, json } = options;
  const outputs = outputsOf(options);
  if (out !== undefined) checkOutputs(out, outputs);
  const listeners = await listenersFrom(encoders, runtime);
  let progress = createProgress('');
  let stage = '';
  const result = await runSuite({
    suite,
    data,
    listeners,
    compat,
    storeFolder,
    ...(only && { only }),
    ...(workers !== undefined && { workers }),
    onProgress: (what, done, total) => {
      if (what !== stage) {
        progress.end();
        progress = createProgress(what);
        stage = what;
      }
      progress.update(done, total);
    },
    version: version(),
    command: commandOf(options),
  });
  progress.end();
  print(json ? JSON.stringify(result) : formatBench(result, { width: process.stdout.columns ?? 160, details }));
  // The table ends with these lines; JSON is for programs, and they are for people.
  if (json)
    noteAll([...result.skipped.map(({ view, reason }) => `${view} was not run: ${reason}`), ...result.problems]);
  if (out !== undefined) writeOutputs(out, outputs, result);
  const own = result.rows.filter(({ published }) => !published);
  const summaries = new Set(result.columns.filter(({ group }) => group === 'summary').map(({ id }) => id));
  const failed = own.some(({ values }) =>
    Object.entries(values).some(([id, value]) => !summaries.has(id) && value.value === null),
  );
  return failed ? 1 : 0;
}

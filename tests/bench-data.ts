// Small copies of the benchmarks' data sets on disk, and runs of a suite on them.
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { vi } from 'vitest';
import { runSuiteBench, type SuiteBenchOptions } from '../src/cli/bench-suite.ts';
import { dataSetById } from '../src/evaluation/datasets/registry.ts';
import type { GenerateOptions } from '../src/evaluation/datasets/types.ts';
import type { BenchResult, BenchRow, ClassificationResult, DetectionResult } from '../src/evaluation/result.ts';
import { listenersFrom } from '../src/evaluation/suites/listeners.node.ts';
import { type RunOptions, runSuite } from '../src/evaluation/suites/run.node.ts';

export const ENCODERS = 'spectral-shape,spectral+spectral-shape';

export type Small = GenerateOptions & {
  /** Which of the generated files are written. */
  keep?: (path: string) => boolean;
};

/** Writes a generated data set to `data`/`id`, without the marker of `thrum data generate`; returns its folder. */
export function writeDataSet(data: string, id: string, { keep = () => true, ...options }: Small): string {
  const folder = join(data, id);
  for (const { path, bytes } of dataSetById(id).generate(options)) {
    if (!keep(path)) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  return folder;
}

/**
 * As small as every row of both suites allows: eleven classes in a fifth of the takes (UMGED), a class on both sides at
 * test sizes of 0.05 and 0.95 (PU: 20 takes a class), a frame of the encoders in the shortest recording.
 */
export const smallSets: Readonly<Record<string, Small>> = {
  ...Object.fromEntries(
    [2020, 2021, 2022, 2023, 2024, 2025].map((year) => [`dcase${year}`, { perClass: 1, seconds: 0.1 }]),
  ),
  iiee: { perClass: 1, seconds: 0.1 },
  iica: { perClass: 5, seconds: 0.03, keep: (path) => /_[12]l_\.wav$/.test(path) },
  cwru: { perClass: 3, seconds: 0.1 },
  mafaulda: { perClass: 2, seconds: 0.03 },
  wtpg: { perClass: 3, seconds: 0.02 },
  'sdust-bearing': { perClass: 2, seconds: 0.02 },
  'sdust-gear': { perClass: 2, seconds: 0.02 },
  umged: { perClass: 6, seconds: 0.02 },
  // One measurement of each bearing and condition: the second would be of the same take.
  pu: { perClass: 40, seconds: 0.02, keep: (path) => path.endsWith('_1.mat') },
};

export const suiteSets = {
  siren: ['iiee', 'iica', 'cwru', 'mafaulda'],
  rmis: ['iica', 'iiee', 'wtpg', 'mafaulda', 'sdust-bearing', 'sdust-gear', 'umged', 'pu'],
} as const;

export type SuiteRun = { result: BenchResult; embedded: number };

/** Runs a suite on this thread; `embedded` counts the recordings that were not in the store. */
export async function run(
  options: Pick<RunOptions, 'suite' | 'data' | 'storeFolder'> & Partial<RunOptions> & { encoders?: string },
): Promise<SuiteRun> {
  const { encoders = ENCODERS, ...rest } = options;
  let embedded = 0;
  const result = await runSuite({
    listeners: await listenersFrom(encoders),
    compat: false,
    workers: 0,
    version: '1.2.3',
    command: `thrum bench ${options.suite}`,
    onProgress: (what) => {
      if (what.endsWith(': embedded')) embedded++;
    },
    ...rest,
  });
  return { result, embedded };
}

/** Rows that were measured, not published. */
export const measuredRows = ({ rows }: BenchResult): BenchRow[] => rows.filter(({ published }) => !published);

/** Ids of the columns that are no means. */
export const columnIds = ({ columns }: BenchResult): string[] =>
  columns.filter(({ group }) => group !== 'summary').map(({ id }) => id);

export function detailOf(row: BenchRow, view: string): ClassificationResult | DetectionResult {
  const found = row.details.find((detail) => detail.view === view);
  if (!found) throw new Error(`no details of ${view} in the row of ${row.encoder}`);
  return found;
}

export function faultOf(row: BenchRow, view: string): ClassificationResult {
  const detail = detailOf(row, view);
  if (detail.kind !== 'classification') throw new Error(`${view} is no classification`);
  return detail;
}

export function yearOf(row: BenchRow, year: number): DetectionResult {
  const detail = detailOf(row, `dcase${year}`);
  if (detail.kind !== 'detection') throw new Error(`${year} is no anomaly detection`);
  return detail;
}

/** Every file below a folder with its size: equal before and after a run that had nothing to write. */
export const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(folder, path)).isFile())
    .map((path) => `${path} ${statSync(join(folder, path)).size}`)
    .sort();

export type Printed = { status: number; stdout: string; notes: string[] };

/** Runs `thrum bench SUITE --json` on this thread; `notes` are the lines on standard error. */
export async function benchJson(
  options: Pick<SuiteBenchOptions, 'suite' | 'data' | 'storeFolder'> & Partial<SuiteBenchOptions>,
): Promise<Printed & { result: BenchResult }> {
  const printed = await captured(() =>
    runSuiteBench({
      encoders: 'spectral',
      runtime: {},
      compat: false,
      workers: 0,
      details: false,
      json: true,
      ...options,
    }),
  );
  return { ...printed, result: JSON.parse(printed.stdout) };
}

/** What a command prints, and its exit status. */
export async function captured(command: () => Promise<number>): Promise<Printed> {
  let [stdout, stderr] = ['', ''];
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    stdout += chunk;
    return true;
  });
  const error = vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    stderr += chunk;
    return true;
  });
  try {
    const status = await command();
    return { status, stdout, notes: stderr.split('\n').filter((line) => line !== '') };
  } finally {
    out.mockRestore();
    error.mockRestore();
  }
}

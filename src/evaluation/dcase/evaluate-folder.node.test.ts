import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFiles } from '../files/files.test-util.ts';
import type { Measured } from '../metrics/measured.ts';
import { evaluateDcaseFolders } from './evaluate-folder.node.ts';
import { type Files, madeUpClips, scoreFiles, truthFiles } from './made-up-year.test-util.ts';
import type { DcaseDecisions, DcaseFigures, DcaseResult } from './result.ts';

const known = (value: Measured | undefined): number => {
  if (value === undefined || value.value === null) throw new Error(`expected a value, got ${value?.reason}`);
  return value.value;
};

describe('evaluateDcaseFolders', () => {
  let root: string;
  const write = (files: Files, folder: string): void => writeFiles(join(root, folder), Object.entries(files));
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'thrum-dcase-'));
    const clips = madeUpClips(2025);
    write(truthFiles(2025, clips), 'dcase/2025');
    write(scoreFiles(2025, clips), 'teams/one');
    write(scoreFiles(2025, clips), 'teams/two/system_1');
  });
  afterAll(() => rmSync(root, { recursive: true }));
  const run = (scores: string, truth: string, year = 2025) =>
    evaluateDcaseFolders({ year, scores: join(root, scores), truth: join(root, truth) });

  it('names systems by their folders, and finds the ground truth below or beside the folder given', () => {
    const [one, two] = run('teams', 'dcase');
    expect([one.system, two.system]).toEqual(['one', 'two/system_1']);
    expect({ ...two, system: 'one' }).toEqual(one);
    expect(run('teams/one', 'dcase/2025')).toEqual([one]);
    expect(run('teams/one', 'dcase/2025/ground_truth_data')).toEqual([one]);
    expect(one).toMatchObject({ year: 2025, problems: [], notes: [], missing: 0 });
    expect(known(one.official)).toBeGreaterThan(0.4);
  });

  it('says what it looked for', () => {
    expect(() => run('teams', 'dcase', 2024)).toThrow(
      /^readTruth: expected the ground truth of 2024, found no recording/,
    );
    expect(() => run('dcase', 'dcase')).toThrow(
      /^evaluateDcaseFolders: expected files named anomaly_score_.*found none/,
    );
    expect(() => run('teams', 'dcase', 2019)).toThrow('dcaseYear: expected a year from 2020 to 2025, got 2019');
    expect(() => run('nowhere', 'dcase')).toThrow(/nowhere/);
  });
});

const DATA = process.env.THRUM_DATA && join(process.env.THRUM_DATA, 'dcase-evaluator');

const official = (year: number, compat = false): DcaseResult[] =>
  evaluateDcaseFolders({ year, scores: join(DATA ?? '', String(year), 'teams'), truth: DATA ?? '', compat });

type Expected = Record<string, unknown>;

const expectedOf = (year: number): Record<string, Expected> =>
  JSON.parse(readFileSync(join(DATA ?? '', String(year), 'expected.json'), 'utf8'));

/** Compares every number at every path, so that nothing in either is left out. */
function compare(found: unknown, expected: unknown, path: string): number {
  if (typeof expected === 'number') {
    expect(Math.abs(Number(found) - expected), `${path}: ${found} and ${expected}`).toBeLessThanOrEqual(1e-12);
    return 1;
  }
  expect(Object.keys(found as object).sort(), path).toEqual(Object.keys(expected as object).sort());
  return Object.entries(expected as object).reduce(
    (sum, [key, value]) => sum + compare((found as Expected)[key], value, `${path}/${key}`),
    0,
  );
}

const prf = ({ precision, recall, f1 }: DcaseDecisions): number[] => [precision, recall, f1].map(known);

const byMachine = <T>(values: readonly [string, string, T][]): Record<string, Record<string, T>> => {
  const machines: Record<string, Record<string, T>> = {};
  for (const [machine, section, value] of values) machines[machine] = { ...machines[machine], [section]: value };
  return machines;
};

const lastPart = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

const as2020 = (results: readonly DcaseResult[]) =>
  Object.fromEntries(
    results.map(({ system, sections, machines }) => [
      system,
      {
        machines: byMachine(
          sections.map(({ machine, section, auc, pauc, normal, anomalous }) => [
            machine,
            section,
            { auc: known(auc), pauc: known(pauc), n_normal: normal, n_anomaly: anomalous },
          ]),
        ),
        averages: Object.fromEntries(
          machines.map(({ machine, means: { arithmetic } }) => [
            machine,
            { auc: known(arithmetic.auc), pauc: known(arithmetic.pauc) },
          ]),
        ),
      },
    ]),
  );

const as2021 = ([result]: readonly DcaseResult[]) => ({
  sections: Object.fromEntries(
    result.sections.map(({ machine, section, domain, auc, pauc, decisions }) => [
      `${machine}_section_${section}_${domain}_test`,
      { auc: known(auc), pauc: known(pauc), prf: decisions && prf(decisions) },
    ]),
  ),
  official_score: known(result.official),
});

const sinceThen = (results: readonly DcaseResult[]) =>
  Object.fromEntries(
    results.map(({ system, sections, overall, official }) => [
      lastPart(system),
      {
        sections: Object.fromEntries(
          sections.map(({ machine, section, auc, pauc, domains }) => [
            `${machine}_section_${section}_test`,
            {
              auc_all: known(auc),
              pauc: known(pauc),
              ...Object.fromEntries(
                Object.entries(domains ?? {}).flatMap(([domain, figures]) => [
                  [`auc_${domain}`, known(figures.auc)],
                  [`prf_${domain}`, prf(figures)],
                  [`n_${domain}`, [figures.normal, figures.anomalous]],
                ]),
              ),
            },
          ]),
        ),
        hmean_auc_source: known(overall.sourceHarmonic?.auc),
        hmean_auc_target: known(overall.targetHarmonic?.auc),
        hmean_pauc: known(overall.harmonic?.pauc),
        hmean_auc: known(overall.harmonic?.auc),
        amean_auc: known(overall.arithmetic.auc),
        official_score: known(official),
      },
    ]),
  );

describe('the figures in expected.json, to 1e-12', () => {
  it.skipIf(!DATA).each([
    // Systems x (18 ids x 4 figures + 6 means x 2)
    [2020, as2020, 4 * (18 * 4 + 12)],
    // 42 sections and domains x 5 figures, and the score
    [2021, as2021, 42 * 5 + 1],
    // Systems x (sections x 14 figures + 6)
    [2022, sinceThen, 4 * (21 * 14 + 6)],
    [2023, sinceThen, 2 * (7 * 14 + 6)],
    [2024, sinceThen, 9 * 14 + 6],
  ])('%i', (year, shape, figures) => {
    const results = official(year);
    expect(results.flatMap(({ problems }) => problems)).toEqual([]);
    const found = year === 2020 ? as2020(results.map((r) => ({ ...r, system: lastPart(r.system) }))) : shape(results);
    expect(compare(found, expectedOf(year), String(year))).toBe(figures);
  });

  it.skipIf(!DATA)('2022: where long names contradict the labels, the labels are used', () => {
    const notes = official(2022)[0].notes.map((note) => /of (Toy\w+ section \d\d) .* of (\d+) of 200/.exec(note));
    expect(notes.map((found) => found?.[1])).toEqual(
      ['ToyCar', 'ToyTrain'].flatMap((machine) => ['03', '04', '05'].map((section) => `${machine} section ${section}`)),
    );
    expect(notes.reduce((sum, found) => sum + Number(found?.[2]), 0)).toBe(881);
  });
});

type Cell = string | number;

const FIGURE_NAMES = ['AUC', 'pAUC', 'precision', 'recall', 'F1 score'];
const PRF = ['precision', 'recall', 'f1'] as const;

const row = (title: string, { auc, pauc, precision, recall, f1 }: DcaseFigures): Cell[] => [
  title,
  '',
  ...[auc, pauc, precision, recall, f1].map(known),
];

function meanRows({ means }: { means: DcaseResult['overall'] }, over = ''): Cell[][] {
  const { arithmetic, harmonic = arithmetic, sourceHarmonic = arithmetic, targetHarmonic = arithmetic } = means;
  return [
    row(`arithmetic mean${over}`, arithmetic),
    row(`harmonic mean${over}`, harmonic),
    row(`source harmonic mean${over}`, sourceHarmonic),
    row(`target harmonic mean${over}`, targetHarmonic),
  ];
}

const OVER_ALL = ' over all machine types, sections, and domains';

/** The table that the official evaluator writes, from our figures. */
function officialTable(result: DcaseResult): Cell[][] {
  const { sections, machines, overall, year } = result;
  const of = (machine: string) => sections.filter((section) => section.machine === machine);
  if (year === 2020) {
    return machines.flatMap(({ machine, means: { arithmetic } }) => [
      [machine],
      ['id', 'AUC', 'pAUC'],
      ...of(machine).map(({ section, auc, pauc }) => [section.slice(3), known(auc), known(pauc)]),
      ['Average', known(arithmetic.auc), known(arithmetic.pauc)],
    ]);
  }
  const lines = machines.flatMap((entry): Cell[][] => {
    if (year === 2021) {
      const rows = of(entry.machine).map(({ section, domain = 'source', auc, pauc, decisions }) => [
        ...[section, domain, known(auc), known(pauc)],
        ...(decisions ? prf(decisions) : []),
      ]);
      return [[entry.machine], ['section', 'domain', ...FIGURE_NAMES], ...rows, ...meanRows(entry)];
    }
    const both = ['precision', 'recall', 'F1 score'].flatMap((name) => [`${name} (source)`, `${name} (target)`]);
    const rows = of(entry.machine).map(({ section, auc, pauc, domains }) => [
      section,
      ...[auc, domains?.source.auc, domains?.target.auc, pauc].map(known),
      ...PRF.flatMap((name) => [domains?.source[name], domains?.target[name]].map(known)),
    ]);
    const heading = ['section', 'AUC (all)', 'AUC (source)', 'AUC (target)', 'pAUC', ...both];
    return [[entry.machine], heading, ...rows, ['', '', ...FIGURE_NAMES], ...meanRows(entry)];
  });
  return [
    ...lines,
    ['', '', ...FIGURE_NAMES],
    ...meanRows({ means: overall }, OVER_ALL),
    ['official score', '', known(result.official)],
  ];
}

/** Rows of a file of the official evaluator, but for the jackknife interval. */
const readTable = (path: string): string[][] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('official score ci95'))
    .map((line) =>
      line
        .replace(/"([^"]*)"/g, (_, title: string) => title.replaceAll(',', '|'))
        .split(',')
        .map((cell) => cell.replaceAll('|', ',')),
    );

const TABLES: readonly [number, string, string][] = [
  ...[1, 2, 3, 4].map((i): [number, string, string] => {
    const system = `Primus_CP-JKU_task2_${i}`;
    return [2020, system, `result_${system}.csv`];
  }),
  [2021, 'synthetic', 'synthetic_result.csv'],
  ...[1, 2, 3, 4].map((i): [number, string, string] => {
    const system = `Xiao_HEU-HIT_task2_${i}`;
    return [2022, system, `${system}_result.csv`];
  }),
  [2023, 'baseline_MAHALA', 'baseline_MAHALA_result.csv'],
  [2023, 'baseline_MSE', 'baseline_MSE_result.csv'],
  [2024, 'system1', 'system1_result.csv'],
];

describe('the tables that the official evaluators wrote, cell by cell', () => {
  it.skipIf(!DATA).each(TABLES)('%i %s', (year, system, file) => {
    // The evaluator of 2022 is the one with a mistake in the means per machine.
    const result = official(year, year === 2022).find((found) => lastPart(found.system) === system);
    const table = result ? officialTable(result) : [];
    const expected = readTable(join(DATA ?? '', String(year), 'official_evaluator_output', file));
    expect(table).toHaveLength(expected.length);
    for (const [i, cells] of expected.entries()) {
      const where = `${file} row ${i + 1}: ${cells.join()} and ${table[i].join()}`;
      expect(table[i], where).toHaveLength(cells.length);
      for (const [k, cell] of cells.entries()) {
        const found = table[i][k];
        if (typeof found === 'string') expect(found, where).toBe(cell);
        else expect(Math.abs(found - Number(cell)), where).toBeLessThanOrEqual(1e-12);
      }
    }
  });
});

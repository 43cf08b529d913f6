// The ablation of fine-tuning for anomalous sound: what each part adds, machine by machine (paper "Exploring Large Scale
// Pre-Trained Models for Robust Machine Anomalous Sound Detection", table 1).
import { csvLine } from '../../signal/readers/csv-write.ts';
import { type Measured, undefinedBecause } from '../metrics/measured.ts';
import { type ScoredClip, sectionResults } from '../protocols/anomaly-result.ts';
import { areaMeans } from '../protocols/area-means.ts';

export type AblationRow = {
  name: string;
  /** Harmonic mean of AUC (source), AUC (target) and pAUC of each machine's sections, and over all machines. */
  machines: Record<string, Measured>;
  total: Measured;
  /** Over all machines: each of the three by itself. */
  aucSource: Measured;
  aucTarget: Measured;
  pauc: Measured;
  /** Shares of the layers, where they are mixed. */
  layers?: readonly number[];
  /** What was done, as it can be typed. */
  command: string;
};

/** A year from which AUC is taken per domain against all anomalies of a section. */
const YEAR = 2023;

/** One row from the scores of all test clips. */
export function ablationRow(
  name: string,
  command: string,
  scored: readonly ScoredClip[],
  layers?: readonly number[],
): AblationRow {
  const sections = sectionResults(YEAR, scored, 'all');
  const machines = [...new Set(sections.map(({ machine }) => machine))].sort();
  const own = (machine: string) => sections.filter((section) => section.machine === machine);
  const whole = areaMeans(sections);
  const ofDomain = (domain: 'source' | 'target') =>
    whole.auc.find((one) => one.domain === domain)?.value ?? undefinedBecause('nothing was scored');
  return {
    name,
    command,
    machines: Object.fromEntries(machines.map((machine) => [machine, areaMeans(own(machine)).all])),
    total: whole.all,
    aucSource: ofDomain('source'),
    aucTarget: ofDomain('target'),
    pauc: whole.pauc,
    ...(layers && { layers }),
  };
}

const percent = (figure: Measured | undefined): string =>
  figure === undefined || figure.value === null ? '' : (100 * figure.value).toFixed(2);

const machinesOf = (rows: readonly AblationRow[]): string[] => [
  ...new Set(rows.flatMap(({ machines }) => Object.keys(machines))),
];

const columnsOf = (rows: readonly AblationRow[]): string[] => [
  'row',
  ...machinesOf(rows),
  'AUC source',
  'AUC target',
  'pAUC',
  'harmonic mean',
];

const cellsOf = (row: AblationRow, machines: readonly string[]): string[] => [
  row.name,
  ...machines.map((machine) => percent(row.machines[machine])),
  ...[row.aucSource, row.aucTarget, row.pauc, row.total].map(percent),
];

/** The table in per cent, with the command behind every row, and below it the shares of the layers. */
export function ablationCsv(rows: readonly AblationRow[]): string {
  const machines = machinesOf(rows);
  const lines = [csvLine([...columnsOf(rows), 'command'])];
  for (const row of rows) lines.push(csvLine([...cellsOf(row, machines), row.command]));
  return `${lines.join('\n')}\n`;
}

/** The same for a terminal. */
export function ablationText(rows: readonly AblationRow[]): string {
  const table = [columnsOf(rows), ...rows.map((row) => cellsOf(row, machinesOf(rows)))];
  const widths = table[0].map((_, c) => Math.max(...table.map((cells) => cells[c].length)));
  return table
    .map((cells) => cells.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join('  '))
    .join('\n');
}

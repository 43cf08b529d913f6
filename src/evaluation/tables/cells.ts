// What every form of a benchmark table shares: percent, the best of a column, lines about audits, and a last check.
import { mean } from '../../signal/average.ts';
import { InputError } from '../../signal/errors.ts';
import type { Measured } from '../metrics/measured.ts';
import type {
  BenchResult,
  BenchRow,
  ClassificationResult,
  Detail,
  DetectionResult,
  LeakageAudit,
  SectionResult,
} from '../result.ts';
import { counted } from '../text/words.ts';

/** A share 0..1 in percent, without the sign. */
export const percent = (share: number, decimals: number): string => (share * 100).toFixed(decimals);

/** Two decimals as published tables have them. Details have one: their sets are small. */
export const tableDecimals = 2;
export const detailDecimals = 1;

/** Millions: `5.5 M`, `630 M`; `0` where nothing was learnt; empty where unknown. */
export const parametersText = (count: number | undefined): string =>
  count === undefined ? '' : count === 0 ? '0' : `${(count / 1e6).toFixed(count < 99.95e6 ? 1 : 0)} M`;

/**
 * The best cell of a column as the table prints it, so that what looks equal is equal; undefined while fewer than two
 * rows have a number, as there is nothing to be better than.
 */
export const bestCell = (rows: readonly BenchRow[], column: string): string | undefined => {
  const values = rows.flatMap((row) => row.values[column]?.value ?? []);
  return values.length < 2 ? undefined : percent(Math.max(...values), tableDecimals);
};

/** Whether a share prints as the best cell of its column. */
export const isBest = (value: number, best: string | undefined): boolean => percent(value, tableDecimals) === best;

/** `10 splits: nothing lies on both sides`, or how much does, with examples. */
export const auditLine = (audit: LeakageAudit): string => {
  const splits = counted(audit.splits, 'split');
  if (audit.sharedTakes === 0 && audit.sharedContent === 0) return `${splits}: no take and no content on both sides`;
  const examples = audit.examples.length > 0 ? ` (${audit.examples.join(', ')})` : '';
  return `${splits}: ${counted(audit.sharedTakes, 'take')} and the content of ${counted(audit.sharedContent, 'file')} on both sides${examples}`;
};

type SectionColumn = { title: string; figureOf(section: SectionResult): Measured | undefined };

/** The columns of a table of sections: AUC and pAUC, each by domain where there are some. */
export function sectionColumns({ sections }: DetectionResult): SectionColumn[] {
  const columnsOf = (key: 'auc' | 'pauc', name: string): SectionColumn[] => {
    const used = new Set(sections.flatMap((section) => section[key].map(({ domain }) => domain)));
    return ([undefined, 'source', 'target'] as const)
      .filter((domain) => used.has(domain))
      .map((domain) => ({
        title: domain ? `${name} ${domain}` : name,
        figureOf: (section) => section[key].find((entry) => entry.domain === domain)?.value,
      }));
  };
  return [...columnsOf('auc', 'AUC'), ...columnsOf('pauc', 'pAUC')];
}

/** What was measured here first, then what was published, each in the order given. */
export const ownFirst = <T extends { published: boolean }>(rows: readonly T[]): T[] => [
  ...rows.filter(({ published }) => !published),
  ...rows.filter(({ published }) => published),
];

/** The worst, the mean and the best of repeated splits, in percent. */
export const runsLine = (runs: readonly number[]): string => {
  const [low, high] = [Math.min(...runs), Math.max(...runs)];
  return `${runs.length} splits: ${percent(low, detailDecimals)} to ${percent(high, detailDecimals)} %, mean ${percent(mean(runs), detailDecimals)} %`;
};

function checkShare(value: number, where: string): void {
  if (!(value >= 0 && value <= 1)) {
    throw new InputError(
      `${where}: expected a share from 0 to 1, got ${value}; give an undefined figure as { value: null, reason }`,
    );
  }
}

function checkClassification(detail: ClassificationResult, where: string): Measured[] {
  const { confusion, curve, perClass } = detail;
  const size = confusion.labels.length;
  if (confusion.counts.length !== size || confusion.counts.some((row) => row.length !== size)) {
    throw new InputError(`${where}: expected a ${size} x ${size} confusion matrix, one row and column per label`);
  }
  if (confusion.counts.flat().some((count) => !Number.isInteger(count) || count < 0)) {
    throw new InputError(`${where}: expected counts in the confusion matrix, got ${confusion.counts.flat()}`);
  }
  if (curve && curve.trainShare.length !== curve.score.length) {
    throw new InputError(
      `${where}: expected as many scores as training shares in the curve, got ${curve.score.length} and ${curve.trainShare.length}`,
    );
  }
  const plain = [...(detail.interval ?? []), ...(detail.runs ?? [])];
  if (curve) plain.push(...curve.trainShare, ...curve.score, curve.trapezoid, curve.simpson);
  for (const value of plain) checkShare(value, where);
  const { score, accuracy, macroPrecision, macroRecall, macroF1, weightedF1 } = detail;
  const ofClasses = perClass.flatMap(({ precision, recall, f1 }) => [precision, recall, f1]);
  return [score, accuracy, macroPrecision, macroRecall, macroF1, weightedF1, ...ofClasses];
}

const detectionFigures = ({ score, development, evaluation, official, sections }: DetectionResult): Measured[] => [
  score,
  development,
  evaluation,
  official,
  ...sections.flatMap((section) => [...section.auc, ...section.pauc].map((entry) => entry.value)),
];

const figuresOf = (detail: Detail, where: string): Measured[] =>
  detail.kind === 'classification' ? checkClassification(detail, where) : detectionFigures(detail);

/** @throws InputError where `caller` could only print nonsense: figures outside 0..1, matrices that are not square. */
export function checkBench(result: BenchResult, caller: string): void {
  const check = (value: Measured | undefined, where: string) => {
    if (value && value.value !== null) checkShare(value.value, `${caller}: ${where}`);
  };
  for (const row of result.rows) {
    if (row.parameters !== undefined && !(row.parameters >= 0 && Number.isFinite(row.parameters))) {
      throw new InputError(`${caller}: ${row.encoder}: expected a number of parameters, got ${row.parameters}`);
    }
    for (const { id } of result.columns) check(row.values[id], `${row.encoder}, ${id}`);
    for (const detail of row.details) {
      const where = `${row.encoder}, ${detail.view}`;
      for (const figure of figuresOf(detail, `${caller}: ${where}`)) check(figure, where);
    }
  }
}

/** Rows that rest on fewer recordings of a data set than others: `fsdd: fisher-tiny heard 2987 of 3000 recordings`. */
export function unequalRecordings({ rows }: Pick<BenchResult, 'rows'>): string[] {
  const details = rows.flatMap(({ encoder, details: own }) => own.map((detail) => ({ encoder, detail })));
  return details.flatMap(({ encoder, detail: { view, recordings } }) => {
    const most = Math.max(
      ...details.filter(({ detail }) => detail.view === view).map(({ detail }) => detail.recordings),
    );
    return recordings < most ? [`${view}: ${encoder} heard ${recordings} of ${most} recordings`] : [];
  });
}

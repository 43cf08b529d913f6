// The benchmark for other programs: one line per encoder, and one line per figure behind it. RFC 4180, percent.
import { csvLine } from '../../signal/readers/csv-write.ts';
import type { Measured } from '../metrics/measured.ts';
import type { BenchResult, BenchRow, ClassificationResult, Detail, DetectionResult } from '../result.ts';
import { checkBench, percent, tableDecimals, unequalRecordings } from './cells.ts';

/** A comment is one line, whatever the command contains. */
const commentOf = ({ provenance }: BenchResult): string =>
  `# thrum ${provenance.version}: ${provenance.command}`.replace(/[\r\n]+/g, ' ');

/** 15 digits: all that a double holds, without what the product with 100 adds (0.57 * 100 = 56.99999999999999). */
const fullPercent = (share: number): string => String(Number((share * 100).toPrecision(15)));

const shareText = (share: number, published: boolean): string =>
  published ? percent(share, tableDecimals) : fullPercent(share);

const cell = (value: Measured | undefined, published: boolean): string =>
  value === undefined || value.value === null ? '' : shareText(value.value, published);

const reasons = (row: BenchRow, columns: BenchResult['columns']): string =>
  columns
    .flatMap(({ id }) => {
      const value = row.values[id];
      return value && value.value === null ? [`${id}: ${value.reason}`] : [];
    })
    .join('; ');

/**
 * The table as CSV: a first line `# thrum VERSION: COMMAND`, one such line for every row that rests on fewer recordings
 * than others, a header, one line per encoder; lines end with `\n`. Scores
 * are percent, ours with all digits, published ones with the two they were published with. A cell without a number is
 * empty: not defined if the last column, `reasons`, says why, else not run.
 * @throws InputError if a figure is no share from 0 to 1.
 */
export function benchCsv(result: BenchResult): string {
  checkBench(result, 'benchCsv');
  const { columns } = result;
  const header = ['encoder', 'published', 'parameters', 'fingerprint', ...columns.map(({ id }) => id), 'reasons'];
  const rows = result.rows.map((row) => [
    row.encoder,
    String(row.published),
    row.parameters === undefined ? '' : String(row.parameters),
    row.fingerprint ?? '',
    ...columns.map(({ id }) => cell(row.values[id], row.published)),
    reasons(row, columns),
  ]);
  const remarks = unequalRecordings(result).map((line) => `# ${line}`.replace(/[\r\n]+/g, ' '));
  return `${[commentOf(result), ...remarks, csvLine(header), ...rows.map(csvLine)].join('\n')}\n`;
}

/** One figure; what does not apply is absent. `x` is the number of a run from 1, or the share of training data. */
type Figure = {
  metric: string;
  value: Measured | number;
  unit?: 'count';
  set?: string;
  machine?: string;
  section?: string;
  domain?: string;
  class?: string;
  predicted?: string;
  x?: string;
};

const places = ['set', 'machine', 'section', 'domain', 'class', 'predicted', 'x'] as const;

function classificationFigures(detail: ClassificationResult): Figure[] {
  const { interval, curve, confusion } = detail;
  return [
    { metric: 'score', value: detail.score },
    ...(interval
      ? [
          { metric: 'score-low', value: interval[0] },
          { metric: 'score-high', value: interval[1] },
        ]
      : []),
    { metric: 'accuracy', value: detail.accuracy },
    { metric: 'macro-precision', value: detail.macroPrecision },
    { metric: 'macro-recall', value: detail.macroRecall },
    { metric: 'macro-f1', value: detail.macroF1 },
    { metric: 'weighted-f1', value: detail.weightedF1 },
    ...detail.perClass.flatMap((result): Figure[] => [
      { metric: 'precision', class: result.label, value: result.precision },
      { metric: 'recall', class: result.label, value: result.recall },
      { metric: 'f1', class: result.label, value: result.f1 },
      { metric: 'support', class: result.label, value: result.support, unit: 'count' },
    ]),
    ...confusion.counts.flatMap((row, i) =>
      row.map(
        (count, j): Figure => ({
          metric: 'confusion',
          class: confusion.labels[i],
          predicted: confusion.labels[j],
          value: count,
          unit: 'count',
        }),
      ),
    ),
    ...(detail.runs ?? []).map((value, i): Figure => ({ metric: 'run', x: String(i + 1), value })),
    ...(curve?.score ?? []).map((value, i): Figure => ({ metric: 'curve', x: String(curve?.trainShare[i]), value })),
    ...(curve
      ? [
          { metric: 'curve-trapezoid', value: curve.trapezoid },
          { metric: 'curve-simpson', value: curve.simpson },
        ]
      : []),
  ];
}

const detectionFigures = (detail: DetectionResult): Figure[] => [
  { metric: 'score', value: detail.score },
  { metric: 'development', value: detail.development },
  { metric: 'evaluation', value: detail.evaluation },
  { metric: 'official', value: detail.official },
  ...detail.sections.flatMap(({ set, machine, section, auc, pauc }) => [
    ...auc.map(({ domain, value }): Figure => ({ metric: 'auc', set, machine, section, domain, value })),
    ...pauc.map(({ domain, value }): Figure => ({ metric: 'pauc', set, machine, section, domain, value })),
  ]),
];

const figuresOf = (detail: Detail): Figure[] => [
  ...(detail.kind === 'classification' ? classificationFigures(detail) : detectionFigures(detail)),
  { metric: 'recordings', value: detail.recordings, unit: 'count' },
  { metric: 'splits', value: detail.audit.splits, unit: 'count' },
  { metric: 'shared-takes', value: detail.audit.sharedTakes, unit: 'count' },
  { metric: 'shared-content', value: detail.audit.sharedContent, unit: 'count' },
];

const valueText = ({ value, unit }: Figure): string => {
  if (typeof value !== 'number') return cell(value, false);
  return unit === 'count' ? String(value) : fullPercent(value);
};

/**
 * Everything behind the numbers measured here, one figure per line: percent (`%`) with all digits, or a count. A figure
 * without a value has a reason. First lines as in `benchCsv`.
 * @throws InputError if a figure is no share from 0 to 1.
 */
export function detailCsv(result: BenchResult): string {
  checkBench(result, 'detailCsv');
  const header = ['encoder', 'view', 'protocol', ...places, 'metric', 'value', 'unit', 'reason'];
  const rows = result.rows.flatMap((row) =>
    row.details.flatMap((detail) =>
      figuresOf(detail).map((figure) => [
        row.encoder,
        detail.view,
        detail.protocol,
        ...places.map((place) => figure[place] ?? ''),
        figure.metric,
        valueText(figure),
        figure.unit ?? '%',
        typeof figure.value !== 'number' && figure.value.value === null ? figure.value.reason : '',
      ]),
    ),
  );
  const remarks = unequalRecordings(result).map((line) => `# ${line}`.replace(/[\r\n]+/g, ' '));
  return `${[commentOf(result), ...remarks, csvLine(header), ...rows.map(csvLine)].join('\n')}\n`;
}

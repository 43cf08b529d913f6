// What lies behind one number of a benchmark, as plain text: machines, classes, confusion, splits, audit.
import type { Measured } from '../metrics/measured.ts';
import type { ClassificationResult, Detail, DetectionResult } from '../result.ts';
import { columnWidth, gap, type PlainColumn, plainTable, printable, wrap } from '../text/plain.ts';
import { auditLine, detailDecimals, percent, runsLine, sectionColumns } from './cells.ts';

type Mark = { mark(reason: string): string };

const figure = (value: Measured, notes: Mark): string =>
  value.value === null ? `-${notes.mark(value.reason)}` : percent(value.value, detailDecimals);

const left = (head: string, cells: string[]): PlainColumn => ({
  head: [head],
  cells: cells.map(printable),
  align: 'left',
});
const right = (head: string, cells: string[]): PlainColumn => ({ head: [head], cells, align: 'right' });

const lines = (columns: PlainColumn[]): string[] => {
  const { head, body } = plainTable(columns);
  return [...head, ...body].map((line) => gap + line);
};

/** Names and their number, as the columns of a confusion matrix have only numbers. */
const confusionLines = ({ labels, counts }: ClassificationResult['confusion']): string[] => {
  const numbers = labels.map((_, i) => String(i + 1));
  const cells = labels.map((_, predicted) =>
    right(
      numbers[predicted],
      counts.map((row) => String(row[predicted])),
    ),
  );
  return [
    `${gap}confusion: rows are true, columns predicted`,
    ...lines([right('', numbers), left('', labels), ...cells]),
  ];
};

const curveLines = ({ curve }: ClassificationResult, width: number): string[] => {
  if (!curve) return [];
  const points = curve.trainShare
    .map((share, i) => ({ share, score: curve.score[i] }))
    .sort((a, b) => a.share - b.share)
    .map(({ share, score }) => `${percent(share, 0)}: ${percent(score, detailDecimals)}`);
  const area = `area ${percent(curve.trapezoid, detailDecimals)} (trapezoid), ${percent(curve.simpson, detailDecimals)} (Simpson)`;
  return wrap(`by share of training data, ${area}: ${points.join(', ')}`, width, gap + gap, gap);
};

function classificationLines(detail: ClassificationResult, width: number, notes: Mark): string[] {
  const { perClass, interval, runs } = detail;
  const figures: [string, Measured][] = [
    ['score', detail.score],
    ['accuracy', detail.accuracy],
    ['macro precision', detail.macroPrecision],
    ['macro recall', detail.macroRecall],
    ['macro F1', detail.macroF1],
    ['weighted F1', detail.weightedF1],
  ];
  const range = interval
    ? ` (95 % interval ${percent(interval[0], detailDecimals)} to ${percent(interval[1], detailDecimals)})`
    : '';
  const summary = figures
    .map(([name, value], i) => `${name} ${figure(value, notes)}${i === 0 ? range : ''}`)
    .join(', ');
  const of = (key: 'precision' | 'recall' | 'f1') => perClass.map((result) => figure(result[key], notes));
  const classes = [
    left(
      'class',
      perClass.map((result) => result.label),
    ),
    right(
      'files',
      perClass.map((result) => String(result.support)),
    ),
    right('precision', of('precision')),
    right('recall', of('recall')),
    right('F1', of('f1')),
  ];
  return [
    ...wrap(summary, width, gap + gap, gap),
    ...(runs && runs.length > 0 ? wrap(runsLine(runs), width, gap + gap, gap) : []),
    ...(perClass.length > 0 ? lines(classes) : []),
    ...(detail.confusion.labels.length > 0 ? confusionLines(detail.confusion) : []),
    ...curveLines(detail, width),
  ];
}

function detectionLines(detail: DetectionResult, width: number, notes: Mark): string[] {
  const { sections } = detail;
  const figures: [string, Measured][] = [
    ['score', detail.score],
    ['development', detail.development],
    ['evaluation', detail.evaluation],
    ['official (evaluation)', detail.official],
  ];
  const summary = figures.map(([name, value]) => `${name} ${figure(value, notes)}`).join(', ');
  const numbers = sectionColumns(detail).map(({ title, figureOf }) =>
    right(
      title,
      sections.map((section) => {
        const value = figureOf(section);
        return value ? figure(value, notes) : '';
      }),
    ),
  );
  const column = (key: 'set' | 'machine' | 'section') =>
    left(
      key,
      sections.map((section) => section[key]),
    );
  const table = [column('set'), column('machine'), column('section'), ...numbers].filter(
    (candidate) => columnWidth(candidate) > 0,
  );
  return [...wrap(summary, width, gap + gap, gap), ...(sections.length > 0 ? lines(table) : [])];
}

/** The lines of one detail, under a heading with data set, encoder and protocol. `notes` numbers what is undefined. */
export function detailText(encoder: string, detail: Detail, width: number, notes: Mark): string[] {
  const heading = `${detail.view}, ${encoder}: ${detail.protocol}; ${detail.recordings} recordings`;
  const body =
    detail.kind === 'classification' ? classificationLines(detail, width, notes) : detectionLines(detail, width, notes);
  return [...wrap(heading, width, gap), ...body, ...wrap(auditLine(detail.audit), width, gap + gap, gap)];
}

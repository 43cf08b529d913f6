// A result over life as text, as rows of a table for other programs, and as JSON.
import { mean } from '../../signal/average.ts';
import { csvLine } from '../../signal/readers/csv-write.ts';
import type { Measured } from '../metrics/measured.ts';
import { alignRows } from '../text/plain.ts';
import { type LifeResult, percent, RUL_METHODS, type RulMethod } from './protocol.ts';

const HOUR = 3600;

const UNDEFINED = '-';

const fixed = (figure: Measured, digits: number): string =>
  figure.value === null ? UNDEFINED : figure.value.toFixed(digits);

const percentOf = (figure: Measured): string =>
  figure.value === null ? UNDEFINED : `${(100 * figure.value).toFixed(1)} %`;

const align = (rows: readonly (readonly string[])[]): string[] =>
  alignRows(rows, (column) => (column === 0 ? 'left' : 'right'));

const bearingRows = ({ bearings, mean }: LifeResult): string[][] => [
  [
    'bearing',
    'records',
    'fitted',
    'life h',
    'first alarm',
    'false',
    'early',
    'monotonicity',
    'trendability',
    ...RUL_METHODS.map((method) => `RUL ${method}`),
  ],
  ...bearings.map((one) => [
    one.bearing,
    String(one.records),
    String(one.fitted),
    (one.lifeSeconds / HOUR).toFixed(2),
    percentOf(one.alarm.shareOfLife),
    String(one.alarm.falseAlarms),
    String(one.alarm.earlyAlarms),
    fixed(one.monotonicity, 3),
    fixed(one.trendability, 3),
    ...RUL_METHODS.map((method) => fixed(one.rulScore[method], 3)),
  ]),
  [
    'mean',
    '',
    '',
    '',
    percentOf(mean.firstAlarm),
    fixed(mean.falseAlarms, 1),
    fixed(mean.earlyAlarms, 1),
    fixed(mean.monotonicity, 3),
    fixed(mean.trendability, 3),
    ...RUL_METHODS.map((method) => fixed(mean.rulScore[method], 3)),
  ],
];

/** Mean over the bearings of the PHM 2012 score at every share of life, and on how many of them a trend was found. */
export function scoresByShare({ settings, bearings }: LifeResult): {
  share: number;
  trends: number;
  score: Record<RulMethod, number>;
}[] {
  const predicted = bearings.filter(({ rul }) => rul.length > 0);
  if (predicted.length === 0) return [];
  return settings.shares.map((share, i) => {
    const at = predicted.map(({ rul }) => rul[i]);
    const scoreOf = (method: RulMethod): number => mean(at.map(({ score }) => score[method]));
    return {
      share,
      trends: at.filter(({ basis }) => basis === 'trend').length,
      score: { trend: scoreOf('trend'), age: scoreOf('age'), constant: scoreOf('constant') },
    };
  });
}

const shareRows = (result: LifeResult): string[][] => [
  ['truncated at', 'with a trend', ...RUL_METHODS.map((method) => `RUL ${method}`)],
  ...scoresByShare(result).map(({ share, trends, score }) => [
    percent(share),
    `${trends} of ${result.bearings.length}`,
    ...RUL_METHODS.map((method) => score[method].toFixed(3)),
  ]),
];

/** Why figures are undefined, each reason once. */
function undefinedNotes({ mean, prognosability }: LifeResult): string[] {
  const figures = [
    mean.firstAlarm,
    mean.monotonicity,
    mean.trendability,
    ...RUL_METHODS.map((one) => mean.rulScore[one]),
    prognosability,
  ];
  return [...new Set(figures.flatMap((figure) => (figure.value === null ? [`${UNDEFINED}  ${figure.reason}`] : [])))];
}

/** Tables for a terminal: a row per bearing, and a row per share of life at which remaining life was predicted. */
export function formatLifeTable(result: LifeResult): string {
  const shares = shareRows(result);
  const channel = result.channel === 'all' ? 'all channels' : `channel ${result.channel + 1}`;
  return [
    `condition over life, ${result.encoder.id}, ${channel}`,
    '',
    ...align(bearingRows(result)),
    '',
    `prognosability ${fixed(result.prognosability, 3)}`,
    ...undefinedNotes(result),
    ...(shares.length > 1 ? ['', ...align(shares)] : []),
    '',
    `${result.protocol}; RUL trend: extrapolated health, by age where there is no trend; age: mean life of the others minus age; constant: what they have left on average`,
  ].join('\n');
}

const CSV_COLUMNS = [
  'encoder',
  'channel',
  'bearing',
  'condition',
  'records',
  'fitted',
  'life_s',
  'threshold',
  'first_alarm_share',
  'false_alarms',
  'early_alarms',
  'monotonicity',
  'trendability',
  'truncated_at',
  'age_s',
  'actual_s',
  'basis',
  ...RUL_METHODS.map((method) => `predicted_${method}_s`),
  ...RUL_METHODS.map((method) => `score_${method}`),
];

type Cell = string | number | null;

/**
 * One row per bearing and share of life at which its remaining life was predicted (one row where it was not), under a
 * header; figures of the bearing stand in each of its rows. Undefined figures are empty.
 */
export function lifeCsv(result: LifeResult): string {
  const rows = result.bearings.flatMap((one): Cell[][] => {
    const own = [
      result.encoder.id,
      result.channel === 'all' ? 'all' : result.channel + 1,
      one.bearing,
      one.condition,
      one.records,
      one.fitted,
      one.lifeSeconds,
      one.threshold,
      one.alarm.shareOfLife.value,
      one.alarm.falseAlarms,
      one.alarm.earlyAlarms,
      one.monotonicity.value,
      one.trendability.value,
    ];
    if (one.rul.length === 0) return [[...own, ...Array<null>(CSV_COLUMNS.length - own.length).fill(null)]];
    return one.rul.map(({ share, ageSeconds, actualSeconds, basis, predictedSeconds, score }) => [
      ...own,
      share,
      ageSeconds,
      actualSeconds,
      basis,
      ...RUL_METHODS.map((method) => predictedSeconds[method]),
      ...RUL_METHODS.map((method) => score[method]),
    ]);
  });
  const { provenance } = result;
  const comment = provenance ? `# thrum ${provenance.version}: ${provenance.command}\n` : '';
  return comment + [CSV_COLUMNS, ...rows].map((cells) => `${csvLine(cells)}\n`).join('');
}

/** The whole result, curves included, as one line of JSON. */
export const lifeJson = (result: LifeResult): string => `${JSON.stringify(result)}\n`;

// The verdict in words: what a reader must know if he reads one sentence.
import { formatCount, formatPercent, groupThousands } from './format.ts';
import type { ReportData, ReportRow } from './types.ts';

export type Counts = { scored: number; anomalous: number; normal: number; failed: number };

/** Rows with a score. */
export const scoredRows = (rows: readonly ReportRow[]): ReportRow[] => rows.filter((row) => row.error === undefined);

/** How many rows were scored, with which verdict, and how many rows and files failed. */
export const countVerdicts = (data: Pick<ReportData, 'rows' | 'failures'>): Counts => {
  const scored = scoredRows(data.rows);
  const anomalous = scored.filter((row) => row.verdict === 'anomalous').length;
  return {
    scored: scored.length,
    anomalous,
    normal: scored.length - anomalous,
    failed: data.rows.length - scored.length + data.failures.length,
  };
};

/** What a row is called: a segment where files were cut and some gave several rows, else a recording. */
export const rowNoun = (data: Pick<ReportData, 'rows' | 'detector'>): 'segment' | 'recording' =>
  data.detector.segmentSeconds !== null && new Set(data.rows.map((row) => row.file)).size < data.rows.length
    ? 'segment'
    : 'recording';

/** The verdict in one sentence: `3 of 14 recordings are not normal at a false-alarm rate of 1 %.` */
export const verdictSentence = (data: Pick<ReportData, 'rows' | 'failures' | 'detector' | 'calibration'>): string => {
  const { scored, anomalous } = countVerdicts(data);
  const noun = rowNoun(data);
  const rate = `at a false-alarm rate of ${formatPercent(data.calibration.falseAlarmRate)}.`;
  if (scored === 0) return `No ${noun} could be scored.`;
  if (scored === 1) return `The ${noun} is ${anomalous ? 'not normal' : 'normal'} ${rate}`;
  if (anomalous === 0) return `All ${formatCount(scored, noun)} are normal ${rate}`;
  if (anomalous === scored) return `None of the ${formatCount(scored, noun)} is normal ${rate}`;
  return `${groupThousands(anomalous)} of ${formatCount(scored, noun)} ${anomalous === 1 ? 'is' : 'are'} not normal ${rate}`;
};

/**
 * What chance alone would do, so that a handful of alarms among thousands is read for what it is. Says nothing
 * for fewer than two rows.
 */
export const expectedFalseAlarms = (
  data: Pick<ReportData, 'rows' | 'failures' | 'detector' | 'calibration'>,
): string => {
  const { scored } = countVerdicts(data);
  if (scored < 2) return '';
  const expected = scored * data.calibration.falseAlarmRate;
  const amount = expected < 1 ? 'fewer than one' : `about ${groupThousands(Math.round(expected))}`;
  return `If all of them were normal, ${amount} would be flagged by chance.`;
};

/** Where a score stands among the normal ones: `higher than all 200 normal scores`. */
export const rankSentence = (score: number, normalScores: readonly number[]): string => {
  const below = normalScores.filter((normal) => normal < score).length;
  const total = formatCount(normalScores.length, 'normal score');
  if (below === normalScores.length) return `higher than all ${total}`;
  if (below === 0) return `higher than none of ${total}`;
  return `higher than ${groupThousands(below)} of ${total}`;
};

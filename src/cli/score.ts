// thrum score: scores, verdicts and a report for recordings.
import { basename, join } from 'node:path';
import { withThreshold } from '../detection/detector.ts';
import { writeDetector } from '../detection/detector-file.ts';
import type { ScoredRecording } from '../detection/score-files.node.ts';
import { scoreShards } from '../detection/score-shards.node.ts';
import { isSharded, SHARD_INDEX } from '../detection/shards.node.ts';
import { renderReport } from '../report/report.ts';
import { buildScoreReport, rowsOf } from '../report/score-report.node.ts';
import { formatScoreTable } from '../report/terminal.ts';
import { collectFiles } from '../signal/collect-files.node.ts';
import { csvLine } from '../signal/readers/csv-write.ts';
import { archiveOptionSpecs, checkArchiveOptions, filesPlan, runPlan, sha256 } from './archive.ts';
import {
  type Command,
  flag,
  InputError,
  number,
  type Options,
  required,
  requireFiles,
  text,
  UsageError,
} from './command.ts';
import { readDetectorFile } from './detector-option.ts';
import { checkWritable, note, print, reportFailures, writeFileSafely } from './output.ts';
import { collectScores, scoreAll, scoringFrom, scoringOptionSpecs } from './scoring.ts';
import { machinesToScore, shardOptionSpecs, shardsFrom } from './shard-options.ts';
import { version } from './version.ts';

/** One recording as a program may read it. */
export function plainRow({ path, name, startSeconds, durationSeconds, constant, verdict, diagnosis }: ScoredRecording) {
  return {
    file: path,
    recording: name,
    startSeconds,
    durationSeconds,
    ...(verdict && {
      score: verdict.score,
      pValue: verdict.pValue,
      anomalous: verdict.anomalous,
      bands: verdict.bands,
      nearest: verdict.nearest,
      segments: verdict.segments.map(({ score }) => score),
    }),
    ...(diagnosis && {
      diagnosis: { label: diagnosis.label, confidence: diagnosis.confidence, votes: diagnosis.votes },
    }),
    ...(constant && { constant }),
  };
}

/** A table that DCASE evaluators and spreadsheets read. */
function csvRow({ name, startSeconds, durationSeconds, verdict, diagnosis }: ScoredRecording): string {
  const [top] = [...(verdict?.bands ?? [])].sort((a, b) => b.share - a.share);
  const cells = [
    name,
    startSeconds,
    durationSeconds,
    verdict?.score ?? '',
    verdict?.pValue ?? '',
    verdict ? (verdict.anomalous ? 'anomalous' : 'normal') : '',
    top ? Math.round(top.lowHz) : '',
    top ? Math.round(top.highHz) : '',
    top ? top.share.toFixed(4) : '',
    diagnosis?.label ?? '',
  ];
  return csvLine(cells);
}

const CSV_HEADER =
  'recording,start_s,duration_s,score,p_value,verdict,top_band_low_hz,top_band_high_hz,top_band_share,diagnosis';

/** More rows than a terminal shows in one go. */
const TABLE_ROWS = 60;

export const scoreCommand: Command = {
  summary: 'say how normal recordings are, and where they are not',
  usage: 'FILES… --detector FILE [options]',
  examples: [
    'thrum score recordings/today --detector pump.thrum --report today.html',
    'thrum score run.npz --detector bearing.thrum --csv > scores.csv',
    'thrum score archive/ --detector pump.thrum --queue nats://broker:4222 --out scores/',
  ],
  options: {
    detector: { value: 'FILE', short: 'd', description: 'detector made by thrum fit' },
    report: { value: 'FILE', description: 'write an HTML report' },
    json: { description: 'print one JSON object per recording' },
    csv: { description: 'print a CSV table' },
    ...shardOptionSpecs,
    'false-alarm-rate': { value: 'P', description: 'another false-alarm rate than the detector was fitted for' },
    out: { value: 'DIR', short: 'o', description: 'with --queue: folder for the results, as Parquet files' },
    ...archiveOptionSpecs,
    ...scoringOptionSpecs,
  },
  async run(paths, options) {
    requireFiles(paths);
    checkArchiveOptions(options, ['report', 'json', 'csv', 'provider', 'workers', 'encoder']);
    const queued = text(options, 'queue') !== undefined;
    if (!queued && text(options, 'out') !== undefined) throw new UsageError('--out needs --queue');
    const detectorPath = required(options, 'detector', 'FILE');
    const report = text(options, 'report');
    if (report !== undefined) checkWritable(report);
    if (isSharded(detectorPath)) return scoreByMachine(paths, options, detectorPath, queued);
    const forMany = Object.keys(shardOptionSpecs).find((name) => options[name] !== undefined);
    if (forMany) throw new UsageError(`--${forMany} needs a folder made with thrum fit --machines as detector`);
    let detector = await readDetectorFile(detectorPath);
    const rate = number(options, 'false-alarm-rate', { above: 0, below: 1 });
    if (rate !== undefined) detector = withThreshold(detector, { falseAlarmRate: rate });
    if (!detector.calibration) {
      throw new InputError(`${detectorPath} holds labelled faults only, without normal recordings; use thrum diagnose`);
    }
    const files = collectFiles(paths);
    if (queued) {
      const bytes = await writeDetector(detector);
      const perSegment = flag(options, 'per-segment');
      const resample = flag(options, 'resample');
      const plan = { kind: 'score', detector: sha256(bytes), resample, perSegment, ...filesPlan(options) } as const;
      return runPlan(files, options, plan, bytes);
    }
    const scoring = await scoringFrom(options, detector, detectorPath);
    if (flag(options, 'csv')) print(CSV_HEADER);
    const { scored, failures } = await scoreAll(files, detector, scoring, (row) => {
      if (flag(options, 'json')) print(JSON.stringify(plainRow(row)));
      if (flag(options, 'csv')) print(csvRow(row));
    });
    if (!flag(options, 'json') && !flag(options, 'csv')) printTable(scored);
    if (report !== undefined && scored.length > 0) {
      const title = files.length === 1 ? basename(files[0]) : `${files.length} recordings`;
      const data = await buildScoreReport({
        title,
        version: version(),
        detector,
        detectorName: basename(detectorPath),
        scored,
        failures,
        options: scoring,
        notes: [],
      });
      writeFileSafely(report, renderReport(data));
      note(`report written to ${report}`);
    } else if (report !== undefined) note(`no report: nothing could be scored, ${report} is as it was`);
    return reportFailures(failures, files.length);
  },
};

/** Every file by the detector of its machine. */
async function scoreByMachine(
  paths: readonly string[],
  options: Options,
  folder: string,
  queued: boolean,
): Promise<number> {
  const unused = queued ? 'queue' : ['report', 'false-alarm-rate'].find((name) => options[name] !== undefined);
  if (unused) throw new UsageError(`--${unused} takes the detector of one machine: a file of ${folder}`);
  const files = collectFiles(paths);
  const shards = shardsFrom(options, folder);
  const machineOf = machinesToScore(options, shards, files);
  const scoring = await scoringFrom(options, shards, join(folder, SHARD_INDEX));
  if (flag(options, 'csv')) print(CSV_HEADER);
  const results = scoreShards(files, shards, machineOf, scoring);
  const { scored, failures } = await collectScores(results, files.length, (row) => {
    if (flag(options, 'json')) print(JSON.stringify({ machine: machineOf(row.path), ...plainRow(row) }));
    if (flag(options, 'csv')) print(csvRow(row));
  });
  if (!flag(options, 'json') && !flag(options, 'csv')) printTable(scored);
  return reportFailures(failures, files.length);
}

function printTable(scored: readonly ScoredRecording[]): void {
  if (scored.length === 0) return;
  const width = process.stdout.columns ?? 120;
  const rows = rowsOf(scored);
  const worst = [...rows].sort((a, b) => b.score - a.score).slice(0, TABLE_ROWS);
  print(formatScoreTable(worst, { colour: process.stdout.isTTY === true, width }));
  if (rows.length > worst.length)
    note(`the ${worst.length} highest of ${rows.length} scores; --csv or --report for all`);
  const anomalous = rows.filter(({ verdict }) => verdict === 'anomalous').length;
  print(`${anomalous} of ${rows.length} anomalous`);
}

// From scored recordings to the data of a report: rows, details of the worst, the curve over a run.
import { thresholdBasis } from '../detection/calibration.ts';
import { type Detector, isNormal } from '../detection/detector.ts';
import type { ScoredRecording, ScoreFilesOptions } from '../detection/score-files.node.ts';
import { chooseRecordings, type Failure } from '../encoders/embed-file.node.ts';
import { prepareRecording } from '../encoders/embed-recording.ts';
import { loadEncoder } from '../encoders/load.node.ts';
import type { Encoder } from '../encoders/types.ts';
import { readRecordingFile } from '../signal/read-file.node.ts';
import { partStart } from '../signal/segments.ts';
import { curveOf } from './curve.ts';
import { pictureMoment, pieceDeviation, segmentNear } from './moment.ts';
import { playable } from './picture.ts';
import type { ReportData, ReportDetail, ReportRow } from './types.ts';

export type ScoreReportInput = {
  title: string;
  version: string;
  detector: Detector;
  detectorName: string;
  scored: readonly ScoredRecording[];
  failures: readonly Failure[];
  options: ScoreFilesOptions;
  notes: readonly string[];
};

/** Recordings that are opened again for pictures: the worst ones. */
const DETAILS = 8;

/** The folder that all names start with, its last slash included. */
function commonFolder(names: readonly string[]): string {
  const parent = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);
  let folder = parent(names[0] ?? '');
  while (folder !== '' && !names.every((name) => name.startsWith(folder))) folder = parent(folder.slice(0, -1));
  return folder;
}

/** Rows as the report and the terminal show them. */
export function rowsOf(scored: readonly ScoredRecording[]): ReportRow[] {
  const folder = commonFolder(scored.map(({ name }) => name));
  const counts = new Map<string, number>();
  return scored.map(({ name, startSeconds, durationSeconds, verdict, diagnosis }) => {
    const index = counts.get(name) ?? 0;
    counts.set(name, index + 1);
    return {
      file: name.slice(folder.length),
      index,
      startSeconds,
      durationSeconds,
      score: verdict?.score ?? Number.NaN,
      pValue: verdict?.pValue ?? Number.NaN,
      verdict: verdict?.anomalous ? 'anomalous' : 'normal',
      ...(diagnosis && { diagnosis: { label: diagnosis.label, confidence: diagnosis.confidence } }),
      ...(verdict && { bands: verdict.bands.map(({ lowHz, highHz, share }) => ({ lowHz, highHz, share })) }),
    };
  });
}

/** Start of the segment with the highest score; the recording's own start where it is a segment itself. */
function worstStart(row: ScoredRecording, segmentSeconds: number | null): number {
  const segments = row.verdict?.segments ?? [];
  if (segments.length <= 1 || segmentSeconds === null) return row.startSeconds;
  const worst = segments.reduce((best, segment, i) => (segment.score > segments[best].score ? i : best), 0);
  return row.startSeconds + worst * segmentSeconds;
}

/** Reads the worst segment of a recording again, and pictures it. */
async function detailOf(
  index: number,
  row: ScoredRecording,
  encoder: Encoder,
  { detector, options }: ScoreReportInput,
): Promise<ReportDetail | undefined> {
  const { channel, segmentSeconds, sampleRate } = detector.signal;
  const { chosen, part } = chooseRecordings(await readRecordingFile(row.path, options.read), options.part);
  const recording = chosen.find(({ name }) => name === row.name);
  if (!recording) return undefined;
  const prepared = prepareRecording(recording, {
    channel,
    segmentSeconds,
    part,
    sampleRate,
    resample: options.resample,
  });
  const start = worstStart(row, segmentSeconds) - (part ? partStart(recording, part) : 0);
  const [piece] = segmentNear(prepared, detector.signal, start).channels;
  const map = await pieceDeviation(piece, encoder, detector);
  const nearest = row.verdict?.nearest;
  return {
    row: index,
    ...pictureMoment(piece, map),
    audio: playable(piece),
    ...(nearest &&
      row.verdict && {
        nearest: { file: nearest.file, startSeconds: nearest.startSeconds, distance: row.verdict.score },
      }),
  };
}

async function detailsOf(input: ScoreReportInput): Promise<ReportDetail[]> {
  const { scored, options } = input;
  const worst = scored
    .map((row, index) => ({ row, index, score: row.verdict?.score ?? 0 }))
    .sort((a, b) => b.score - a.score)
    .slice(0, DETAILS);
  const encoder = await loadEncoder(options.encoder);
  const details: ReportDetail[] = [];
  for (const { row, index } of worst) {
    const detail = await detailOf(index, row, encoder, input);
    if (detail) details.push(detail);
  }
  await encoder.release();
  return details;
}

/** How the threshold was found, without a full stop at the end. */
function methodOf({ calibration, settings }: Detector): string {
  const n = calibration?.scores.length ?? 0;
  const rate = `${settings.falseAlarmRate * 100} % false alarms`;
  if (!calibration || thresholdBasis(calibration, settings.falseAlarmRate) === 'distribution-free') {
    return `${rate} by the ranks of ${n} cross-fitted scores of normal segments, no distribution assumed`;
  }
  return `${rate} by a Student t tail over ${n} cross-fitted scores of normal segments, too few for ranks alone`;
}

/**
 * Everything `renderReport` shows. Reads the worst recordings again for their pictures.
 * @throws InputError if the detector has no normal recordings.
 */
export async function buildScoreReport(input: ScoreReportInput): Promise<ReportData> {
  const { detector, scored } = input;
  const { signal, settings, calibration, entries } = detector;
  const normal = entries.filter((entry) => isNormal(entry, settings));
  const domains = Object.keys(detector.scales).filter((domain) => domain !== '');
  const curve = curveOf(scored, detector);
  const constant = scored
    .filter((row) => row.constant)
    .map(({ name }) => `${name}: every sample is the same; the sensor may be dead`);
  return {
    title: input.title,
    generatedAt: new Date().toISOString(),
    thrumVersion: input.version,
    detector: {
      name: input.detectorName,
      encoder: detector.encoder.id,
      sampleRate: signal.sampleRate,
      segmentSeconds: signal.segmentSeconds,
      bank: normal.length,
      normalFiles: new Set(normal.map(({ file }) => file)).size,
      ...(domains.length > 0 && { domains }),
      distance: `${settings.metric}, ${settings.k} nearest, ${settings.transform}`,
    },
    calibration: {
      scores: [...(calibration?.scores ?? [])],
      threshold: detector.threshold ?? 0,
      falseAlarmRate: settings.falseAlarmRate,
      method: methodOf(detector),
      medianNormal: calibration ? calibration.scores[calibration.scores.length >> 1] : 0,
    },
    rows: rowsOf(scored),
    failures: [...input.failures],
    details: await detailsOf(input),
    ...(curve && { curve }),
    notes: [...input.notes, ...constant],
  };
}

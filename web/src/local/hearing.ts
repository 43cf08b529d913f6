// What the static page's worker does with sounds: embed, fit, score, picture. Nothing of it needs a page.
import type { Detector, DetectorSettings } from '../../../src/detection/detector.ts';
import { type BankSegment, fitDetector, isNormal } from '../../../src/detection/detector.ts';
import { createDiagnoser } from '../../../src/detection/diagnose.ts';
import { type DeviationMap, deviationMap, frameStatistics } from '../../../src/detection/explain.ts';
import { createScorer } from '../../../src/detection/score.ts';
import { type EmbeddedRecording, embedRecording, prepareRecording } from '../../../src/encoders/embed-recording.ts';
import { type FrameSums, mergeFrameSums } from '../../../src/encoders/frame-sums.ts';
import type { Encoder } from '../../../src/encoders/types.ts';
import type { MomentPicture } from '../../../src/monitor/hearing/types.ts';
import type { Heard, HeardPlace } from '../../../src/monitor/types.ts';
import { markedDeviation } from '../../../src/report/deviation.ts';
import { peakEnvelope, pictureSpectrogram } from '../../../src/report/picture.ts';
import { InputError } from '../../../src/signal/errors.ts';
import { duration, type Recording } from '../../../src/signal/recording.ts';
import { segmentRecording } from '../../../src/signal/segments.ts';

const MOST_PLACES = 5;

/** Stretches of time in which one band stays beyond what normal recordings show, the strongest first. */
export function placesOf(map: DeviationMap, offsetSeconds: number): HeardPlace[] {
  const { values, steps, bands, starts, stepSeconds } = map;
  const places: HeardPlace[] = [];
  for (const [b, { lowHz, highHz }] of bands.entries()) {
    let open: HeardPlace | undefined;
    for (let s = 0; s < steps; s++) {
      const deviations = values[s * bands.length + b];
      if (!(deviations > markedDeviation)) {
        open = undefined;
        continue;
      }
      const endSeconds = offsetSeconds + starts[s] + stepSeconds;
      if (open) Object.assign(open, { endSeconds, deviations: Math.max(open.deviations, deviations) });
      else {
        open = { startSeconds: offsetSeconds + starts[s], endSeconds, lowHz, highHz, deviations };
        places.push(open);
      }
    }
  }
  return places.sort((a, b) => b.deviations - a.deviations).slice(0, MOST_PLACES);
}

/** What a detector says of a recording. @throws InputError if it does not fit the detector */
export async function hear(
  encoder: Encoder,
  detector: Detector,
  recording: Recording,
  startMs: number,
): Promise<Heard> {
  const embedded = await embedRecording(encoder, recording, { ...detector.signal, resample: true }, 'values');
  const vectors = embedded.segments.map(({ vector }) => vector);
  const verdict = await createScorer(detector).score(vectors);
  const diagnosis = detector.labelledCalibration && (await createDiagnoser(detector)(vectors));
  const { frameStatistics: usual } = detector;
  const places = embedded.segments.flatMap(({ frames, startSeconds }) =>
    frames && usual ? placesOf(deviationMap(frames, usual), startSeconds) : [],
  );
  return {
    startMs,
    durationSeconds: embedded.durationSeconds,
    sampleRate: recording.sampleRate,
    constant: embedded.constant,
    score: verdict.score,
    pValue: verdict.pValue,
    threshold: detector.threshold ?? Number.NaN,
    anomalous: verdict.anomalous,
    bands: verdict.bands,
    places: places.sort((a, b) => b.deviations - a.deviations).slice(0, MOST_PLACES),
    nearest: verdict.nearest,
    ...(diagnosis && { diagnosis: { label: diagnosis.label, confidence: diagnosis.confidence } }),
  };
}

/** A recording to learn from; no label is normal. */
export type Lesson = { name: string; recording: Recording; label?: string };

export type FitOptions = {
  segmentSeconds: number | null;
  channel: number | 'mean' | 'all';
  settings: Partial<DetectorSettings>;
};

export type Fitted = { detector: Detector; failures: { file: string; message: string }[]; warnings: string[] };

const bankOf = (name: string, embedded: EmbeddedRecording, label: string | undefined): BankSegment[] =>
  embedded.segments.map(({ startSeconds, durationSeconds, vector }) => ({
    entry: { file: name, startSeconds, durationSeconds, ...(label !== undefined && { label }) },
    vector,
  }));

/** The rate of most recordings. */
function usualRate(rates: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const rate of rates) counts.set(rate, (counts.get(rate) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0][0];
}

/**
 * Fits a detector to recordings that come one after the other, so that not all need lie in memory. What cannot be used is
 * named, and the rest is fitted.
 * @throws InputError if too few are left
 */
export async function fitDetectorTo(
  encoder: Encoder,
  lessons: AsyncIterable<Lesson | { name: string; message: string }>,
  { segmentSeconds, channel, settings }: FitOptions,
): Promise<Fitted> {
  const failures: Fitted['failures'] = [];
  const warnings: string[] = [];
  const kept: { name: string; label?: string; embedded: EmbeddedRecording }[] = [];
  for await (const lesson of lessons) {
    if ('message' in lesson) {
      failures.push({ file: lesson.name, message: lesson.message });
      continue;
    }
    const { name, label, recording } = lesson;
    try {
      const embedded = await embedRecording(encoder, recording, { channel, segmentSeconds }, 'sums');
      if (embedded.constant) warnings.push(`${name}: every sample is the same (silence, or a dead sensor); left out`);
      else kept.push({ name, embedded, ...(label !== undefined && { label }) });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      failures.push({ file: name, message: error.message });
    }
  }
  if (kept.length === 0) {
    throw new InputError(`fit: none of the files could be used; the first: ${failures[0]?.message ?? warnings[0]}`);
  }
  const rate = usualRate(kept.map(({ embedded }) => embedded.sampleRate));
  const segments: BankSegment[] = [];
  let sums: FrameSums | undefined;
  let bands: EmbeddedRecording['bands'] = [];
  for (const { name, label, embedded } of kept) {
    if (embedded.sampleRate !== rate) {
      const message = `${name}: sampled at ${embedded.sampleRate} Hz, while most have ${rate} Hz; fit it apart`;
      failures.push({ file: name, message });
      continue;
    }
    bands = embedded.bands;
    if (label === undefined || label === 'normal') sums = mergeFrameSums(sums, embedded.frameSums);
    segments.push(...bankOf(name, embedded, label));
  }
  const detector = await fitDetector({
    encoder: { id: encoder.id, fingerprint: encoder.fingerprint },
    signal: { sampleRate: rate, channel, segmentSeconds },
    segments,
    bands,
    settings,
    ...(sums && { frameStatistics: frameStatistics(sums) }),
  });
  return { detector, failures, warnings };
}

/** The same detector with one more recording in its bank. @throws InputError if it does not fit */
export async function extend(encoder: Encoder, detector: Detector, lesson: Lesson): Promise<Detector> {
  const { bank, entries, bands, signal, settings, frameStatistics: usual } = detector;
  const embedded = await embedRecording(encoder, lesson.recording, { ...signal, resample: true });
  const before = entries.map(
    (entry, i): BankSegment => ({
      entry,
      vector: bank.values.subarray(i * bank.columns, (i + 1) * bank.columns),
    }),
  );
  // Beside fault names, a recording is normal by its name too, or it would be outside of the labelled space.
  const label = isNormal(lesson, settings) ? undefined : lesson.label;
  return fitDetector({
    encoder: detector.encoder,
    signal,
    segments: [...before, ...bankOf(lesson.name, embedded, label)],
    bands,
    settings,
    ...(usual && { frameStatistics: usual }),
  });
}

/** The picture of the moment at `atSeconds`: the segment there, or the whole recording. */
export async function pictureOf(
  recording: Recording,
  atSeconds: number,
  known?: { encoder: Encoder; detector: Detector },
): Promise<MomentPicture> {
  const { channel, segmentSeconds } = known?.detector.signal ?? { channel: 0, segmentSeconds: null };
  const prepared = known
    ? prepareRecording(recording, { ...known.detector.signal, resample: true })
    : prepareRecording(recording, { channel, segmentSeconds });
  const segments = segmentRecording(prepared, segmentSeconds, channel);
  const { channels } = segments.reduce((a, b) =>
    Math.abs(b.startSeconds - atSeconds) < Math.abs(a.startSeconds - atSeconds) ? b : a,
  );
  const [piece] = channels;
  const usual = known?.detector.frameStatistics;
  const frames = known && usual && (await known.encoder.embed(piece, { frames: true })).frames;
  const map = frames && usual && deviationMap(frames, usual);
  const { frames: count, bins, maxHz, values, dbRange } = pictureSpectrogram(piece.channels[0], piece.sampleRate);
  return {
    durationSeconds: duration(piece),
    sampleRate: piece.sampleRate,
    spectrogram: { frames: count, bins, maxHz, values, dbRange },
    waveform: peakEnvelope(piece.channels[0], recording.unit),
    ...(map && { deviation: { steps: map.steps, bands: map.bands, values: map.values } }),
  };
}

// What the static page's worker does with sounds: embed, fit, score, picture; over the same functions as the server's threads.
import type { Detector, DetectorSettings } from '../../../src/detection/detector.ts';
import { createDiagnoser } from '../../../src/detection/diagnose.ts';
import { type FitReport, fitRecordings } from '../../../src/detection/fit-recordings.ts';
import { createScorer } from '../../../src/detection/score.ts';
import type { EmbedResult } from '../../../src/encoders/embed-file.node.ts';
import { type EmbeddedRecording, embedRecording, prepareRecording } from '../../../src/encoders/embed-recording.ts';
import type { Encoder } from '../../../src/encoders/types.ts';
import { extendDetector } from '../../../src/monitor/hearing/fit-sounds.ts';
import { placesOf } from '../../../src/monitor/hearing/places.ts';
import type { MomentPicture } from '../../../src/monitor/hearing/types.ts';
import type { Heard, HeardPlace } from '../../../src/monitor/types.ts';
import { pictureMoment, pieceDeviation, segmentNear } from '../../../src/report/moment.ts';
import { InputError } from '../../../src/signal/errors.ts';
import { duration, type Recording } from '../../../src/signal/recording.ts';

/** A detector and the encoder that it was fitted with. */
export type Ready = { encoder: Encoder; detector: Detector };

async function placesIn(
  recording: Recording,
  { encoder, detector }: Ready,
  startSeconds: number,
): Promise<HeardPlace[]> {
  const prepared = prepareRecording(recording, { ...detector.signal, resample: true });
  const segment = segmentNear(prepared, detector.signal, startSeconds);
  const map = await pieceDeviation(segment.channels[0], encoder, detector);
  return map ? placesOf(map, segment.startSeconds, segment.startSeconds + segment.durationSeconds) : [];
}

/** What a detector says of a recording. @throws InputError if it does not fit the detector */
export async function hear(ready: Ready, recording: Recording, startMs: number): Promise<Heard> {
  const { encoder, detector } = ready;
  const embedded = await embedRecording(encoder, recording, { ...detector.signal, resample: true });
  const vectors = embedded.segments.map(({ vector }) => vector);
  const { score, pValue, anomalous, bands, nearest, segments } = await createScorer(detector).score(vectors);
  const diagnosis = detector.labelledCalibration && (await createDiagnoser(detector)(vectors));
  const worst = segments.reduce((best, segment, i) => (segment.score > segments[best].score ? i : best), 0);
  return {
    startMs,
    durationSeconds: embedded.durationSeconds,
    sampleRate: embedded.originalSampleRate,
    constant: embedded.constant,
    ...{ score, pValue, anomalous, bands, nearest },
    threshold: detector.threshold ?? Number.NaN,
    places: anomalous ? await placesIn(recording, ready, embedded.segments[worst].startSeconds) : [],
    ...(diagnosis && { diagnosis: { label: diagnosis.label, confidence: diagnosis.confidence } }),
  };
}

/** A file to learn from; no label is normal. */
export type Lesson = { name: string; label?: string; open(): Promise<Recording[]> };

export type FitOptions = {
  segmentSeconds: number | null;
  channel: number | 'mean' | 'all';
  settings: Partial<DetectorSettings>;
};

const messageOf = (error: unknown): string => {
  if (error instanceof InputError) return error.message;
  throw error;
};

/**
 * Fits a detector to files, one after the other in memory. What cannot be used is named, and the rest is fitted.
 * @param onFile called after each with how many are done
 * @throws InputError if too few are left
 */
export async function learnFrom(
  encoder: Encoder,
  lessons: readonly Lesson[],
  { segmentSeconds, channel, settings }: FitOptions,
  onFile: (done: number) => void,
): Promise<FitReport> {
  const results: EmbedResult[] = [];
  const preparation = { channel, segmentSeconds };
  for (const [i, lesson] of lessons.entries()) {
    // Names of files may repeat, their numbers do not.
    const result: EmbedResult = { path: String(i), recordings: [], failures: [] };
    try {
      for (const recording of await lesson.open()) {
        result.recordings.push(await embedRecording(encoder, recording, preparation, 'sums'));
      }
    } catch (error) {
      result.failures.push({ file: lesson.name, message: messageOf(error) });
    }
    results.push(result);
    onFile(i + 1);
  }
  const labelled = lessons.some(({ label }) => label !== undefined);
  const { id, fingerprint } = encoder;
  return fitRecordings(results, {
    encoder: { id, fingerprint },
    preparation,
    settings,
    ...(labelled && { labels: (i: string) => lessons[Number(i)].label ?? settings.normalLabel ?? 'normal' }),
  });
}

/** The same detector with one more file in its bank. @throws InputError if it does not fit */
export async function extend({ encoder, detector }: Ready, { name, label, open }: Lesson): Promise<Detector> {
  const recordings: EmbeddedRecording[] = [];
  for (const recording of await open()) {
    recordings.push(await embedRecording(encoder, recording, { ...detector.signal, resample: true }));
  }
  const scorer = detector.calibration && createScorer(detector);
  const prepared = { detector, ...(scorer && { scorer }) };
  return (await extendDetector(prepared, [{ path: name, recordings, failures: [] }], [label])).detector;
}

/** The picture of the moment at `atSeconds` of the recordings of a file, which follow each other in time. */
export async function pictureOf(
  recordings: readonly Recording[],
  atSeconds: number,
  ready: Ready | undefined,
): Promise<MomentPicture> {
  let from = 0;
  let found = recordings[0];
  for (const recording of recordings) {
    if (from > atSeconds) break;
    found = recording;
    from += duration(recording);
  }
  const inside = Math.max(0, atSeconds - (from - duration(found)));
  const signal = ready?.detector.signal ?? { channel: 0, segmentSeconds: null };
  const prepared = prepareRecording(found, { ...signal, resample: true });
  // A segment begins before the moment that lies in it.
  const [piece] = segmentNear(prepared, signal, inside - (signal.segmentSeconds ?? 0) / 2).channels;
  const map = ready && (await pieceDeviation(piece, ready.encoder, ready.detector));
  const { spectrogram, waveform, deviation } = pictureMoment(piece, map);
  const { durationSeconds, ...cells } = spectrogram;
  return {
    durationSeconds,
    sampleRate: piece.sampleRate,
    spectrogram: cells,
    waveform,
    ...(deviation && { deviation: { steps: deviation.frames, bands: deviation.bands, values: deviation.values } }),
  };
}

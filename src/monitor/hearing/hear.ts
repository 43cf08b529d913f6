// What a detector says of a sound: scores, diagnosis, and the places that deviate most.
import type { Detector } from '../../detection/detector.ts';
import { createDiagnoser, type Diagnoser } from '../../detection/diagnose.ts';
import { createScorer, type Scorer } from '../../detection/score.ts';
import { embedRecording, type Preparation, prepareRecording } from '../../encoders/embed-recording.ts';
import type { Encoder } from '../../encoders/types.ts';
import { pictureMoment, pieceDeviation, segmentNear } from '../../report/moment.ts';
import { InputError } from '../../signal/errors.ts';
import { duration, type Recording } from '../../signal/recording.ts';
import type { Heard, HeardPlace } from '../types.ts';
import { placesOf } from './places.ts';
import type { HearJob, MomentPicture } from './types.ts';

/** A detector ready to score. */
export type PreparedDetector = {
  detector: Detector;
  /** Undefined where it has no normal recordings. */
  scorer?: Scorer;
  /** Undefined where it has no labels. */
  diagnose?: Diagnoser;
};

export const prepareDetector = (detector: Detector): PreparedDetector => ({
  detector,
  ...(detector.calibration && { scorer: createScorer(detector) }),
  ...(detector.labelledCalibration && { diagnose: createDiagnoser(detector) }),
});

/** As the detector wants recordings brought to it. */
export const preparationOf = ({ signal }: Detector, resample: boolean): Preparation & Detector['signal'] => ({
  ...signal,
  resample,
});

/**
 * One verdict for every recording of a sound, which follow each other in time. `sampleRate` is the recording's own.
 * Places are those of the segment with the highest score.
 * @throws InputError if one of them does not fit the detector, or it has no normal recordings
 */
export async function hear(
  recordings: readonly Recording[],
  { startMs, resample = false, places = 'anomalous' }: Omit<HearJob, 'detector' | 'sound'>,
  { detector, scorer, diagnose }: PreparedDetector,
  encoder: Encoder,
): Promise<Heard[]> {
  if (!scorer || detector.threshold === undefined) {
    throw new InputError('hear: this detector has labelled faults only, without normal recordings; use diagnose');
  }
  const preparation = preparationOf(detector, resample);
  const heard: Heard[] = [];
  let atMs = startMs;
  for (const recording of recordings) {
    const embedded = await embedRecording(encoder, recording, preparation);
    const vectors = embedded.segments.map(({ vector }) => vector);
    const { score, pValue, anomalous, bands, nearest, segments } = await scorer.score(vectors);
    const diagnosis = await diagnose?.(vectors);
    const worst = segments.reduce((best, segment, i) => (segment.score > segments[best].score ? i : best), 0);
    const wanted = places === 'always' || (places === 'anomalous' && anomalous);
    heard.push({
      startMs: atMs,
      durationSeconds: embedded.durationSeconds,
      sampleRate: embedded.originalSampleRate,
      constant: embedded.constant,
      score,
      pValue,
      threshold: detector.threshold,
      anomalous,
      bands,
      places: wanted
        ? await placesIn(
            prepareRecording(recording, preparation),
            embedded.segments[worst].startSeconds,
            detector,
            encoder,
          )
        : [],
      nearest,
      ...(diagnosis && { diagnosis: { label: diagnosis.label, confidence: diagnosis.confidence } }),
    });
    atMs += embedded.durationSeconds * 1000;
  }
  return heard;
}

async function placesIn(
  prepared: Recording,
  startSeconds: number,
  detector: Detector,
  encoder: Encoder,
): Promise<HeardPlace[]> {
  const segment = segmentNear(prepared, detector.signal, startSeconds);
  const map = await pieceDeviation(segment.channels[0], encoder, detector);
  return map ? placesOf(map, segment.startSeconds, segment.startSeconds + segment.durationSeconds) : [];
}

/** The recording that sounds at a time, of those that follow each other in a sound, and how far in. */
function recordingAt(recordings: readonly Recording[], atSeconds: number): { recording: Recording; atSeconds: number } {
  let from = 0;
  for (const recording of recordings) {
    if (atSeconds < from + duration(recording)) return { recording, atSeconds: Math.max(0, atSeconds - from) };
    from += duration(recording);
  }
  const last = recordings[recordings.length - 1];
  return { recording: last, atSeconds: duration(last) };
}

/**
 * Pictures of the segment in which a moment lies, as the detector cuts and hears it; of the first channel, whole, without
 * a detector.
 * @throws InputError if the detector has no use for the recordings
 */
export async function picture(
  recordings: readonly Recording[],
  atSeconds: number,
  by?: { detector: Detector; encoder: Encoder },
): Promise<MomentPicture> {
  const found = recordingAt(recordings, atSeconds);
  const signal = by?.detector.signal ?? { channel: 0, segmentSeconds: null };
  const prepared = prepareRecording(found.recording, { ...signal, resample: true });
  // A segment begins before the moment that lies in it.
  const start = found.atSeconds - (signal.segmentSeconds ?? 0) / 2;
  const [piece] = segmentNear(prepared, signal, start).channels;
  const map = by && (await pieceDeviation(piece, by.encoder, by.detector));
  const { spectrogram, waveform, deviation } = pictureMoment(piece, map);
  const { durationSeconds, ...cells } = spectrogram;
  return {
    durationSeconds,
    sampleRate: piece.sampleRate,
    spectrogram: cells,
    waveform,
    ...(deviation && {
      deviation: { steps: deviation.frames, bands: deviation.bands, values: deviation.values },
    }),
  };
}

// Scores and diagnoses for files, one after the other as they are done.
import type { EmbedJob, EmbedResult, Failure } from '../encoders/embed-file.node.ts';
import { embedFiles } from '../encoders/embed-pool.node.ts';
import type { EmbeddedRecording } from '../encoders/embed-recording.ts';
import { type EncoderSpec, identifyEncoder } from '../encoders/load.node.ts';
import { InputError, inputMessage } from '../signal/errors.ts';
import type { ReadOptions } from '../signal/recording.ts';
import type { Part } from '../signal/segments.ts';
import type { Detector } from './detector.ts';
import { createDiagnoser, type Diagnoser, type Diagnosis } from './diagnose.ts';
import { createScorer, type Scorer, type Verdict } from './score.ts';

export type ScoreFilesOptions = {
  encoder: EncoderSpec;
  read: Omit<ReadOptions, 'name'>;
  part?: Part;
  /** Convert recordings of other rates to the detector's. */
  resample?: boolean;
  /** One result per segment instead of one per recording. */
  perSegment?: boolean;
  workers?: number;
};

/** A recording (or one of its segments) with what the detector says of it. */
export type ScoredRecording = {
  path: string;
  name: string;
  startSeconds: number;
  durationSeconds: number;
  /** Digital silence, or a dead sensor. */
  constant: boolean;
  verdict?: Verdict;
  diagnosis?: Diagnosis;
};

export type FileResult = { path: string; scored: ScoredRecording[]; failures: Failure[] };

/** The job for one file, as the detector wants recordings brought to it. */
export const jobFor = (path: string, detector: Detector, options: ScoreFilesOptions): EmbedJob => ({
  path,
  read: options.read,
  preparation: {
    channel: detector.signal.channel,
    segmentSeconds: detector.signal.segmentSeconds,
    sampleRate: detector.signal.sampleRate,
    resample: options.resample,
    part: options.part,
  },
  detail: 'none',
});

/** @throws InputError if the encoder at hand is not the one the detector was fitted with. */
export async function checkEncoder(detector: Pick<Detector, 'encoder'>, spec: EncoderSpec): Promise<void> {
  const { fingerprint } = await identifyEncoder(spec);
  if (fingerprint !== detector.encoder.fingerprint) {
    throw new InputError(
      `score: the detector was fitted with ${detector.encoder.id} (${detector.encoder.fingerprint}), but ${spec.encoder} is ${fingerprint}; use the same weights, or fit again`,
    );
  }
}

type Piece = { startSeconds: number; durationSeconds: number; vectors: Float32Array[] };

const piecesOf = (recording: EmbeddedRecording, perSegment: boolean): Piece[] =>
  perSegment
    ? recording.segments.map(({ startSeconds, durationSeconds, vector }) => ({
        startSeconds,
        durationSeconds,
        vectors: [vector],
      }))
    : [
        {
          startSeconds: recording.segments[0].startSeconds,
          durationSeconds: recording.durationSeconds,
          vectors: recording.segments.map(({ vector }) => vector),
        },
      ];

/** What scores and diagnoses: either is there where the detector has what it takes. */
export type Judges = { scorer?: Scorer; diagnose?: Diagnoser };

/** What the detector says of an embedded file; recordings that do not fit it become failures. */
export async function scoreEmbedded(
  { path, recordings, failures: before }: EmbedResult,
  { scorer, diagnose }: Judges,
  perSegment = false,
): Promise<FileResult> {
  const failures = [...before];
  const scored: ScoredRecording[] = [];
  for (const recording of recordings) {
    try {
      const pieces: ScoredRecording[] = [];
      for (const { vectors, startSeconds, durationSeconds } of piecesOf(recording, perSegment)) {
        pieces.push({
          path,
          name: recording.name,
          startSeconds,
          durationSeconds,
          constant: recording.constant,
          ...(scorer && { verdict: await scorer.score(vectors) }),
          ...(diagnose && { diagnosis: await diagnose(vectors) }),
        });
      }
      scored.push(...pieces);
    } catch (error) {
      failures.push({ file: recording.name, message: `${recording.name}: ${inputMessage(error)}` });
    }
  }
  return { path, scored, failures };
}

/**
 * Scores files in order, in bounded memory: a verdict where the detector has normal recordings, a diagnosis where it has
 * labels. Recordings that cannot be read or do not fit the detector come back as failures.
 */
export async function* scoreFiles(
  paths: readonly string[],
  detector: Detector,
  options: ScoreFilesOptions,
): AsyncGenerator<FileResult> {
  const scorer = detector.calibration ? createScorer(detector) : undefined;
  const diagnose = detector.labelledCalibration ? createDiagnoser(detector) : undefined;
  const jobs = paths.map((path) => jobFor(path, detector, options));
  for await (const embedded of embedFiles(options.encoder, jobs, { workers: options.workers })) {
    yield scoreEmbedded(embedded, { ...(scorer && { scorer }), ...(diagnose && { diagnose }) }, options.perSegment);
  }
}

// Files of an archive: what is to be done with each, as it travels to workers, and what comes of it.
import { z } from 'zod';
import type { Failure } from '../../encoders/embed-file.node.ts';
import type { SharedDetector, Sound } from './sound.ts';

const rate = z.number().positive();
const common = {
  read: z.strictObject({ sampleRate: rate.optional(), variable: z.string().optional() }),
  /** `to` is null where the part goes to the end. */
  part: z.strictObject({ from: z.number().min(0), to: z.number().nullable(), unit: z.enum(['s', '%']) }).optional(),
};

/** Everything a worker has to know but the file itself. A detector is named by the SHA-256 of its file. */
export const archivePlanSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('embed'),
    encoder: z.strictObject({ name: z.string().min(1).max(512), fingerprint: z.string() }),
    channel: z.union([z.int().min(0), z.enum(['mean', 'all'])]),
    segmentSeconds: rate.nullable(),
    sampleRate: rate.optional(),
    frames: z.boolean(),
    ...common,
  }),
  z.strictObject({
    kind: z.literal('score'),
    detector: z.string().regex(/^[0-9a-f]{64}$/),
    resample: z.boolean(),
    perSegment: z.boolean(),
    ...common,
  }),
]);

export type ArchivePlan = z.infer<typeof archivePlanSchema>;

export type ArchiveJob = {
  sound: Sound;
  /** What the file is called in rows and messages. */
  name: string;
  plan: ArchivePlan;
  /** Of a plan that scores. */
  detector?: SharedDetector;
};

/** `segment` counts the rows of a recording from 0; `start` and `seconds` say where the row lies in it. */
type Place = { recording: string; channel: string; segment: number; start: number; seconds: number };
export type ArchiveScore = Place & {
  score: number;
  threshold: number;
  pValue: number;
  anomalous: boolean;
  /** Where the detector has labels. */
  diagnosis?: string;
  confidence?: number;
};
export type ArchiveEmbedding = Place & { sampleRate: number; vector: Float32Array };

export type ArchiveHeard = { scores: ArchiveScore[]; embeddings: ArchiveEmbedding[]; failures: Failure[] };
/** `refused`: it is not the file's fault; this worker cannot do any file of the archive. */
export type ArchiveAnswer = ArchiveHeard | { refused: string };

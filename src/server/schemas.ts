// Every shape that crosses HTTP: they validate requests, describe the API (OpenAPI 3.1), and type the page.
import { z } from '@hono/zod-openapi';
import { DEFAULT_ENCODER } from '../encoders/load.node.ts';

/** Letters, digits, `.`, `_`, `-`, not at the start a `.`: a name is part of addresses and of files. */
export const nameSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/)
  .openapi({ description: 'letters, digits, ".", "_" and "-", at most 64', example: 'pump-7' });
export const hashSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .openapi({ description: 'SHA-256 of the bytes, hexadecimal' });
/** Milliseconds since 1970-01-01 UTC. */
export const timeSchema = z.number().int().openapi({ description: 'milliseconds since 1970-01-01 UTC' });

export const errorSchema = z
  .object({
    error: z.string().openapi({ description: 'one line: what was expected, what was found, what to do' }),
    requestId: z.string(),
  })
  .openapi('Error');

export const bandSchema = z
  .object({ lowHz: z.number(), highHz: z.number(), share: z.number(), deviations: z.number() })
  .openapi('Band');
export const placeSchema = z
  .object({
    startSeconds: z.number(),
    endSeconds: z.number(),
    lowHz: z.number(),
    highHz: z.number(),
    deviations: z.number(),
  })
  .openapi('Place');
export const nearestSchema = z
  .object({
    file: z.string(),
    startSeconds: z.number(),
    durationSeconds: z.number(),
    label: z.string().optional(),
    domain: z.string().optional(),
  })
  .openapi('Nearest');

export const heardSchema = z
  .object({
    startMs: timeSchema,
    durationSeconds: z.number(),
    sampleRate: z.number(),
    constant: z.boolean(),
    score: z.number(),
    pValue: z.number(),
    threshold: z.number(),
    anomalous: z.boolean(),
    bands: z.array(bandSchema),
    places: z.array(placeSchema),
    nearest: nearestSchema,
    diagnosis: z.object({ label: z.string(), confidence: z.number() }).optional(),
  })
  .openapi('Heard');

export const scoreSchema = heardSchema
  .extend({
    machine: z.string(),
    hash: hashSchema,
    index: z.number().int(),
    detector: z.string(),
    version: z.number().int(),
    learned: z.literal(true).optional().openapi({
      description: 'the detector was made from this recording: it is compared with the others of its bank',
    }),
  })
  .openapi('Score');

export const recordingSchema = z
  .object({
    machine: z.string(),
    hash: hashSchema,
    name: z.string(),
    startMs: timeSchema,
    durationSeconds: z.number(),
    sampleRate: z.number(),
    bytes: z.number().int(),
    receivedMs: timeSchema,
    variable: z.string().optional(),
    audio: z.boolean().openapi({ description: 'whether its sound is still kept' }),
  })
  .openapi('Recording');

/** Answer to an upload that workers of a fleet will hear: it is safe, its scores come as events. */
export const queuedSchema = z
  .object({ queued: z.literal(true), known: z.boolean().openapi({ description: 'it was sent a moment ago already' }) })
  .openapi('Queued');

/** Answer to an upload: what was stored, and what the machine's detector says of it. */
export const uploadedSchema = z
  .object({ recording: recordingSchema, known: z.boolean(), scores: z.array(scoreSchema) })
  .openapi('Uploaded');

export const detectorSchema = z
  .object({
    name: nameSchema,
    version: z.number().int(),
    createdMs: timeSchema,
    parent: z.number().int().optional(),
    origin: z.enum(['fitted', 'uploaded', 'threshold', 'feedback', 'undo']),
    note: z.string(),
    bytes: z.number().int(),
    encoder: z.string(),
    fingerprint: z.string(),
    sampleRate: z.number(),
    threshold: z.number().optional(),
    falseAlarmRate: z.number(),
    segments: z.number().int(),
    labels: z.array(z.string()),
    current: z.boolean(),
  })
  .openapi('Detector');

/** What is needed to show what a threshold does: the sorted calibration scores of normal segments. */
export const calibrationSchema = z
  .object({ scores: z.array(z.number()), threshold: z.number(), falseAlarmRate: z.number() })
  .openapi('Calibration');

/** A threshold as it is, or the rate of false alarms that it shall have. */
export const thresholdRequestSchema = z
  .union([
    z.object({ threshold: z.number().positive() }).strict(),
    z.object({ falseAlarmRate: z.number().gt(0).lt(1) }).strict(),
  ])
  .openapi('ThresholdRequest');

/** Where a file of a bank is stored. */
export const nearestRecordingSchema = z
  .object({ machine: z.string(), hash: hashSchema, startSeconds: z.number() })
  .openapi('NearestRecording');

export const fitRequestSchema = z
  .object({
    /** Recordings of a machine that are stored already … */
    machine: nameSchema,
    /** … by hash; all of the machine's where none are named. */
    hashes: z.array(hashSchema).max(10_000).optional(),
    /** Labels by hash; what has none is normal. */
    labels: z.record(z.string(), z.string()).optional(),
    /** Of the catalogue or imported, by name: a path of the server's is none. */
    encoder: z
      .string()
      .regex(/^[A-Za-z0-9_-][A-Za-z0-9._@+-]{0,127}$/)
      .default(DEFAULT_ENCODER),
    segmentSeconds: z.number().positive().nullable().default(null),
    channel: z.union([z.number().int().min(0), z.enum(['mean', 'all'])]).default(0),
    falseAlarmRate: z.number().gt(0).lt(1).default(0.01),
    /** Let the machine be heard by it from now on. */
    use: z.boolean().default(true),
    note: z.string().max(500).default(''),
  })
  .openapi('FitRequest');

export const jobSchema = z
  .object({
    id: z.string(),
    kind: z.enum(['fit', 'feedback', 'rescore']),
    state: z.enum(['waiting', 'running', 'done', 'failed']),
    done: z.number().int(),
    total: z.number().int(),
    detector: detectorSchema.optional(),
    warnings: z.array(z.string()),
    failures: z.array(z.object({ file: z.string(), message: z.string() })),
    error: z.string().optional(),
  })
  .openapi('Job');

const dailySilenceSchema = z.object({
  days: z.array(z.number().int().min(0).max(6)).optional(),
  from: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/),
  to: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/),
});
export const policySchema = z
  .object({
    k: z.number().int().min(1),
    n: z.number().int().min(1).max(1000),
    minimumSeconds: z.number().min(0),
    threshold: z.number().positive().optional(),
    clearShare: z.number().gt(0).max(1),
    silences: z.array(z.union([z.object({ fromMs: timeSchema, toMs: timeSchema }), dailySilenceSchema])),
    drift: z.object({
      windowSeconds: z.number().positive(),
      deviations: z.number().positive(),
      jumpShare: z.number().gt(0).max(1),
    }),
  })
  .openapi('AlarmPolicy');

export const machineSchema = z
  .object({ name: nameSchema, detector: nameSchema.optional(), policy: policySchema, createdMs: timeSchema })
  .openapi('Machine');
export const machineRequestSchema = z
  .object({ detector: nameSchema.nullable().optional(), policy: policySchema.partial().optional() })
  .openapi('MachineRequest');

/** A machine at a glance. */
export const machineStatusSchema = machineSchema
  .extend({
    health: z.enum(['normal', 'fault', 'drift', 'sensor', 'silent', 'unfitted']),
    silentSinceMs: timeSchema.optional().openapi({
      description:
        'when it was last heard, where nothing has come for much longer than usual; also beside an open alarm',
    }),
    lastScore: scoreSchema.optional(),
    openAlarms: z.number().int(),
    recordings: z.number().int(),
  })
  .openapi('MachineStatus');

export const alarmReasonSchema = heardSchema
  .pick({ score: true, pValue: true, threshold: true, bands: true, places: true, nearest: true, diagnosis: true })
  .extend({ recording: hashSchema.optional(), above: z.number().int(), of: z.number().int(), text: z.string() });
export const alarmSchema = z
  .object({
    id: z.number().int(),
    machine: z.string(),
    kind: z.enum(['fault', 'drift', 'sensor']),
    raisedMs: timeSchema,
    sinceMs: timeSchema,
    clearedMs: timeSchema.optional(),
    acknowledgedBy: z.string().optional(),
    reason: alarmReasonSchema,
  })
  .openapi('Alarm');

export const labelRequestSchema = z
  .object({ machine: nameSchema, hash: hashSchema, label: z.string().min(1).max(64), learn: z.boolean().default(true) })
  .openapi('LabelRequest');
export const labelSchema = z
  .object({
    id: z.number().int(),
    machine: z.string(),
    hash: hashSchema,
    label: z.string(),
    by: z.string(),
    createdMs: timeSchema,
    version: z.number().int().optional(),
    detector: z.string().optional(),
    undone: z.boolean(),
  })
  .openapi('Label');

/** A label, and the job in which the detector of its machine learns or forgets it. */
export const labelledSchema = z.object({ label: labelSchema, job: jobSchema.optional() }).openapi('Labelled');

export const scopeSchema = z.enum(['read', 'write', 'admin']);
export const keySchema = z
  .object({
    id: z.number().int(),
    name: z.string(),
    scope: scopeSchema,
    createdMs: timeSchema,
    revokedMs: timeSchema.optional(),
  })
  .openapi('ApiKey');

/** Something from a stream that could not be dealt with. `kept`: whether its bytes are. */
export const deadLetterSchema = z
  .object({
    id: z.number().int(),
    machine: z.string(),
    hash: z.string(),
    source: z.string(),
    reason: z.string(),
    atMs: timeSchema,
    attempts: z.number().int(),
    kept: z.boolean(),
  })
  .openapi('DeadLetter');

/** Pictures of a moment; bytes are base64: spectrogram uint8 [frames, bins], the others float32 little-endian. */
export const pictureSchema = z
  .object({
    durationSeconds: z.number(),
    sampleRate: z.number(),
    spectrogram: z.object({
      frames: z.number(),
      bins: z.number(),
      maxHz: z.number(),
      values: z.string(),
      dbRange: z.tuple([z.number(), z.number()]),
    }),
    waveform: z.object({ min: z.string(), max: z.string(), unit: z.string() }),
    deviation: z
      .object({
        steps: z.number(),
        bands: z.array(z.object({ lowHz: z.number(), highHz: z.number() })),
        values: z.string(),
      })
      .optional(),
  })
  .openapi('Picture');

/** One live event: the `event:` of SSE is `type`, its `data:` is `data`. */
export const eventSchema = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('score'), data: scoreSchema }),
    z.object({ type: z.literal('alarm'), data: alarmSchema }),
    z.object({ type: z.literal('job'), data: jobSchema }),
    z.object({ type: z.literal('machine'), data: machineStatusSchema }),
    z.object({
      type: z.literal('stream'),
      data: z.object({ stream: z.string(), atMs: timeSchema, kind: z.string(), text: z.string() }),
    }),
  ])
  .openapi('Event');

export type ApiEvent = z.infer<typeof eventSchema>;
export type ApiScore = z.infer<typeof scoreSchema>;
export type ApiRecording = z.infer<typeof recordingSchema>;
export type ApiUploaded = z.infer<typeof uploadedSchema>;
export type ApiDetector = z.infer<typeof detectorSchema>;
export type ApiCalibration = z.infer<typeof calibrationSchema>;
export type ApiFitRequest = z.input<typeof fitRequestSchema>;
export type ApiJob = z.infer<typeof jobSchema>;
export type ApiMachine = z.infer<typeof machineSchema>;
export type ApiMachineStatus = z.infer<typeof machineStatusSchema>;
export type ApiAlarm = z.infer<typeof alarmSchema>;
export type ApiLabel = z.infer<typeof labelSchema>;
export type ApiPicture = z.infer<typeof pictureSchema>;
export type ApiError = z.infer<typeof errorSchema>;

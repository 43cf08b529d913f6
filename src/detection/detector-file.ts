// The detector file: one safetensors file whose header holds the settings as JSON. Versioned, checksummed, no code inside.
import { z } from 'zod';
import { readSafetensors, writeSafetensors } from '../graph/safetensors.ts';
import type { StoredTensor } from '../graph/stored-tensor.ts';
import { concatenate } from '../signal/concatenate.ts';
import { InputError } from '../signal/errors.ts';
import { bytesOf } from '../signal/typed-view.ts';
import type { Calibration } from './calibration.ts';
import type { Detector } from './detector.ts';
import type { Matrix } from './matrix.ts';
import { type Transform, type TransformKind, transformRows } from './transform.ts';

/** Raised when a file written by this version cannot be read by the one before. */
export const DETECTOR_VERSION = 1;

const bandSchema = z.object({ lowHz: z.number(), highHz: z.number(), start: z.int().min(0), end: z.int().min(1) });

const entrySchema = z.object({
  file: z.string(),
  startSeconds: z.number(),
  durationSeconds: z.number(),
  label: z.string().optional(),
  domain: z.string().optional(),
});

const detectorSchema = z.object({
  format: z.literal('thrum-detector'),
  version: z.literal(DETECTOR_VERSION),
  encoder: z.object({ id: z.string(), fingerprint: z.string(), file: z.string().optional() }),
  signal: z.object({
    sampleRate: z.number().positive(),
    channel: z.union([z.int().min(0), z.enum(['mean', 'all'])]),
    segmentSeconds: z.number().positive().nullable(),
  }),
  settings: z.object({
    metric: z.enum(['cosine', 'euclidean']),
    k: z.int().min(1),
    transform: z.enum(['none', 'centre', 'standardise', 'whiten']),
    aggregation: z.enum(['mean', 'max']),
    falseAlarmRate: z.number().gt(0).lt(1),
    normalLabel: z.string(),
  }),
  threshold: z.number().min(0).optional(),
  scales: z.record(z.string(), z.number().positive()),
  bands: z.array(bandSchema),
  frameBands: z.array(bandSchema).optional(),
  entries: z.array(entrySchema).min(1),
});

const float32Tensor = (data: Float32Array, shape: number[]): StoredTensor => ({ dtype: 'F32', shape, data });
const float64Tensor = (data: Float64Array): StoredTensor => ({ dtype: 'F64', shape: [data.length], data });
const matrixTensor = (matrix: Matrix): StoredTensor => float32Tensor(matrix.values, [matrix.rows, matrix.columns]);

function tensorsOf(detector: Detector): Map<string, StoredTensor> {
  const { transform, calibration, labelledCalibration, bandStatistics, frameStatistics } = detector;
  const tensors = new Map<string, StoredTensor>([['bank', matrixTensor(detector.bank)]]);
  const vector = (name: string, data: Float32Array | undefined) =>
    data && tensors.set(name, float32Tensor(data, [data.length]));
  const exact = (name: string, data: Float64Array | undefined) => data && tensors.set(name, float64Tensor(data));
  vector('transform.mean', transform.mean);
  vector('transform.scale', transform.scale);
  vector('transform.gains', transform.gains);
  if (transform.directions) tensors.set('transform.directions', matrixTensor(transform.directions));
  exact('calibration', calibration?.scores);
  exact('calibration.labelled', labelledCalibration?.scores);
  exact('bands.mean', bandStatistics?.mean);
  exact('bands.deviation', bandStatistics?.deviation);
  vector('frames.mean', frameStatistics?.mean);
  vector('frames.deviation', frameStatistics?.deviation);
  return tensors;
}

/** SHA-256 over the settings and every tensor's name and bytes, in order of names. */
async function checksum(settings: string, tensors: ReadonlyMap<string, StoredTensor>): Promise<string> {
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [encoder.encode(settings)];
  for (const name of [...tensors.keys()].sort())
    parts.push(encoder.encode(name), bytesOf((tensors.get(name) as StoredTensor).data));
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', concatenate(Uint8Array, parts)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The bytes of a detector file. */
export async function writeDetector(detector: Detector): Promise<Uint8Array> {
  const { encoder, signal, settings, threshold, scales, bands, entries, frameStatistics } = detector;
  const description: z.infer<typeof detectorSchema> = {
    format: 'thrum-detector',
    version: DETECTOR_VERSION,
    encoder,
    signal,
    settings,
    threshold,
    scales,
    bands,
    frameBands: frameStatistics?.bands,
    entries,
  };
  const json = JSON.stringify(description);
  const tensors = tensorsOf(detector);
  return writeSafetensors(tensors, { thrum: json, sha256: await checksum(json, tensors) });
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function parseDescription(json: string | undefined, name: string): z.infer<typeof detectorSchema> {
  if (json === undefined) {
    throw new InputError(
      `readDetector: ${name} is a safetensors file, but not a Thrum detector; make one with \`thrum fit\``,
    );
  }
  const value = parseJson(json);
  const version = z.object({ version: z.number() }).safeParse(value);
  if (version.success && version.data.version > DETECTOR_VERSION) {
    throw new InputError(
      `readDetector: ${name} has version ${version.data.version}, this Thrum reads up to ${DETECTOR_VERSION}; update Thrum`,
    );
  }
  const parsed = detectorSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new InputError(
      `readDetector: ${name}: ${['settings', ...issue.path].join('.')}: ${issue.message}; the file is damaged, fit it again`,
    );
  }
  return parsed.data;
}

/** Tensors that a transform cannot do without. */
const transformTensors: Record<TransformKind, readonly (keyof Transform)[]> = {
  none: [],
  centre: ['mean'],
  standardise: ['mean', 'scale'],
  whiten: ['mean', 'directions', 'gains'],
};

/** Sizes of a tensor; `undefined`: any. */
type Sizes = readonly (number | undefined)[];

/** Tensors of a file by name, each of the type and shape it has to have; the checksum does not cover these. */
function tensorReader(tensors: ReadonlyMap<string, StoredTensor>, fail: (problem: string) => InputError) {
  const find = (key: string, dtype: 'F32' | 'F64', sizes: Sizes): StoredTensor | undefined => {
    const tensor = tensors.get(key);
    if (!tensor) return undefined;
    const { shape } = tensor;
    const fits = shape.length === sizes.length && sizes.every((size, i) => size === undefined || size === shape[i]);
    if (tensor.dtype === dtype && fits) return tensor;
    const expected = sizes.map((size) => size ?? 'any').join(', ');
    throw fail(`expected ${key} as ${dtype} [${expected}], found ${tensor.dtype} [${shape.join(', ')}]`);
  };
  return {
    vector: (key: string, size?: number) => find(key, 'F32', [size])?.data as Float32Array | undefined,
    exact: (key: string, size?: number) => find(key, 'F64', [size])?.data as Float64Array | undefined,
    matrix: (key: string, rows?: number, columns?: number): Matrix | undefined => {
      const tensor = find(key, 'F32', [rows, columns]);
      return tensor && { values: tensor.data as Float32Array, rows: tensor.shape[0], columns: tensor.shape[1] };
    },
  };
}

const calibrated = (scores: Float64Array | undefined): Calibration | undefined => scores && { scores };

/**
 * Reads a detector file.
 * @throws InputError if it is no detector, of a newer version, or damaged (checksum, types, shapes).
 */
export async function readDetector(bytes: Uint8Array, name = 'detector'): Promise<Detector> {
  const { tensors, metadata } = readSafetensors(bytes, name);
  const description = parseDescription(metadata.thrum, name);
  const fail = (problem: string) =>
    new InputError(`readDetector: ${name}: ${problem}; the file is damaged, fit it again`);
  if ((await checksum(metadata.thrum, tensors)) !== metadata.sha256) {
    throw fail('the checksum does not match its contents');
  }
  const { encoder, signal, settings, threshold, scales, bands, entries, frameBands } = description;
  const { vector, exact, matrix } = tensorReader(tensors, fail);
  const bank = matrix('bank', entries.length);
  if (!bank) throw fail('it has no bank');
  const directions = matrix('transform.directions', undefined, bank.columns);
  const transform: Transform = {
    kind: settings.transform,
    mean: vector('transform.mean', bank.columns),
    scale: vector('transform.scale', bank.columns),
    gains: vector('transform.gains', directions?.rows),
    directions,
  };
  const missing = transformTensors[transform.kind].find((key) => transform[key] === undefined);
  if (missing) throw fail(`it lacks transform.${missing}`);
  const bandMean = exact('bands.mean', bands.length);
  const bandDeviation = exact('bands.deviation', bands.length);
  const frameMean = vector('frames.mean');
  const frameDeviation = vector('frames.deviation', frameMean?.length);
  const beyond = (list: typeof bands, width: number) => list.some(({ start, end }) => start >= end || end > width);
  if (beyond(bands, bank.columns) || (frameMean && beyond(frameBands ?? [], frameMean.length))) {
    throw fail('a band lies beyond the embedding');
  }
  return {
    encoder,
    signal,
    settings,
    threshold,
    scales,
    bands,
    entries,
    bank,
    transform,
    transformed: transformRows(transform, bank),
    calibration: calibrated(exact('calibration')),
    labelledCalibration: calibrated(exact('calibration.labelled')),
    ...(bandMean && bandDeviation && { bandStatistics: { mean: bandMean, deviation: bandDeviation } }),
    ...(frameMean &&
      frameDeviation &&
      frameBands && { frameStatistics: { mean: frameMean, deviation: frameDeviation, bands: frameBands } }),
  };
}

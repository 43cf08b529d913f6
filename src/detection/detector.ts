// The detector: what normal is, learned from embeddings of normal recordings.
import type { Band } from '../encoders/types.ts';
import { mean, median } from '../signal/average.ts';
import { InputError } from '../signal/errors.ts';
import { type Calibration, createCalibration, thresholdFor } from './calibration.ts';
import { type Metric, nearestNeighbours } from './knn.ts';
import { LABELLED_METRIC, labelledSpace } from './labelled-space.ts';
import { fromRows, type Matrix, row, selectRows } from './matrix.ts';
import { learnTransform, type Transform, type TransformKind, transformRows } from './transform.ts';

/** How the segments of one recording become one score. */
export type Aggregation = 'mean' | 'max';

/** One normal (or labelled) segment, as the bank remembers it. */
export type BankEntry = {
  /** File, with `#record` where it holds several. */
  file: string;
  startSeconds: number;
  durationSeconds: number;
  /** Fault name; absent in a bank of normal recordings only. */
  label?: string;
  /** `source`, `target`, or any other name of an operating condition with a bank of its own. */
  domain?: string;
};

/** How recordings are brought to the detector, at fitting and at scoring alike. */
export type SignalSettings = {
  sampleRate: number;
  /** Channel number from 0, `mean` of all, or `all` one after the other. */
  channel: number | 'mean' | 'all';
  /** Length of the pieces a recording is cut into; null: whole recordings. */
  segmentSeconds: number | null;
};

export type DetectorSettings = {
  metric: Metric;
  /** Neighbours whose mean distance is the score. */
  k: number;
  transform: TransformKind;
  aggregation: Aggregation;
  falseAlarmRate: number;
  /** Label that means healthy. */
  normalLabel: string;
};

/** Mean and spread of the normal recordings' features over time, for explanations. */
export type FrameStatistics = { mean: Float32Array; deviation: Float32Array; bands: Band[] };

export type Detector = {
  /** `file`: where its weights lie, seen from the folder of the detector; present where they were given by their path. */
  encoder: { id: string; fingerprint: string; file?: string };
  signal: SignalSettings;
  settings: DetectorSettings;
  /** Raw embeddings, row by row as `entries`. */
  bank: Matrix;
  entries: BankEntry[];
  bands: Band[];
  transform: Transform;
  /** The bank after the transform; what distances are measured in. */
  transformed: Matrix;
  /** Median cross-fitted distance of each domain: scores are in units of it, so 1 is usual. */
  scales: Record<string, number>;
  /** Present where the bank has normal entries. */
  calibration?: Calibration;
  threshold?: number;
  /** Mean and spread of every band's part of the squared distance over the normal entries (cross-fitted). */
  bandStatistics?: { mean: Float64Array; deviation: Float64Array };
  /** Leave-one-out distances to the nearest entry of any label: what "near" means in a labelled bank. */
  labelledCalibration?: Calibration;
  frameStatistics?: FrameStatistics;
};

export const defaultSettings: DetectorSettings = {
  metric: 'euclidean',
  k: 1,
  transform: 'whiten',
  aggregation: 'mean',
  falseAlarmRate: 0.01,
  normalLabel: 'normal',
};

/** One embedded segment with where it came from. */
export type BankSegment = { entry: BankEntry; vector: Float32Array };

export type FitInput = {
  encoder: Detector['encoder'];
  signal: SignalSettings;
  segments: readonly BankSegment[];
  bands: Band[];
  frameStatistics?: FrameStatistics;
  settings?: Partial<DetectorSettings>;
};

export const domainOf = (entry: BankEntry): string => entry.domain ?? '';

export const isNormal = (entry: Pick<BankEntry, 'label'>, settings: DetectorSettings): boolean =>
  entry.label === undefined || entry.label.toLowerCase() === settings.normalLabel.toLowerCase();

export const indicesWhere = <T>(list: readonly T[], test: (item: T) => boolean): number[] =>
  list.flatMap((item, i) => (test(item) ? [i] : []));

/** Largest number of parts for cross-fitting. */
const FOLDS = 10;

/**
 * Parts of a bank that are scored against the rest: whole files where there are at least four, else segments; and
 * consecutive ones together, because a machine drifts and its neighbours in time flatter it.
 */
export function calibrationFolds(entries: readonly BankEntry[]): number[] {
  const files = [...new Set(entries.map((entry) => entry.file))];
  const units = files.length >= 4 ? entries.map((entry) => files.indexOf(entry.file)) : entries.map((_, i) => i);
  const count = files.length >= 4 ? files.length : entries.length;
  const folds = Math.min(FOLDS, count);
  return units.map((unit) => Math.floor((unit * folds) / count));
}

/** Mean distance to the nearest neighbours, and each band's part of the squared distance to the nearest. */
export type HeldOut = { distance: number; contributions: Float64Array };

/**
 * Distances of all segments to normal ones as a new recording would have them: for every fold, transform and bank come
 * from the other folds. Learning the transform on the scored segments too would make their scores too small, the more
 * so the fewer they are.
 * @param raw embeddings [N, D]
 * @param folds part of every row, as `calibrationFolds` gives them
 * @returns fold by fold in order of first appearance, rows in order within; none where all rows are of one fold
 */
export async function crossFit(
  raw: Matrix,
  folds: readonly number[],
  bands: Band[],
  settings: DetectorSettings,
): Promise<HeldOut[]> {
  const results: HeldOut[] = [];
  for (const fold of new Set(folds)) {
    const held = indicesWhere(folds, (one) => one === fold);
    const rest = selectRows(
      raw,
      indicesWhere(folds, (one) => one !== fold),
    );
    if (rest.rows === 0) continue;
    const transform = learnTransform(settings.transform, rest);
    const bank = transformRows(transform, rest);
    const queries = transformRows(transform, selectRows(raw, held));
    const found = await nearestNeighbours(bank, queries, { k: settings.k, metric: settings.metric });
    for (const [q, { distances, indices }] of found.entries()) {
      const contributions = bandContributions(row(queries, q), row(bank, indices[0]), bands, settings.metric);
      results.push({ distance: mean(distances), contributions });
    }
  }
  return results;
}

/**
 * Each band's part of the squared distance between two transformed embeddings (for cosine, of their unit vectors, whose
 * squared distance is twice the cosine distance). The parts add up to the whole.
 */
export function bandContributions(
  a: Float32Array,
  b: Float32Array,
  bands: readonly Band[],
  metric: Metric,
): Float64Array {
  const unit = (v: Float32Array) => (metric === 'cosine' ? 1 / Math.max(Math.hypot(...chunkNorms(v)), 1e-30) : 1);
  const [scaleA, scaleB] = [unit(a), unit(b)];
  return Float64Array.from(bands, ({ start, end }) => {
    let sum = 0;
    for (let d = start; d < end; d++) sum += (a[d] * scaleA - b[d] * scaleB) ** 2;
    return sum;
  });
}

/** Norms of pieces of a vector: `Math.hypot` takes only so many arguments. */
function chunkNorms(v: Float32Array): number[] {
  const norms: number[] = [];
  for (let from = 0; from < v.length; from += 4096) {
    let sum = 0;
    for (let d = from; d < Math.min(v.length, from + 4096); d++) sum += v[d] * v[d];
    norms.push(Math.sqrt(sum));
  }
  return norms;
}

type NormalModel = Pick<Detector, 'scales' | 'calibration' | 'threshold' | 'bandStatistics'>;

/** Scales, calibration and band statistics from the normal entries. */
async function modelNormal(
  raw: Matrix,
  entries: readonly BankEntry[],
  normal: readonly number[],
  bands: Band[],
  settings: DetectorSettings,
): Promise<NormalModel> {
  const scales: Record<string, number> = {};
  const scores: number[] = [];
  const contributions: Float64Array[] = [];
  for (const domain of new Set(normal.map((i) => domainOf(entries[i])))) {
    const members = normal.filter((i) => domainOf(entries[i]) === domain);
    const folds = calibrationFolds(members.map((i) => entries[i]));
    const heldOut = await crossFit(selectRows(raw, members), folds, bands, settings);
    if (heldOut.length === 0) {
      throw new InputError(
        `fitDetector: expected at least 2 normal segments${domain ? ` in domain ${domain}` : ''}, got ${members.length}; give more recordings or cut them into shorter segments (--segment)`,
      );
    }
    const scale = Math.max(median(heldOut.map((one) => one.distance)), 1e-12);
    scales[domain] = scale;
    for (const one of heldOut) {
      scores.push(one.distance / scale);
      contributions.push(one.contributions);
    }
  }
  const calibration = createCalibration(scores);
  const average = Float64Array.from(bands, (_, b) => mean(contributions.map((c) => c[b])));
  const deviation = Float64Array.from(bands, (_, b) =>
    Math.sqrt(mean(contributions.map((c) => (c[b] - average[b]) ** 2)) + 1e-24),
  );
  return {
    scales,
    calibration,
    threshold: thresholdFor(calibration, settings.falseAlarmRate),
    bandStatistics: { mean: average, deviation },
  };
}

/**
 * How far a labelled recording is from its nearest neighbour in other files, whatever its label. Kinds known from one
 * file only say nothing about that, unless there are no others; then segments are left out one by one.
 */
async function modelLabelled(labelled: Matrix, entries: readonly BankEntry[]): Promise<Calibration> {
  const { bank } = labelledSpace(labelled);
  const files = [...new Set(entries.map(({ file }) => file))];
  const filesOf = (label: string | undefined) =>
    new Set(entries.filter((entry) => entry.label === label).map(({ file }) => file));
  const repeated = new Set(entries.map(({ label }) => label).filter((label) => filesOf(label).size > 1));
  const groups = repeated.size > 0 ? entries.map(({ file }) => files.indexOf(file)) : entries.map((_, i) => i);
  const found = await nearestNeighbours(bank, bank, {
    k: 1,
    metric: LABELLED_METRIC,
    bankGroups: groups,
    queryGroups: groups,
  });
  const known = found.filter((_, i) => repeated.size === 0 || repeated.has(entries[i].label));
  return createCalibration(known.flatMap(({ distances }) => distances));
}

/**
 * Fits a detector to embedded segments: normal ones (no label, or the normal label), labelled faults, or both.
 * @throws InputError if there are too few segments, or their embeddings differ in length or are not finite.
 */
export async function fitDetector(fit: FitInput): Promise<Detector> {
  const settings = { ...defaultSettings, ...fit.settings };
  const { segments, bands } = fit;
  if (segments.length === 0) throw new InputError('fitDetector: expected at least 3 segments, got none');
  const lengths = new Set(segments.map(({ vector }) => vector.length));
  if (lengths.size > 1) {
    throw new InputError(
      `fitDetector: embeddings have different lengths (${[...lengths].join(', ')}); the recordings differ in rate or channels`,
    );
  }
  const broken = segments.find(({ vector }) => !vector.every(Number.isFinite));
  if (broken) {
    throw new InputError(
      `fitDetector: the embedding of ${broken.entry.file} at ${broken.entry.startSeconds} s holds values that are not finite; leave the recording out, or use another encoder`,
    );
  }
  const entries = segments.map(({ entry }) => entry);
  const bank = fromRows(segments.map(({ vector }) => vector));
  const normal = indicesWhere(entries, (entry) => isNormal(entry, settings));
  const transform = learnTransform(settings.transform, normal.length > 0 ? selectRows(bank, normal) : bank);
  const transformed = transformRows(transform, bank);
  const labelled = indicesWhere(entries, (entry) => entry.label !== undefined);
  return {
    encoder: fit.encoder,
    signal: fit.signal,
    settings,
    bank,
    entries,
    bands,
    transform,
    transformed,
    scales: {},
    ...(normal.length > 0 && (await modelNormal(bank, entries, normal, bands, settings))),
    ...(labelled.length > 0 && {
      labelledCalibration: await modelLabelled(
        selectRows(bank, labelled),
        labelled.map((i) => entries[i]),
      ),
    }),
    ...(fit.frameStatistics && { frameStatistics: fit.frameStatistics }),
  };
}

/** The same detector with another false-alarm rate or an explicit threshold; nothing is fitted again. */
export function withThreshold(
  detector: Detector,
  change: { falseAlarmRate: number } | { threshold: number },
): Detector {
  if (!detector.calibration)
    throw new InputError('withThreshold: this detector has no normal recordings, so no threshold');
  if ('threshold' in change) {
    if (!(change.threshold > 0 && Number.isFinite(change.threshold)))
      throw new InputError(`withThreshold: expected a finite threshold above 0, got ${change.threshold}`);
    return { ...detector, threshold: change.threshold };
  }
  const settings = { ...detector.settings, falseAlarmRate: change.falseAlarmRate };
  return { ...detector, settings, threshold: thresholdFor(detector.calibration, change.falseAlarmRate) };
}

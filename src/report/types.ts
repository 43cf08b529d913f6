// What a report shows: plain data, already computed. The report scores nothing and reads no files.

export type Verdict = 'normal' | 'anomalous';

/** A frequency band and its part of a recording's distance from normal. `share` is 0..1. */
export type BandShare = { lowHz: number; highHz: number; share: number };

/** One scored recording, or one segment of it. */
export type ReportRow = {
  file: string;
  /** Which recording or segment of the file this is, from 0. */
  index: number;
  startSeconds: number;
  durationSeconds: number;
  /** Distance from normal, in the detector's own measure; higher is less normal. Ignored when `error` is set. */
  score: number;
  /** How often a normal recording scores at least this high, 0..1. Ignored when `error` is set. */
  pValue: number;
  verdict: Verdict;
  /** The fault's name, where labelled examples exist. `confidence` is 0..1. */
  diagnosis?: { label: string; confidence: number };
  /** Bands by their share of the distance, any order. */
  bands?: BandShare[];
  /** Why this recording has no score. */
  error?: string;
  /** The label known beforehand, as the user wrote it. */
  truth?: string;
};

export type ReportDetector = {
  name: string;
  encoder: string;
  /** Hz, at which the encoder listens. */
  sampleRate: number;
  /** Length of the scored segments; null when recordings are scored whole. */
  segmentSeconds: number | null;
  /** Number of normal segments in the memory bank. */
  bank: number;
  normalFiles: number;
  domains?: string[];
  distance: string;
};

export type ReportCalibration = {
  /** Leave-one-out scores of the normal recordings, ascending. */
  scores: number[];
  threshold: number;
  /** 0..1: the share of normal recordings that the threshold lets be called anomalous. */
  falseAlarmRate: number;
  /** One sentence: how the threshold was found. */
  method: string;
  medianNormal: number;
};

export type ReportSpectrogram = {
  frames: number;
  bins: number;
  durationSeconds: number;
  /** Upper edge of the highest bin; bins are equally wide from 0 Hz. */
  maxHz: number;
  /** Level quantised to 0..255 over `dbRange`; `[frames, bins]`, time-major. */
  values: Uint8Array;
  dbRange: [low: number, high: number];
};

/** How unusual each cell of time and frequency is. */
export type ReportDeviation = {
  /** Frames over the same duration as the spectrogram; their number may differ. */
  frames: number;
  /** Ascending in frequency. */
  bands: { lowHz: number; highHz: number }[];
  /** Standard deviations from normal, `[frames, bands]`, time-major; the sign (louder, quieter) may be kept. */
  values: Float32Array;
};

export type ReportDetail = {
  /** Index into `ReportData.rows`. */
  row: number;
  spectrogram: ReportSpectrogram;
  deviation?: ReportDeviation;
  /** Lowest and highest sample of equal stretches of time: the peak envelope. */
  waveform: { min: Float32Array; max: Float32Array; unit: string };
  /** A WAV file. `note` says how it differs from the recording, such as `slowed 3×`; empty when it does not. */
  audio?: { wavBase64: string; sampleRate: number; note: string };
  /** The normal segment that is most alike. */
  nearest?: { file: string; startSeconds: number; distance: number };
};

/** Score over time or over a machine's life. `x` ascends; `score` and `smoothed` have its length. */
export type ReportCurve = {
  x: number[];
  xLabel: string;
  score: number[];
  smoothed?: number[];
  threshold: number;
  notes: string[];
  /** The `x` at which the alarm was first raised. */
  firstAlarm?: number;
};

export type ReportData = {
  title: string;
  /** ISO 8601. */
  generatedAt: string;
  thrumVersion: string;
  detector: ReportDetector;
  calibration: ReportCalibration;
  rows: ReportRow[];
  /** Files that could not be read at all. */
  failures: { file: string; message: string }[];
  details: ReportDetail[];
  curve?: ReportCurve;
  /** Caveats in plain language, shown right below the verdict. */
  notes: string[];
};

// Report data for tests: a made-up pump whose bearing screeches for a while. The same data on every call.
import { bytesToBase64 } from './html.ts';
import type { ReportData, ReportDetail, ReportRow } from './types.ts';

/** Pseudo-random numbers in [0, 1): the linear congruential generator of Numerical Recipes. */
export const generator = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

const frames = 300;
const bins = 128;
const maxHz = 8000;
const durationSeconds = 10;

/** The fault: 2.9 to 3.5 kHz between 3 and 7 s, coming and going. */
const screech = (time: number, hz: number): number => {
  const burst = time > 3 && time < 7 ? Math.sin(time * 9) ** 2 : 0;
  return burst * Math.exp(-(((hz - 3200) / 180) ** 2));
};

const spectrogram = (seed: number, fault: number): ReportDetail['spectrogram'] => {
  const random = generator(seed);
  const values = Uint8Array.from({ length: frames * bins }, (_, i) => {
    const time = (Math.floor(i / bins) / frames) * durationSeconds;
    const hz = ((i % bins) / bins) * maxHz;
    const hum = [120, 480, 960, 1440, 2400, 4800].some((line) => Math.abs(hz - line) < 40) ? 60 : 0;
    const level = 150 - hz / 80 + hum + 26 * (random() + random() - 1) + 150 * fault * screech(time, hz);
    return Math.max(0, Math.min(255, level));
  });
  return { frames, bins, durationSeconds, maxHz, values, dbRange: [-92, -18] };
};

const deviation = (seed: number, fault: number): ReportDetail['deviation'] => {
  const random = generator(seed);
  const count = 40;
  const bands = Array.from({ length: count }, (_, b) => ({
    lowHz: (b * maxHz) / count,
    highHz: ((b + 1) * maxHz) / count,
  }));
  const values = Float32Array.from({ length: 150 * count }, (_, i) => {
    const time = (Math.floor(i / count) / 150) * durationSeconds;
    const normal = random() + random() + random() + random() - 2;
    return 1.6 * normal + 14 * fault * screech(time, ((i % count) + 0.5) * (maxHz / count));
  });
  return { frames: 150, bands, values };
};

/** A PCM WAV file of a tone with bursts: `seconds` at 8 kHz, 16 bits, one channel. */
const wav = (seconds: number): string => {
  const rate = 8000;
  const count = seconds * rate;
  const view = new DataView(new ArrayBuffer(44 + 2 * count));
  const text = (at: number, letters: string) =>
    [...letters].forEach((letter, i) => {
      view.setUint8(at + i, letter.charCodeAt(0));
    });
  text(0, 'RIFF');
  view.setUint32(4, 36 + 2 * count, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, 2 * count, true);
  for (let i = 0; i < count; i++) view.setInt16(44 + 2 * i, 8000 * Math.sin((2 * Math.PI * 440 * i) / rate), true);
  return bytesToBase64(new Uint8Array(view.buffer));
};

const waveform = (seed: number, fault: number): ReportDetail['waveform'] => {
  const random = generator(seed);
  const max = Float32Array.from({ length: 1000 }, (_, i) => {
    const level = 0.12 + 0.3 * fault * screech(i / 100, 3200);
    return level * (0.7 + 0.5 * random());
  });
  return { max, min: max.map((value) => -value * (0.85 + 0.2 * random())), unit: 'full scale' };
};

/** The detail of row `row`; `fault` from 0 (none) to 1. */
export const detailFixture = (row: number, fault: number): ReportDetail => ({
  row,
  spectrogram: spectrogram(row + 1, fault),
  deviation: deviation(row + 7, fault),
  waveform: waveform(row + 3, fault),
  audio: { wavBase64: wav(2), sampleRate: 16_000, note: '' },
  nearest: { file: 'normal/pump_0007.wav', startSeconds: 20, distance: 0.94 },
});

export const rowFixture = (i: number, score: number, threshold: number): ReportRow => ({
  file: `line 3/pump_${String(i + 1).padStart(4, '0')}.wav`,
  index: 0,
  startSeconds: 0,
  durationSeconds: 10,
  score,
  pValue: score > threshold ? 0.0005 : Math.max(0.012, Math.min(0.99, 1.6 - score)),
  verdict: score > threshold ? 'anomalous' : 'normal',
  bands: [
    { lowHz: 2900, highHz: 3500, share: score > threshold ? 0.41 : 0.08 },
    { lowHz: 5800, highHz: 6900, share: 0.12 },
    { lowHz: 0, highHz: 250, share: 0.06 },
    { lowHz: 7000, highHz: 7400, share: 0.04 },
    { lowHz: 1000, highHz: 1700, share: 0.03 },
  ],
});

/** Leave-one-out scores of `count` normal recordings, ascending. */
export const normalScores = (count: number): number[] => {
  const random = generator(99);
  return Array.from(
    { length: count },
    () => 0.62 + 0.09 * (random() + random() + random() + random()) + 0.2 * random() ** 6,
  ).sort((a, b) => a - b);
};

/** 14 recordings, 3 of them anomalous, with a detail for the worst two and one normal one; `rows` replaces them. */
export const reportFixture = (change: Partial<ReportData> = {}): ReportData => {
  const threshold = 1.07;
  const scores = [0.81, 2.41, 0.77, 0.93, 1.19, 0.84, 0.88, 1.72, 0.74, 0.9, 0.86, 0.79, 1.01, 0.83];
  const rows = scores.map((score, i) => rowFixture(i, score, threshold));
  rows[1].diagnosis = { label: 'bearing wear', confidence: 0.87 };
  rows[7].diagnosis = { label: 'cavitation', confidence: 0.52 };
  return {
    title: 'Pumps, line 3, March',
    generatedAt: '2026-03-14T09:26:53.000Z',
    thrumVersion: '0.1.0',
    detector: {
      name: 'pump.thrum',
      encoder: 'fisher-tiny',
      sampleRate: 16_000,
      segmentSeconds: null,
      bank: 1200,
      normalFiles: 200,
      domains: ['line 1', 'line 3'],
      distance: 'cosine, mean of the 2 nearest',
    },
    calibration: {
      scores: normalScores(200),
      threshold,
      falseAlarmRate: 0.01,
      method: 'distribution-free: 200 normal scores',
      medianNormal: 0.81,
    },
    rows,
    failures: [{ file: 'line 3/notes.wav', message: 'readWav: expected RIFF, got "Nach" (notes.wav, byte 0)' }],
    details: [detailFixture(1, 1), detailFixture(7, 0.55), detailFixture(3, 0)],
    notes: ['All normal recordings come from one week: other weather or loads may score higher without a fault.'],
    ...change,
  };
};

/** A bearing's life: flat, then rising over four decades, with a first alarm. */
export const curveFixture = (count: number): NonNullable<ReportData['curve']> => {
  const random = generator(5);
  const x = Array.from({ length: count }, (_, i) => (i * 7.78) / count);
  const level = x.map((hours) => 0.8 + Math.exp((hours - 6) * 3.2));
  const score = level.map((value) => value * (0.8 + 0.4 * random()));
  return {
    x,
    xLabel: 'hours of operation',
    score,
    smoothed: level,
    threshold: 1.07,
    firstAlarm: x[level.findIndex((value) => value > 1.07)],
    notes: ['Smoothed over 10 recordings; an alarm is raised after three in a row above the threshold.'],
  };
};

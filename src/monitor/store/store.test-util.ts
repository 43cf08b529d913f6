// Values to store.
import { createHash } from 'node:crypto';
import type { AlarmChange, AlarmPolicy, AlarmReason, AlarmState } from '../alarm/types.ts';
import type { DetectorVersion, ScoredResult, StoredRecording, StoredScore } from './types.ts';

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

export const policy: AlarmPolicy = {
  ...{ k: 3, n: 5, minimumSeconds: 0, clearShare: 0.8 },
  silences: [{ from: '22:00', to: '06:00', days: [0, 6] }],
  drift: { windowSeconds: 3600, deviations: 4, jumpShare: 0.5 },
};

export function recordingOf(text: string, changes: Partial<StoredRecording> = {}): StoredRecording {
  return {
    ...{ machine: 'pump', hash: hashOf(text), name: `${text}.wav`, startMs: 1000, durationSeconds: 1.5 },
    ...{ sampleRate: 16_000, bytes: 48_044, receivedMs: 5000.25, blob: `audio/${hashOf(text)}.wav` },
    ...changes,
  };
}

export function scoreOf(recording: StoredRecording, changes: Partial<StoredScore> = {}): StoredScore {
  const { machine, hash, startMs, durationSeconds, sampleRate } = recording;
  return {
    ...{ machine, hash, startMs, durationSeconds, sampleRate, index: 0, detector: 'rig', version: 1 },
    ...{ constant: false, score: 1 / 3, pValue: 0.01, threshold: 2.5, anomalous: true },
    bands: [{ lowHz: 0, highHz: 120.5, share: 0.25, deviations: -3.125 }],
    places: [{ startSeconds: 0, endSeconds: 0.5, lowHz: 0, highHz: 60, deviations: 7 }],
    nearest: { file: 'normal ☃.wav', startSeconds: 0, durationSeconds: 1.5 },
    ...changes,
  };
}

export const resultOf = (recording: StoredRecording, changes: Partial<StoredScore> = {}): ScoredResult => ({
  recording,
  scores: [scoreOf(recording, changes)],
});

const reason: AlarmReason = {
  ...{ score: 3, pValue: 0.001, threshold: 2.5, bands: [], places: [], above: 3, of: 5 },
  nearest: { file: 'normal.wav', startSeconds: 0, durationSeconds: 1 },
  text: 'Louder than usual between 100 and 200 Hz.',
};

export const changeOf = (change: 'raised' | 'cleared', atMs: number, kind: AlarmChange['kind'] = 'fault') => ({
  ...{ machine: 'pump', kind, change, atMs, sinceMs: atMs - 100, reason },
});

export const stateOf = (note: string): AlarmState => ({ version: 1, note });

export const detectorOf = (name: string, changes: Partial<DetectorVersion> = {}) => ({
  ...{ name, createdMs: 7, origin: 'fitted' as const, note: 'four normal days', blob: `detectors/${name}`, bytes: 99 },
  ...{ encoder: 'spectral', fingerprint: 'abc', sampleRate: 16_000, threshold: 2.5, falseAlarmRate: 0.01 },
  ...{ segments: 40, labels: ['bearing'] },
  ...changes,
});

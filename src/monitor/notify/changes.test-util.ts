// A change for tests of notifiers.
import type { AlarmChange } from '../alarm/types.ts';

const START = Date.UTC(2026, 2, 2, 12);

export const changeOf = (machine: string): AlarmChange => ({
  machine,
  kind: 'fault',
  change: 'raised',
  atMs: START + 10_000,
  sinceMs: START,
  reason: {
    score: 3.2,
    pValue: 0.0004,
    threshold: 2,
    bands: [],
    places: [],
    nearest: { file: 'normal/12.wav', startSeconds: 0, durationSeconds: 10 },
    above: 3,
    of: 4,
    text: 'score 3.2, threshold 2',
  },
});

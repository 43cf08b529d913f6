// The course of one machine's scores: what has been seen so far, and whether that is enough to raise or to clear.

import type { TimeMs } from '../types.ts';
import { type Drift, driftDeviations, driftFactor, noDrift, stepDrift } from './drift.ts';
import type { AlarmKind, AlarmPolicy, Observation } from './types.ts';

/** What of an observation decides. `key` tells duplicates; `arrival` counts observations as they came. */
export type Item = Pick<Observation, 'startMs' | 'score' | 'threshold' | 'anomalous' | 'constant'> & {
  endMs: TimeMs;
  key: string;
  arrival: number;
};

/** A recording as it counts: `hit` for the alarm, `calm` for the end of it. */
type Mark = { startMs: TimeMs; endMs: TimeMs; hit: boolean; calm: boolean };

/** The last `n` marks, and since when `k` of them are hits without a break. */
type Run = { marks: Mark[]; sinceMs?: TimeMs };

/** All that later decisions depend on. Steps make new ones; nothing is changed in place. */
export type Flow = { scores: Run; samples: Run; drift: Drift; keys: string[] };

export const newFlow: Flow = { scores: { marks: [] }, samples: { marks: [] }, drift: noDrift, keys: [] };

/** Drift is over when half of what raised it is gone: it is slow, and would come and go at a narrow margin. */
const DRIFT_CLEAR_SHARE = 0.5;

function stepRun({ marks, sinceMs }: Run, mark: Mark, { k, n }: AlarmPolicy): Run {
  const last = [...marks, mark].slice(-n);
  const hits = last.filter(({ hit }) => hit);
  if (hits.length < k) return { marks: last };
  // A clock that was set back begins the time anew.
  const began = sinceMs === undefined || mark.startMs >= sinceMs ? sinceMs : mark.startMs;
  return { marks: last, sinceMs: began ?? hits[0].startMs };
}

/** The threshold that a score is held against: the policy's or the detector's, raised by slow drift. */
export const limitOf = (flow: Flow, policy: AlarmPolicy, threshold: number): number =>
  (policy.threshold ?? threshold) * driftFactor(flow.drift);

/** The flow after one more recording. Constant ones have no score that means anything, so they count as samples only. */
export function stepFlow(flow: Flow, policy: AlarmPolicy, item: Item): Flow {
  const { startMs, endMs, score, constant } = item;
  const keys = [...flow.keys, item.key].slice(-policy.n);
  const samples = stepRun(flow.samples, { startMs, endMs, hit: constant, calm: !constant }, policy);
  if (constant) return { ...flow, samples, keys };
  const limit = limitOf(flow, policy, item.threshold);
  // A detector may judge by p-value (the highest of several segments): then its own verdict counts beside the threshold.
  const hit = score >= limit && (policy.threshold !== undefined || item.anomalous);
  const mark = { startMs, endMs, hit, calm: score < policy.clearShare * limit };
  return {
    scores: stepRun(flow.scores, mark, policy),
    samples,
    drift: stepDrift(flow.drift, policy.drift, startMs, score),
    keys,
  };
}

/** Whether what was seen raises or clears an alarm, were it closed or open; `sinceMs`: start of what it rests on. */
export type Finding = { raise: boolean; clear: boolean; sinceMs: TimeMs; above: number; of: number };

function findRun({ marks, sinceMs }: Run, { n, minimumSeconds }: AlarmPolicy): Finding {
  const hits = marks.filter(({ hit }) => hit);
  const lasted = sinceMs === undefined ? -1 : hits[hits.length - 1].endMs - sinceMs;
  return {
    raise: lasted >= minimumSeconds * 1000,
    clear: marks.length >= n && marks.slice(-n).every(({ calm }) => calm),
    sinceMs: sinceMs ?? marks[0]?.startMs ?? 0,
    above: hits.length,
    of: marks.length,
  };
}

/** What the flow says of each kind of alarm. */
export function findings(flow: Flow, policy: AlarmPolicy): Record<AlarmKind, Finding> {
  const fault = findRun(flow.scores, policy);
  const moved = driftDeviations(flow.drift) / policy.drift.deviations;
  return {
    fault,
    sensor: findRun(flow.samples, policy),
    drift: {
      ...fault,
      raise: moved >= 1,
      clear: moved <= DRIFT_CLEAR_SHARE,
      sinceMs: flow.drift.levels[0]?.fromMs ?? fault.sinceMs,
    },
  };
}

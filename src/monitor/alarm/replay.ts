// What alarms another threshold would have given over scores of the past: for the page, so nothing here needs Node.
import type { Heard, TimeMs } from '../types.ts';
import { findings, newFlow, stepFlow } from './flow.ts';
import { checkPolicy } from './policy.ts';
import { isSilenced } from './silence.ts';
import type { AlarmPolicy } from './types.ts';

export type PastScore = Pick<Heard, 'startMs' | 'durationSeconds' | 'score' | 'constant'>;

export type Replay = {
  /** Fault alarms; the last may still be open. */
  alarms: { sinceMs: TimeMs; raisedMs: TimeMs; clearedMs?: TimeMs }[];
  /** Scores that reach the threshold (raised by drift, as ever), of how many that count. */
  above: number;
  of: number;
};

/**
 * Fault alarms that a threshold would have given over past scores, as `createAlarms` decides on scores that come in order.
 * @param scores oldest first
 * @throws InputError for a policy or a threshold that makes no sense
 */
export function thresholdReplay(scores: readonly PastScore[], policy: AlarmPolicy, threshold: number): Replay {
  const asked = checkPolicy({ ...policy, threshold });
  const replay: Replay = { alarms: [], above: 0, of: 0 };
  let flow = newFlow;
  let open = false;
  for (const { startMs, durationSeconds, score, constant } of scores) {
    const endMs = startMs + durationSeconds * 1000;
    if (isSilenced(asked.silences, startMs) || isSilenced(asked.silences, endMs - 1)) continue;
    if (constant || !Number.isFinite(score)) continue;
    flow = stepFlow(flow, asked, { startMs, endMs, score, threshold, anomalous: true, constant, key: '', arrival: 0 });
    replay.of++;
    if (flow.scores.marks.at(-1)?.hit) replay.above++;
    const { fault } = findings(flow, asked);
    if (!open && fault.raise) replay.alarms.push({ sinceMs: fault.sinceMs, raisedMs: endMs });
    else if (open && fault.clear) replay.alarms[replay.alarms.length - 1].clearedMs = endMs;
    else continue;
    open = !open;
  }
  return replay;
}

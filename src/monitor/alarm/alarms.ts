// The alarms of one machine: scores in, changes out. Neither clock nor input and output: the same scores give the same alarms.
import { InputError } from '../../signal/errors.ts';
import { findings, type Item, stepFlow } from './flow.ts';
import { checkPolicy } from './policy.ts';
import { isSilenced } from './silence.ts';
import { type Memory, newMemory, readState, writeState } from './state.ts';
import type { AlarmChange, AlarmKind, AlarmPolicy, AlarmState, Observation } from './types.ts';
import { reasonOf } from './words.ts';

export type Alarms = {
  /**
   * Takes one score, and says what it changes (mostly nothing).
   * @throws InputError for a time or a score that is no finite number; nothing changes then
   */
  observe(observation: Observation): AlarmChange[];
  /** To be stored; goes on with `createAlarms` as if nothing had happened. */
  state(): AlarmState;
};

/**
 * Among so many last observations a late one still finds its place by time: parallel workers overtake each other by
 * less. It is also how long a clock that was wrong can confuse the order.
 */
const TAIL = 16;
/** Enough of a hash to tell recordings of one time apart. */
const KEY_LENGTH = 16;
/** The span of dates in ECMAScript. */
const LAST_MS = 8.64e15;
const kinds: readonly AlarmKind[] = ['sensor', 'fault', 'drift'];

function itemOf(observation: Observation, arrival: number): Item {
  const { startMs, durationSeconds, score, threshold, anomalous, constant, recording = '' } = observation;
  const endMs = startMs + durationSeconds * 1000;
  if (!(Math.abs(startMs) <= LAST_MS && endMs >= startMs && endMs <= LAST_MS)) {
    throw new InputError(`observe: expected a time and a length of 0 s or more, got ${startMs} and ${durationSeconds}`);
  }
  if (!constant && !(Number.isFinite(score) && Number.isFinite(threshold))) {
    throw new InputError(`observe: expected a finite score and threshold, got ${score} and ${threshold}`);
  }
  const key = `${startMs}:${recording.slice(0, KEY_LENGTH)}`;
  const known = constant ? { score: 0, threshold: 0 } : { score, threshold };
  return { startMs, endMs, ...known, anomalous, constant, key, arrival };
}

/** Folds the observation that arrived first into the base: it stays where it was decided last. */
function settle({ base, tail, ...rest }: Memory, policy: AlarmPolicy): Memory {
  const oldest = tail.reduce((a, b) => (b.arrival < a.arrival ? b : a));
  return { ...rest, base: stepFlow(base, policy, oldest), tail: tail.filter((item) => item !== oldest) };
}

/** Puts an observation in its place. One that is older than all of a full tail is not late: the clock was set back. */
function insert(memory: Memory, policy: AlarmPolicy, item: Item): Memory {
  let { tail } = memory;
  if (tail.length >= TAIL && item.startMs < tail[0].startMs) {
    const base = tail.reduce((flow, one) => stepFlow(flow, policy, one), memory.base);
    return { ...memory, base, tail: [item] };
  }
  const place = tail.findLastIndex(({ startMs }) => startMs <= item.startMs) + 1;
  tail = tail.toSpliced(place, 0, item);
  return tail.length > TAIL ? settle({ ...memory, tail }, policy) : { ...memory, tail };
}

/**
 * Alarms of one machine under a policy, from the beginning or from a stored state.
 * - `fault`: `k` of the last `n` scores reach the threshold, for `minimumSeconds` from the first of them to the end of the
 *   last. It is cleared by `n` scores in a row below `clearShare` of the threshold.
 * - `drift`: the usual score has slowly risen. Thresholds rise with it, so that wear alone is reported as drift, and a
 *   fault is what jumps, or stands out from where the machine now is. See `stepDrift`.
 * - `sensor`: `k` of the last `n` recordings are constant; cleared by `n` live ones. Constant ones have no score.
 *
 * Recordings in a silence are not looked at. Duplicates (the same time and recording) are ignored. A late one is put in its
 * place, and what comes after the last change that was told is decided again; what was told stands, so that no alarm is
 * raised twice. The state is a few kilobytes, whatever the number of scores.
 * @throws InputError for a policy that makes no sense, and for a state of another version
 */
export function createAlarms(machine: string, policy: AlarmPolicy, state?: AlarmState): Alarms {
  checkPolicy(policy);
  let memory = state === undefined ? newMemory : readState(state);

  const isKnown = ({ key }: Item): boolean =>
    memory.base.keys.includes(key) || memory.tail.some((item) => item.key === key);

  return {
    observe(observation) {
      const item = itemOf(observation, memory.arrivals);
      if (isSilenced(policy.silences, item.startMs) || isSilenced(policy.silences, item.endMs - 1)) return [];
      if (isKnown(item)) return [];
      memory = insert({ ...memory, arrivals: memory.arrivals + 1 }, policy, item);
      const changes: AlarmChange[] = [];
      const told = { ...memory.told };
      // Places of the last changes in the tail; -1 where they lie before it.
      const places = kinds.map((kind) => memory.tail.findIndex(({ arrival }) => arrival === told[kind].arrival));
      let flow = memory.base;
      for (const [at, one] of memory.tail.entries()) {
        flow = stepFlow(flow, policy, one);
        const found = findings(flow, policy);
        for (const [index, kind] of kinds.entries()) {
          const finding = found[kind];
          if (at <= places[index] || !(told[kind].open ? finding.clear : finding.raise)) continue;
          const change = told[kind].open ? 'cleared' : 'raised';
          told[kind] = { open: change === 'raised', arrival: one.arrival };
          const reason = reasonOf(policy, flow, finding, observation, { kind, change });
          changes.push({ machine, kind, change, atMs: one.endMs, sinceMs: finding.sinceMs, reason });
        }
      }
      memory = { ...memory, told };
      return changes;
    },
    state: () => writeState(memory),
  };
}

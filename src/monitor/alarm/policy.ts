// What alarms need: their settings, the usual ones, and the check that settings make sense.
import { InputError } from '../../signal/errors.ts';
import type { AlarmPolicy, Silence } from './types.ts';

/** 3 of the last 4 at the detector's own threshold, cleared by 4 in a row below 90 % of it; drift over a day. */
export const defaultPolicy: AlarmPolicy = {
  k: 3,
  n: 4,
  minimumSeconds: 0,
  clearShare: 0.9,
  silences: [],
  drift: { windowSeconds: 86_400, deviations: 1.5, jumpShare: 0.5 },
};

/** Scores that are remembered are `n`; more would make every decision slow. */
const MOST_SCORES = 1000;
const TIME_OF_DAY = /^([01]\d|2[0-3]):[0-5]\d$/;

function expectThat(holds: boolean, expected: string, found: unknown): void {
  if (!holds) throw new InputError(`checkPolicy: expected ${expected}, got ${JSON.stringify(found) ?? 'nothing'}`);
}

const isPositive = (value: number): boolean => Number.isFinite(value) && value > 0;

function checkSilence(silence: Silence): void {
  if ('fromMs' in silence) {
    const { fromMs, toMs } = silence;
    expectThat(
      Number.isFinite(fromMs) && Number.isFinite(toMs) && fromMs < toMs,
      'a silence from one time to a later one',
      silence,
    );
    return;
  }
  const { from, to, days } = silence;
  expectThat(TIME_OF_DAY.test(from) && TIME_OF_DAY.test(to), 'a silence such as 22:00 to 06:00', silence);
  expectThat(
    days === undefined || days.every((day) => Number.isInteger(day) && day >= 0 && day <= 6),
    'days of a silence from 0 (Sunday) to 6',
    days,
  );
}

/**
 * Settings as they are, once they make sense.
 * @throws InputError naming the setting that does not
 */
export function checkPolicy(policy: AlarmPolicy): AlarmPolicy {
  const { k, n, minimumSeconds, threshold, clearShare, silences, drift } = policy;
  expectThat(Number.isInteger(n) && n >= 1 && n <= MOST_SCORES, `n from 1 to ${MOST_SCORES}`, n);
  expectThat(Number.isInteger(k) && k >= 1 && k <= n, `k from 1 to n (${n})`, k);
  expectThat(Number.isFinite(minimumSeconds) && minimumSeconds >= 0, 'minimumSeconds of 0 or more', minimumSeconds);
  expectThat(threshold === undefined || isPositive(threshold), 'a threshold above 0, or none', threshold);
  expectThat(isPositive(clearShare) && clearShare <= 1, 'clearShare above 0, at most 1', clearShare);
  for (const silence of silences) checkSilence(silence);
  expectThat(isPositive(drift.windowSeconds), 'drift.windowSeconds above 0', drift.windowSeconds);
  expectThat(isPositive(drift.deviations), 'drift.deviations above 0', drift.deviations);
  expectThat(
    isPositive(drift.jumpShare) && drift.jumpShare <= 1,
    'drift.jumpShare above 0, at most 1',
    drift.jumpShare,
  );
  return policy;
}

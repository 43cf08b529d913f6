// A change of an alarm as the store remembers it, to be told once more or by another process.
import type { AlarmChange } from '../alarm/types.ts';
import type { StoredAlarm } from '../store/types.ts';

type Named = Pick<AlarmChange, 'kind' | 'change' | 'atMs'>;

/**
 * The change, with the same identity (`alarmMessage`) as when it was decided; undefined where no alarm tells of it. The
 * store keeps why an alarm was raised: one that is cleared says that.
 */
export function storedChange(alarms: readonly StoredAlarm[], { kind, change, atMs }: Named): AlarmChange | undefined {
  const isIt = (alarm: StoredAlarm): boolean =>
    alarm.kind === kind && (change === 'raised' ? alarm.raisedMs : alarm.clearedMs) === atMs;
  const found = alarms.find(isIt);
  if (!found) return undefined;
  const { machine, sinceMs, reason } = found;
  const text = change === 'raised' ? reason.text : `over; it was raised because of ${reason.text}`;
  return { machine, kind, change, atMs, sinceMs, reason: { ...reason, text } };
}

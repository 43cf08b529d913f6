// Telling others of alarms: what a notifier is, and several as one.
import { oneLine } from '../../signal/errors.ts';
import type { AlarmChange } from '../alarm/types.ts';

export type Notifier = {
  /** Takes a change over; it is delivered in the background. `ended` is called when it is delivered, or refused for good. */
  notify(change: AlarmChange, ended?: () => void): Promise<void>;
  /** Delivers what waits, for a few seconds at most, and says what could not be. */
  close(): Promise<void>;
};

/** Hears of what could not be delivered, in one line without secrets. */
export type Warn = (message: string) => void;

/** All of them as one. One that fails does not stop the others, nor whoever notifies. */
export function combineNotifiers(notifiers: readonly Notifier[], warn: Warn): Notifier {
  const all = async (what: string, call: (notifier: Notifier) => Promise<void>): Promise<void> => {
    const results = await Promise.allSettled(notifiers.map(async (notifier) => call(notifier)));
    for (const result of results) {
      if (result.status === 'rejected') warn(oneLine(`${what}: ${result.reason?.message ?? result.reason}`));
    }
  };
  return {
    notify: (change) => all('notify', (notifier) => notifier.notify(change)),
    close: () => all('close', (notifier) => notifier.close()),
  };
}

// Messages that wait to be read: bounded, and what is dropped is counted.
import type { Message } from './messages.ts';

export type MessageQueue = {
  /** Drops the oldest where there is no room; a dropped message is done. */
  push(message: Message): void;
  /** The next one; undefined after `ms` without any, and after `wake`. */
  take(ms: number): Promise<Message | undefined>;
  /** How many were dropped since the last call. */
  dropped(): number;
  wake(): void;
};

export function createMessageQueue({ maxMessages, maxBytes }: { maxMessages: number; maxBytes: number }): MessageQueue {
  const waiting: Message[] = [];
  let bytes = 0;
  let lost = 0;
  let wake = (): void => {};
  const shift = (): Message | undefined => {
    const message = waiting.shift();
    bytes -= message?.bytes.length ?? 0;
    return message;
  };
  return {
    push(message) {
      waiting.push(message);
      bytes += message.bytes.length;
      while (waiting.length > 1 && (waiting.length > maxMessages || bytes > maxBytes)) {
        lost++;
        shift()?.done();
      }
      wake();
    },
    async take(ms) {
      if (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      return shift();
    },
    dropped() {
      const count = lost;
      lost = 0;
      return count;
    },
    wake: () => wake(),
  };
}

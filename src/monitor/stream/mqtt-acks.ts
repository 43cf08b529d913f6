// Acknowledging messages of MQTT after they are done, across connections that break in between.

export type MqttAcks = {
  /** A connection begins. `isResumed`: the broker sends again what was not acknowledged on those before. */
  connect(isResumed: boolean): void;
  /**
   * A message of QoS 1. `hash` tells its content, `isAgain` that the broker calls it a redelivery. Returns its `done`;
   * undefined for a redelivery of one that was taken.
   */
  open(hash: string, messageId: number, isAgain: boolean): (() => void) | undefined;
};

type Entry = { messageId: number; connection: number; isDone: boolean };

const MAX_ENTRIES = 100_000;

/** `send` acknowledges a message on the connection that is there; false where there is none. */
export function createMqttAcks(send: (messageId: number) => boolean): MqttAcks {
  let connection = 0;
  /** By content: two messages may be the same, silence is. */
  const entries = new Map<string, Entry[]>();
  let count = 0;

  function remove(hash: string, entry: Entry): void {
    const left = (entries.get(hash) ?? []).filter((other) => other !== entry);
    if (left.length > 0) entries.set(hash, left);
    else entries.delete(hash);
    count--;
  }

  function acknowledge(hash: string, entry: Entry): void {
    if (entry.connection === connection && send(entry.messageId)) remove(hash, entry);
  }

  return {
    connect(isResumed) {
      connection++;
      if (isResumed) return;
      // Nothing of them will come again; those that are open have nobody to be acknowledged to.
      entries.clear();
      count = 0;
    },
    open(hash, messageId, isAgain) {
      const same = entries.get(hash) ?? [];
      // NATS sends again on the same connection too, what waits for longer than 30 s.
      const here = same.find((entry) => entry.connection === connection && entry.messageId === messageId);
      const known = isAgain ? (here ?? same.find((entry) => entry.connection < connection)) : undefined;
      if (known) {
        known.connection = connection;
        known.messageId = messageId;
        if (known.isDone) acknowledge(hash, known);
        return undefined;
      }
      const entry: Entry = { messageId, connection, isDone: false };
      entries.set(hash, [...same, entry]);
      count++;
      if (count > MAX_ENTRIES) {
        const [[oldest, [first]]] = entries;
        remove(oldest, first);
      }
      return () => {
        if (entry.isDone) return;
        entry.isDone = true;
        acknowledge(hash, entry);
      };
    },
  };
}

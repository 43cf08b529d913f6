// An alarm as it leaves for other programs: JSON, with an identity that stays the same however often it is sent.
import { createHash } from 'node:crypto';
import type { AlarmChange } from '../alarm/types.ts';

export type AlarmMessage = {
  /** The same for the same change, so that receivers can tell repeats. */
  id: string;
  /** One line for people; chat systems show it. */
  text: string;
  body: Uint8Array<ArrayBuffer>;
};

/** `{ version: 1, id, text, machine, kind, change, atMs, sinceMs, reason }` as UTF-8. */
export function alarmMessage(change: AlarmChange): AlarmMessage {
  const { machine, kind, atMs, reason } = change;
  const identity = JSON.stringify([machine, kind, change.change, atMs]);
  const id = createHash('sha256').update(identity).digest('hex').slice(0, 32);
  const text = `${machine}: ${kind} ${change.change} at ${new Date(atMs).toISOString()}: ${reason.text}`;
  return { id, text, body: new TextEncoder().encode(JSON.stringify({ version: 1, id, text, ...change })) };
}

/** A name as one part of a NATS subject or an MQTT topic: what would divide it or match others becomes `_`. */
export const topicPart = (name: string): string => name.replace(/[^A-Za-z0-9_-]/g, '_');

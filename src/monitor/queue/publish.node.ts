// Senders: a recording goes to the fleet, and is safe there once this resolves.
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { JetStreamApiError, jetstream } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { reasonOf } from '../../training/nats.node.ts';
import type { PcmFormat } from '../stream/pcm.ts';
import type { TimeMs } from '../types.ts';
import { HEADERS, subjectOf } from './names.ts';
import { openObjects } from './streams.node.ts';

/** The fleet takes no more: as much waits as it was made for. Keep the recording, and send it again later. */
export class FleetFullError extends Error {
  override readonly name = 'FleetFullError';
}

export type Publication = {
  machine: string;
  name: string;
  /** The bytes of a file, or raw samples where `pcm` says what they are. */
  bytes: Uint8Array;
  startMs?: TimeMs;
  /** Hz, of files that carry no rate. */
  sampleRate?: number;
  variable?: string;
  pcm?: { format: PcmFormat; sampleRate: number; channels?: number };
};

/** Headers and subject take their part of a message. */
const HEADER_BYTES = 4096;
const ANSWER_MS = 5000;
/** The server's codes for a stream that is full (messages, bytes, storage). */
const FULL = new Set([10077, 10047, 10023]);

const clean = (text: string): string => text.replace(/[\r\n]+/g, ' ').slice(0, 512);

function headersOf({ machine, name, bytes, startMs, sampleRate, variable, pcm }: Publication) {
  const said = headers();
  const set = (key: string, value: string | number | undefined) =>
    value !== undefined && said.set(key, clean(String(value)));
  set(HEADERS.name, encodeURIComponent(name));
  set(HEADERS.start, startMs);
  set(HEADERS.rate, pcm?.sampleRate ?? sampleRate);
  set(HEADERS.variable, variable === undefined ? undefined : encodeURIComponent(variable));
  set(HEADERS.format, pcm?.format);
  set(HEADERS.channels, pcm?.channels);
  const hash = createHash('sha256').update(bytes).digest('hex');
  return { said, id: `${machine}/${startMs ?? ''}/${hash}` };
}

/**
 * Sends a recording; resolves when the servers have stored it. Where they do not answer it is sent again for
 * `patienceSeconds`; what arrived twice is one. Recordings larger than a message go through the object store.
 * @throws InputError for a name that is none, FleetFullError where the servers take no more, else what the client says
 * @example await publishRecording(connection, { machine: 'pump-7', name: '12h.wav', bytes, startMs: Date.now() });
 */
export async function publishRecording(
  connection: NatsConnection,
  publication: Publication,
  { patienceSeconds = 30 }: { patienceSeconds?: number } = {},
): Promise<{ known: boolean }> {
  const subject = subjectOf(publication.machine);
  const { said, id } = headersOf(publication);
  const until = Date.now() + 1000 * patienceSeconds;
  const most = (connection.info?.max_payload ?? 2 ** 20) - HEADER_BYTES;
  const large = publication.bytes.length > most;
  // The object is only this message's: another one with the same bytes is deleted with its own message.
  const object = large ? `${publication.machine}/${randomUUID()}` : undefined;
  if (object) said.set(HEADERS.object, object);
  let stored = false;
  for (;;) {
    try {
      if (object && !stored) {
        const objects = await openObjects(connection);
        await objects.putBlob({ name: object }, publication.bytes);
        stored = true;
      }
      const payload = object ? new Uint8Array() : publication.bytes;
      const { duplicate } = await jetstream(connection, { timeout: ANSWER_MS }).publish(subject, payload, {
        msgID: id,
        headers: said,
      });
      if (duplicate && object) await forget(connection, object);
      return { known: duplicate };
    } catch (error) {
      const full = error instanceof JetStreamApiError && FULL.has(error.code);
      const late = Date.now() > until;
      if (!full && !late && !connection.isClosed()) {
        await sleep(250 + Math.random() * 250);
        continue;
      }
      if (full) {
        if (object) await forget(connection, object);
        throw new FleetFullError(
          `publishRecording: the fleet takes no more (${reasonOf(error)}); keep ${publication.name}, and send it again later`,
        );
      }
      // It may have arrived all the same, with the object it names.
      throw error;
    }
  }
}

/** An object that stays behind costs room only. */
async function forget(connection: NatsConnection, object: string): Promise<void> {
  try {
    await (await openObjects(connection)).delete(object);
  } catch {
    // The servers are away.
  }
}

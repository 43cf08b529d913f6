// From a message of the fleet to what is to be heard.
import type { JsMsg } from '@nats-io/jetstream';
import type { ObjectStore } from '@nats-io/obj';
import { InputError } from '../../signal/errors.ts';
import { writeWav } from '../../signal/readers/wav-write.ts';
import { download } from '../../training/nats.node.ts';
import type { IngestInput } from '../ingest.ts';
import { decodePcm, type PcmFormat, pcmFormats } from '../stream/pcm.ts';
import { HEADERS, machineOf } from './names.ts';

/** Machine, name and bytes of a message, which exist even where the rest of it makes no sense. */
export type Envelope = { machine: string; name: string; bytes: Uint8Array; object?: string };

/** Where no machine has a claim on it. */
const NOBODY = 'unknown';
const LONGEST_NAME = 255;

const headerOf = (message: JsMsg, key: string): string | undefined => message.headers?.get(key) || undefined;

function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A name to be shown: no control characters, not too long. */
const shown = (name: string): string => name.replace(/\p{Cc}+/gu, ' ').slice(0, LONGEST_NAME);

/**
 * Opens a message. Undefined where it is swept up and its object is gone: an object is deleted when it was dealt with.
 * @throws InputError for an object that is gone; else what the servers say
 */
export async function openMessage(message: JsMsg, objects: () => Promise<ObjectStore>): Promise<Envelope | undefined> {
  const machine = machineOf(message.subject) ?? NOBODY;
  const name = shown(decoded(headerOf(message, HEADERS.name)) ?? `${message.time.toISOString()} ${message.seq}`);
  const object = headerOf(message, HEADERS.object);
  if (object === undefined) return { machine, name, bytes: message.data };
  const store = await objects();
  const info = await store.info(object);
  const gone = !info || info.deleted;
  if (gone && headerOf(message, HEADERS.again)) return undefined;
  if (gone) throw new InputError(`${name}: its bytes are gone from the servers (object ${shown(object)})`);
  return { machine, name, bytes: await download(store, info), object };
}

/** A number that a header gives. @throws InputError for text that is none */
function numberIn(message: JsMsg, key: string): number | undefined {
  const text = headerOf(message, key);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isFinite(value)) throw new InputError(`${key}: expected a number, got ${JSON.stringify(shown(text))}`);
  return value;
}

function formatIn(message: JsMsg): PcmFormat | undefined {
  const text = headerOf(message, HEADERS.format);
  const found = pcmFormats.find((one) => one === text);
  if (text !== undefined && !found) {
    throw new InputError(
      `${HEADERS.format}: expected one of ${pcmFormats.join(', ')}, or none for a file, got ${JSON.stringify(shown(text))}`,
    );
  }
  return found;
}

/** Bits that hold every sample exactly, but for the last 8 bits of 32-bit integers. */
const bitsFor: Record<PcmFormat, 16 | 24 | 'float32'> = {
  s16le: 16,
  s24le: 24,
  s32le: 'float32',
  f32le: 'float32',
};

/**
 * What is to be heard. Raw samples become a WAV file, which can be played and scored again.
 * @throws InputError for headers that make no sense, and raw samples that are none
 */
export function inputOf(message: JsMsg, { machine, name, bytes }: Envelope): IngestInput {
  if (machineOf(message.subject) === undefined) {
    throw new InputError(`${shown(message.subject)}: expected thrum.in.MACHINE, with the name of a machine`);
  }
  const startMs = numberIn(message, HEADERS.start) ?? message.time.getTime();
  const rate = numberIn(message, HEADERS.rate);
  const variable = decoded(headerOf(message, HEADERS.variable));
  const format = formatIn(message);
  if (!format) {
    const read = { ...(rate !== undefined && { sampleRate: rate }), ...(variable !== undefined && { variable }) };
    return { machine, name, startMs, bytes, read };
  }
  if (rate === undefined)
    throw new InputError(`${name}: raw samples come with their rate, in the header ${HEADERS.rate}`);
  const channels = decodePcm(
    bytes,
    { format, sampleRate: rate, channels: numberIn(message, HEADERS.channels) ?? 1 },
    name,
  );
  const wav = writeWav({ channels, sampleRate: rate, name }, { bits: bitsFor[format] });
  return { machine, name, startMs, bytes: wav };
}

/** Works at a message, and says so often enough that the servers do not give it to somebody else. */
export async function withHeartbeat(message: JsMsg, ackSeconds: number, work: () => Promise<void>): Promise<void> {
  const beat = setInterval(() => message.working(), (1000 * ackSeconds) / 3);
  try {
    await work();
  } finally {
    clearInterval(beat);
  }
}

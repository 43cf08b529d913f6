// How many samples the packets of an Ogg stream can hold, told from their first bytes: what a page says of it may be a lie.
import type { ReadOptions } from '../recording.ts';
import { type OggStream, readPackets } from './ogg-pages.ts';
import { checkSamples } from './too-long.ts';

/** Milliseconds of a frame of Opus by the lowest bits of its configuration (RFC 6716, table 2). */
const SILK_MS = [10, 20, 40, 60];
const HYBRID_MS = [10, 20];
const CELT_MS = [2.5, 5, 10, 20];

/** Length of an Opus packet in seconds (RFC 6716, sections 3.1 and 3.2). */
export function opusSeconds(packet: Uint8Array): number {
  if (packet.length === 0) return 0;
  const config = packet[0] >> 3;
  const ms = config < 12 ? SILK_MS[config & 3] : config < 16 ? HYBRID_MS[config & 1] : CELT_MS[config & 3];
  const code = packet[0] & 3;
  const frames = code === 0 ? 1 : code < 3 ? 2 : (packet[1] ?? 0) & 63;
  return (frames * ms) / 1000;
}

/** A Vorbis packet gives half of the longer block at most; short blocks give less, so that this is a bound. */
function vorbisBound(packets: readonly Uint8Array[]): number {
  const head = packets[0];
  if (!head || head.length < 30) return 0;
  return packets.length * 2 ** (head[28] >> 4) * 0.5 * head[11];
}
/** Streams of short blocks come to less than their bound: this much is let pass. */
const SHORT_BLOCKS = 4;

/** @throws InputError for more samples than `options.maxSamples`; FLAC's own frames are counted elsewhere */
export function checkOggSamples(
  bytes: Uint8Array,
  { codec, pages }: OggStream,
  name: string,
  options: ReadOptions,
): void {
  if (options.maxSamples === undefined || codec === 'flac') return;
  const packets = readPackets(bytes, pages);
  if (codec === 'vorbis') {
    checkSamples(vorbisBound(packets) / SHORT_BLOCKS, options, name);
    return;
  }
  const seconds = packets.slice(2).reduce((sum, packet) => sum + opusSeconds(packet), 0);
  checkSamples(Math.round(seconds * 48_000) * (packets[0]?.[9] ?? 1), options, name);
}

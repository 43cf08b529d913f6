// Ogg files with Vorbis, Opus or FLAC inside.
import { InputError } from '../errors.ts';
import type { ReadOptions, Recording } from '../recording.ts';
import { type Decoded, withOpusDecoder, withVorbisDecoder } from './decoders.ts';
import { decodeFlacFrames } from './flac.ts';
import { readStreamInfo } from './flac-frames.ts';
import { joinPages, type OggStream, oggCodec, readOggStream, readPackets, startsPage } from './ogg-pages.ts';
import { checkOggSamples } from './ogg-samples.ts';
import type { Reader } from './types.ts';

/**
 * Reads an Ogg file (RFC 3533) that holds one stream of Vorbis, Opus or FLAC; full scale is 1. Opus comes at 48 kHz
 * whatever went into the encoder, since the format keeps no other rate (RFC 7845, section 5.1).
 * @throws InputError for damaged, missing or cut-off pages, other codecs, and chained or parallel audio streams.
 */
export const readOgg = async (bytes: Uint8Array, options: ReadOptions = {}): Promise<Recording> => {
  const name = options.name ?? 'Ogg file';
  const stream = readOggStream(bytes, name);
  checkOggSamples(bytes, stream, name, options);
  if (stream.codec === 'flac') return readOggFlac(bytes, stream, name, options);
  return stream.codec === 'opus' ? readOpus(bytes, stream, name) : readVorbis(bytes, stream, name);
};

export const oggReader: Reader = {
  format: 'ogg',
  detect: (head) => startsPage(head, 0),
  read: async (bytes, options) => [await readOgg(bytes, options)],
};

const readVorbis = async (bytes: Uint8Array, { pages }: OggStream, name: string): Promise<Recording> => {
  const joined = joinPages(bytes, pages);
  const decoded = await decode(name, () => withVorbisDecoder((decoder) => decoder.decodeFile(joined)));
  const samples = lastGranule(pages);
  return { channels: trimmed(decoded, samples, name), sampleRate: decoded.sampleRate, name };
};

/** The decoder drops the samples before `preSkip`, which it takes from the header, but counts them at the end. */
const readOpus = async (bytes: Uint8Array, { pages }: OggStream, name: string): Promise<Recording> => {
  const head = bytes.subarray(pages[0].bodyStart, pages[0].end);
  if (head.length < 19) {
    throw new InputError(
      `readOgg: expected an Opus header of 19 bytes, found ${head.length} (${name}); export it again`,
    );
  }
  const preSkip = head[10] | (head[11] << 8);
  const joined = joinPages(bytes, pages);
  const decoded = await decode(name, () => withOpusDecoder((decoder) => decoder.decodeFile(joined)));
  const channels = trimmed(decoded, lastGranule(pages) - preSkip, name);
  // Output gain in 1/256 dB (RFC 7845, section 5.1); the decoder leaves it to its caller.
  const gain = 10 ** ((((head[16] | (head[17] << 8)) << 16) >> 16) / 5120);
  if (gain !== 1) for (const channel of channels) for (let i = 0; i < channel.length; i++) channel[i] *= gain;
  return { channels, sampleRate: 48000, name };
};

/** "Ogg FLAC mapping 1.0": 9 bytes, the native stream's first 8 + 34 bytes, header packets, then a frame per packet. */
const readOggFlac = (bytes: Uint8Array, { pages }: OggStream, name: string, options: ReadOptions) => {
  const packets = readPackets(bytes, pages);
  const place = { reader: 'readOgg', name };
  if (!packets[0] || oggCodec(packets[0]) !== 'flac' || packets[0].length < 51) {
    throw new InputError(`readOgg: expected a FLAC header of 51 bytes (${name}); export the file again`);
  }
  const frames = packets.filter((packet) => packet[0] === 0xff);
  return decodeFlacFrames(frames, readStreamInfo(packets[0], 17), place, options);
};

const lastGranule = (pages: { granule: number }[]): number => pages.findLast((page) => page.granule >= 0)?.granule ?? 0;

const decode = async (name: string, run: () => Promise<Decoded & { sampleRate: number }>) => {
  const failed = (reason: string) =>
    new InputError(`readOgg: the decoder refuses the stream: ${reason} (${name}); export the file again`);
  const decoded = await run().catch((error: unknown) => {
    throw failed(error instanceof Error ? error.message : String(error));
  });
  if (decoded.errors.length > 0) throw failed(decoded.errors[0].message);
  return decoded;
};

/** A stream that began before the file did counts from there; then no sample is to be cut off. */
const trimmed = ({ channelData }: Decoded, samples: number, name: string): Float32Array[] => {
  if (channelData.length === 0 || channelData[0].length === 0 || samples <= 0) {
    throw new InputError(`readOgg: expected samples, found none (${name}); record again`);
  }
  return channelData.map((channel) => channel.subarray(0, samples));
};

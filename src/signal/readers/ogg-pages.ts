// The pages of an Ogg file, checked, and the one audio stream in them (RFC 3533).
import { concatenate } from '../concatenate.ts';
import { InputError } from '../errors.ts';

export type OggPage = {
  start: number;
  bodyStart: number;
  end: number;
  lacing: Uint8Array;
  isFirst: boolean;
  isLast: boolean;
  /** Samples up to the end of the last packet that ends on this page; -1 where none does. */
  granule: number;
  serial: number;
  sequence: number;
};

export type OggCodec = 'vorbis' | 'opus' | 'flac';
export type OggStream = { codec: OggCodec; pages: OggPage[] };

const HEADER_BYTES = 27;

/**
 * The only audio stream of the file, complete: checksums right, no page missing, and the last one marked as such.
 * Streams of other kinds beside it (pictures, text, skeleton) are left out.
 * @throws InputError for anything else, more than one audio stream included (chained or parallel).
 */
export const readOggStream = (bytes: Uint8Array, name: string): OggStream => {
  const pages = readPages(bytes, name);
  const beginnings = pages.filter((page) => page.isFirst);
  const audio = beginnings.flatMap((page) => {
    const codec = oggCodec(bytes.subarray(page.bodyStart, page.end));
    return codec ? [{ codec, serial: page.serial }] : [];
  });
  if (audio.length !== 1) {
    const other = beginnings.map((page) => printable(bytes.subarray(page.bodyStart, page.end).subarray(0, 8)));
    const found = audio.length === 0 ? `streams that begin with ${other.join(', ')}` : `${audio.length}`;
    throw new InputError(
      `readOgg: expected one stream of Vorbis, Opus or FLAC, found ${found} (${name}); convert or split the file`,
    );
  }
  const stream = pages.filter((page) => page.serial === audio[0].serial);
  for (const [i, page] of stream.entries()) {
    if (page.sequence === i) continue;
    throw new InputError(
      `readOgg: expected page ${i}, found ${page.sequence} (${name}, byte ${page.start}); pages are missing, copy the file again`,
    );
  }
  if (!stream[stream.length - 1].isLast) throw cutOff(bytes.length, name, bytes.length);
  return { codec: audio[0].codec, pages: stream };
};

/** Which codec a stream's first packet announces. */
export const oggCodec = (packet: Uint8Array): OggCodec | undefined => {
  const magic = String.fromCharCode(...packet.subarray(0, 8));
  if (magic.startsWith('\x01vorbis')) return 'vorbis';
  if (magic === 'OpusHead') return 'opus';
  return magic.startsWith('\x7fFLAC') ? 'flac' : undefined;
};

/** The pages' bytes without what lies between them. */
export const joinPages = (bytes: Uint8Array, pages: OggPage[]): Uint8Array =>
  concatenate(
    Uint8Array,
    pages.map(({ start, end }) => bytes.subarray(start, end)),
  );

/** The packets of a stream: a packet goes on until a lacing value below 255, over the ends of pages. */
export const readPackets = (bytes: Uint8Array, pages: OggPage[]): Uint8Array[] => {
  const packets: Uint8Array[] = [];
  let parts: Uint8Array[] = [];
  for (const { bodyStart, lacing } of pages) {
    let start = bodyStart;
    let at = bodyStart;
    for (const value of lacing) {
      at += value;
      if (value === 255) continue;
      packets.push(
        parts.length === 0 ? bytes.subarray(start, at) : concatenate(Uint8Array, [...parts, bytes.subarray(start, at)]),
      );
      parts = [];
      start = at;
    }
    if (at > start) parts.push(bytes.subarray(start, at));
  }
  return packets;
};

const readPages = (bytes: Uint8Array, name: string): OggPage[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pages: OggPage[] = [];
  const open = new Set<number>();
  for (let at = 0; at < bytes.length; ) {
    if (!startsPage(bytes, at)) {
      if (pages.length > 0 && open.size === 0) break; // what some programs append, a tag perhaps
      throw new InputError(`readOgg: expected a page, found other bytes (${name}, byte ${at}); copy the file again`);
    }
    const bodyStart = at + HEADER_BYTES + (bytes[at + 26] ?? 0);
    const lacing = bytes.subarray(at + HEADER_BYTES, bodyStart);
    const end = bodyStart + lacing.reduce((sum, value) => sum + value, 0);
    if (bodyStart > bytes.length || end > bytes.length) throw cutOff(at, name, bytes.length);
    if (checksum32(bytes, at, end) !== view.getUint32(at + 22, true)) {
      throw new InputError(`readOgg: found a damaged page (${name}, byte ${at}): wrong checksum; copy the file again`);
    }
    const page = {
      start: at,
      bodyStart,
      end,
      lacing,
      isFirst: (bytes[at + 5] & 2) !== 0,
      isLast: (bytes[at + 5] & 4) !== 0,
      granule: Number(view.getBigInt64(at + 6, true)),
      serial: view.getUint32(at + 14, true),
      sequence: view.getUint32(at + 18, true),
    };
    pages.push(page);
    if (page.isLast) open.delete(page.serial);
    else open.add(page.serial);
    at = end;
  }
  return pages;
};

export const startsPage = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0x4f && bytes[at + 1] === 0x67 && bytes[at + 2] === 0x67 && bytes[at + 3] === 0x53; // OggS

const cutOff = (at: number, name: string, length: number): InputError =>
  new InputError(
    `readOgg: expected further pages, found the end of the file after ${length} bytes (${name}, byte ${at}); the file was cut off, copy or record it again`,
  );

const printable = (bytes: Uint8Array): string => JSON.stringify(String.fromCharCode(...bytes).replace(/[^ -~]/g, '.'));

/** Polynomial 0x04c11db7, most significant bit first, begun at 0 (RFC 3533, section 6). */
const CRC32 = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte << 24;
  for (let k = 0; k < 8; k++) remainder = (remainder << 1) ^ (remainder & 0x80000000 ? 0x04c11db7 : 0);
  return remainder;
});

/** Checksum of a page, whose own four bytes of checksum count as 0. */
const checksum32 = (bytes: Uint8Array, start: number, end: number): number => {
  let crc = 0;
  for (let i = start; i < end; i++) {
    const byte = i >= start + 22 && i < start + 26 ? 0 : bytes[i];
    crc = (crc << 8) ^ CRC32[(crc >>> 24) ^ byte];
  }
  return crc >>> 0;
};

// The frames of a FLAC stream: found, checked and counted before the decoder sees them (RFC 9639).
import { InputError } from '../errors.ts';

/** STREAMINFO (RFC 9639, section 8.2). `totalSamples` per channel, 0 where the encoder did not know. */
export type StreamInfo = { sampleRate: number; channels: number; bits: number; totalSamples: number };

/** What error messages call the stream. */
export type FlacPlace = { reader: string; name: string };

type FrameHeader = { length: number; blockSize: number; codedNumber: number; variableBlocks: boolean };

const SIZE_CODES: Record<number, number> = { 8: 1, 12: 2, 16: 4, 20: 5, 24: 6, 32: 7 };

/** @param at where the 34 bytes of the block lie; the caller has checked that they are there. */
export const readStreamInfo = (bytes: Uint8Array, at: number): StreamInfo => ({
  sampleRate: (bytes[at + 10] << 12) | (bytes[at + 11] << 4) | (bytes[at + 12] >> 4),
  channels: ((bytes[at + 12] >> 1) & 7) + 1,
  bits: (((bytes[at + 12] & 1) << 4) | (bytes[at + 13] >> 4)) + 1,
  totalSamples:
    (bytes[at + 13] & 15) * 2 ** 32 +
    (((bytes[at + 14] << 24) | (bytes[at + 15] << 16) | (bytes[at + 16] << 8) | bytes[at + 17]) >>> 0),
});

/**
 * The frames in `bytes[start…]`, each with a valid header and checksum, one right behind the other.
 * @throws InputError where a frame is damaged, cut off or missing.
 */
export const splitFlacFrames = (bytes: Uint8Array, start: number, place: FlacPlace): Uint8Array[] => {
  const frames: Uint8Array[] = [];
  for (let at = start; at < bytes.length; ) {
    const header = readFrameHeader(bytes, at);
    const end = header && findFrameEnd(bytes, at, header);
    if (!end) {
      throw new InputError(
        `${place.reader}: expected a whole frame ${frames.length}, found a damaged or cut-off one (${place.name}, byte ${at}); copy or export the file again`,
      );
    }
    frames.push(bytes.subarray(at, end));
    at = end;
  }
  return frames;
};

/**
 * Checks that the frames follow each other without a gap and add up to what STREAMINFO says, and makes them
 * independent of it: the decoder sees frames alone, so that a frame that leaves its sampling rate or sample size to
 * STREAMINFO is rewritten. The rate written is a stand-in; the true one is `info.sampleRate`.
 * @throws InputError for missing samples, and sample sizes that no frame can state.
 */
export const standAloneFrames = (frames: Uint8Array[], info: StreamInfo, place: FlacPlace): Uint8Array[] => {
  let samples = 0;
  let first: FrameHeader | undefined;
  const result = frames.map((frame, i) => {
    const header = readFrameHeader(frame, 0);
    if (!header || checksum16(frame) !== 0) throw flacError(place, `a valid frame ${i}`, 'a damaged one');
    first ??= header;
    const expected = first.codedNumber + (first.variableBlocks ? samples : i);
    if (header.codedNumber !== expected) {
      throw flacError(place, `number ${expected} at frame ${i}`, `${header.codedNumber}: frames are missing`);
    }
    samples += header.blockSize;
    return statingItsFormat(frame, header, info, place);
  });
  if (info.totalSamples > 0 && samples !== info.totalSamples) {
    throw flacError(place, `${info.totalSamples} samples`, `${samples}: the file was cut off`);
  }
  return result;
};

/** Samples of all channels that frames will be decoded to: a few bytes may stand for 8 channels of 65,535. */
export const flacSamples = (frames: readonly Uint8Array[]): number =>
  frames.reduce((sum, frame) => {
    const assignment = frame[3] >> 4;
    return sum + (readFrameHeader(frame, 0)?.blockSize ?? 0) * (assignment < 8 ? assignment + 1 : 2);
  }, 0);

const flacError = ({ reader, name }: FlacPlace, expected: string, found: string): InputError =>
  new InputError(`${reader}: expected ${expected}, found ${found} (${name}); copy or export the file again`);

/** RFC 9639, section 9.1; undefined where there is no valid header at `at`. */
const readFrameHeader = (bytes: Uint8Array, at: number): FrameHeader | undefined => {
  if (bytes[at] !== 0xff || (bytes[at + 1] & 0xfe) !== 0xf8 || at + 6 > bytes.length) return undefined;
  const sizeCode = bytes[at + 2] >> 4;
  const rateCode = bytes[at + 2] & 15;
  if (sizeCode === 0 || rateCode === 15 || bytes[at + 3] >> 4 > 10 || bytes[at + 3] & 1) return undefined;
  const number = readCodedNumber(bytes, at + 4);
  if (!number) return undefined;
  let end = at + 4 + number.length;
  let blockSize = sizeCode === 1 ? 192 : sizeCode < 6 ? 144 * 2 ** sizeCode : 2 ** sizeCode;
  if (sizeCode === 6) blockSize = bytes[end++] + 1;
  if (sizeCode === 7) {
    blockSize = ((bytes[end] << 8) | bytes[end + 1]) + 1;
    end += 2;
  }
  if (rateCode === 12) end += 1;
  if (rateCode === 13 || rateCode === 14) end += 2;
  if (end + 1 > bytes.length || checksum8(bytes, at, end) !== bytes[end]) return undefined;
  return {
    length: end + 1 - at,
    blockSize,
    codedNumber: number.value,
    variableBlocks: (bytes[at + 1] & 1) === 1,
  };
};

/** A number of up to 36 bits, coded as UTF-8 codes characters (RFC 9639, section 9.1.5). */
const readCodedNumber = (bytes: Uint8Array, at: number): { value: number; length: number } | undefined => {
  const first = bytes[at];
  if (first < 0x80) return { value: first, length: 1 };
  const length = Math.clz32(~(first << 24));
  if (length < 2 || length > 7) return undefined;
  let value = first & (0x7f >> length);
  for (let k = 1; k < length; k++) {
    if ((bytes[at + k] & 0xc0) !== 0x80) return undefined;
    value = value * 64 + (bytes[at + k] & 0x3f);
  }
  return { value, length };
};

/** A frame ends where its checksum, running over its own footer too, comes to 0 and the next frame or nothing follows. */
const findFrameEnd = (bytes: Uint8Array, at: number, header: FrameHeader): number | undefined => {
  let crc = 0;
  const shortest = at + header.length + 2;
  for (let i = at; i < bytes.length; i++) {
    crc = ((crc << 8) & 0xffff) ^ CRC16[(crc >> 8) ^ bytes[i]];
    if (crc !== 0 || i + 1 < shortest) continue;
    if (i + 1 === bytes.length || readFrameHeader(bytes, i + 1)) return i + 1;
  }
  return undefined;
};

const statingItsFormat = (frame: Uint8Array, header: FrameHeader, info: StreamInfo, place: FlacPlace): Uint8Array => {
  const lacksRate = (frame[2] & 15) === 0;
  const lacksSize = (frame[3] & 14) === 0;
  if (!lacksRate && !lacksSize) return frame;
  const sizeCode = lacksSize ? SIZE_CODES[info.bits] : (frame[3] >> 1) & 7;
  if (sizeCode === undefined) {
    throw new InputError(
      `${place.reader}: expected samples of 8, 12, 16, 20, 24 or 32 bits, found ${info.bits} (${place.name}); convert the file to WAV`,
    );
  }
  const copy = frame.slice();
  if (lacksRate) copy[2] |= 10; // 48 kHz, a code that needs no further bytes in the header
  copy[3] = (copy[3] & 0xf0) | (sizeCode << 1);
  copy[header.length - 1] = checksum8(copy, 0, header.length - 1);
  const crc = checksum16(copy.subarray(0, -2));
  copy[copy.length - 2] = crc >> 8;
  copy[copy.length - 1] = crc & 255;
  return copy;
};

/** Remainders of every byte modulo a polynomial of `width` bits, most significant bit first. */
const remainders = (width: number, polynomial: number): Uint16Array =>
  Uint16Array.from({ length: 256 }, (_, byte) => {
    let remainder = byte << (width - 8);
    for (let k = 0; k < 8; k++) remainder = (remainder << 1) ^ (remainder >> (width - 1) ? polynomial : 0);
    return remainder;
  });

const CRC8 = remainders(8, 0x107);
const CRC16 = remainders(16, 0x18005);

const checksum8 = (bytes: Uint8Array, start: number, end: number): number => {
  let crc = 0;
  for (let i = start; i < end; i++) crc = CRC8[crc ^ bytes[i]];
  return crc;
};

const checksum16 = (bytes: Uint8Array): number => {
  let crc = 0;
  for (let i = 0; i < bytes.length; i++) crc = ((crc << 8) & 0xffff) ^ CRC16[(crc >> 8) ^ bytes[i]];
  return crc;
};

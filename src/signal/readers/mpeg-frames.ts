// The frames of an MP1, MP2 or MP3 file: found and counted before the decoder sees them (ISO/IEC 11172-3, 13818-3).
import { InputError } from '../errors.ts';

export type MpegFrame = {
  size: number;
  samples: number;
  sampleRate: number;
  channels: 1 | 2;
  layer: 1 | 2 | 3;
  /** Whether the sampling rate is one of MPEG-1's; the lower ones have half the samples in a layer III frame. */
  mpeg1: boolean;
};

/** `start` and `end`: the bytes from the first frame to the last. */
export type MpegFrames = { first: MpegFrame; start: number; end: number; count: number };

/** kbit/s by bit rate index 1 to 14. */
const BIT_RATES = {
  mpeg1: {
    1: [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    2: [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    3: [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  },
  lower: {
    1: [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    2: [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    3: [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  },
};
const SAMPLE_RATES = [44100, 48000, 32000];

/** The frame header at `at`; undefined where there is none, and for the rare free-format bit rate. */
export const readMpegFrame = (bytes: Uint8Array, at: number): MpegFrame | undefined => {
  if (at + 4 > bytes.length || bytes[at] !== 0xff || bytes[at + 1] >> 5 !== 7) return undefined;
  const version = (bytes[at + 1] >> 3) & 3;
  const layer = 4 - ((bytes[at + 1] >> 1) & 3);
  const bitRateIndex = bytes[at + 2] >> 4;
  const rateIndex = (bytes[at + 2] >> 2) & 3;
  const reserved = version === 1 || layer === 4 || rateIndex === 3 || (bytes[at + 3] & 3) === 2;
  if (reserved || bitRateIndex === 0 || bitRateIndex === 15 || (layer !== 1 && layer !== 2 && layer !== 3)) {
    return undefined;
  }
  const mpeg1 = version === 3;
  const sampleRate = SAMPLE_RATES[rateIndex] / (mpeg1 ? 1 : version === 2 ? 2 : 4);
  const bitRate = 1000 * BIT_RATES[mpeg1 ? 'mpeg1' : 'lower'][layer][bitRateIndex - 1];
  const samples = layer === 1 ? 384 : layer === 3 && !mpeg1 ? 576 : 1152;
  const slot = layer === 1 ? 4 : 1; // bytes of one unit of padding
  const padding = (bytes[at + 2] >> 1) & 1;
  const size = (Math.floor((samples * bitRate) / (8 * slot * sampleRate)) + padding) * slot;
  return { size, samples, sampleRate, channels: bytes[at + 3] >> 6 === 3 ? 1 : 2, layer, mpeg1 };
};

/**
 * Whether the bytes begin with two frames of one kind, or with one frame and nothing else. One header alone has so few
 * fixed bits that random bytes pass now and then.
 */
export const startsWithMpegFrames = (head: Uint8Array): boolean => {
  const first = readMpegFrame(head, 0);
  if (!first) return false;
  if (first.size === head.length) return true;
  const second = readMpegFrame(head, first.size);
  return second !== undefined && sameKind(first, second);
};

/** Bytes of the ID3v2 tag at `at` (id3.org, "ID3 tag version 2.4.0", section 3.1), 0 where there is none. */
export const id3Size = (bytes: Uint8Array, at: number): number => {
  const isTag = bytes[at] === 0x49 && bytes[at + 1] === 0x44 && bytes[at + 2] === 0x33 && bytes[at + 3] < 0xff;
  const size = [6, 7, 8, 9].map((k) => bytes[at + k] ?? 255);
  if (!isTag || size.some((byte) => byte > 127)) return 0;
  const footer = bytes[at + 5] & 0x10 ? 10 : 0;
  return 10 + size.reduce((sum, byte) => sum * 128 + byte, 0) + footer;
};

/**
 * Walks over all frames.
 * @throws InputError where a frame is damaged or cut off, and when fewer frames come than the Xing or VBRI header says.
 */
export const walkMpegFrames = (bytes: Uint8Array, name: string): MpegFrames => {
  const start = skipTags(bytes);
  const first = readMpegFrame(bytes, start);
  if (!first) {
    throw new InputError(`readMp3: expected an MPEG audio frame (${name}, byte ${start}); the file holds no MP3 audio`);
  }
  let at = start;
  let count = 0;
  while (at < bytes.length && !isTrailer(bytes, at)) {
    const frame = readMpegFrame(bytes, at);
    if (!frame || !sameKind(first, frame) || at + frame.size > bytes.length) {
      const found =
        frame && at + frame.size > bytes.length ? `${bytes.length - at} of ${frame.size} bytes` : 'other bytes';
      throw new InputError(
        `readMp3: expected a whole frame ${count}, found ${found} (${name}, byte ${at}); the file is damaged or cut off, copy it again`,
      );
    }
    at += frame.size;
    count++;
  }
  const announced = announcedFrames(bytes, start, first);
  if (announced !== undefined && count < announced) {
    throw new InputError(
      `readMp3: expected ${announced} frames, found ${count} in ${at} bytes (${name}); the file was cut off, copy it again`,
    );
  }
  return { first, start, end: at, count };
};

const sameKind = (a: MpegFrame, b: MpegFrame): boolean =>
  a.sampleRate === b.sampleRate && a.layer === b.layer && a.channels === b.channels;

const skipTags = (bytes: Uint8Array): number => {
  let at = 0;
  for (let size = id3Size(bytes, at); size > 0; size = id3Size(bytes, at)) at += size;
  if (at > 0) while (at < bytes.length && bytes[at] === 0) at++;
  return at;
};

/** Tags that follow the audio (ID3v1, APE, Lyrics3, a late ID3v2), or zeros to the end. */
const isTrailer = (bytes: Uint8Array, at: number): boolean => {
  const text = String.fromCharCode(...bytes.subarray(at, at + 8));
  if (/^(TAG|APETAGEX|LYRICSBE|ID3)/.test(text)) return true;
  return bytes[at] === 0 && bytes.subarray(at).every((byte) => byte === 0);
};

/**
 * Number of frames that the Xing (Info) or VBRI header in the first frame announces. LAME and ffmpeg do not count the
 * frame with the header; of others that is not known, so that a file they wrote may lack one frame.
 */
const announcedFrames = (bytes: Uint8Array, start: number, first: MpegFrame): number | undefined => {
  if (first.layer !== 3 || start + first.size > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, first.size);
  const sideInfo = first.mpeg1 ? (first.channels === 1 ? 17 : 32) : first.channels === 1 ? 9 : 17;
  const tagAt = (at: number) => (at + 18 <= first.size ? view.getUint32(at) : 0);
  const xing = 4 + sideInfo;
  const isXing = tagAt(xing) === 0x58696e67 || tagAt(xing) === 0x496e666f; // Xing, Info
  if (!isXing) return tagAt(36) === 0x56425249 ? view.getUint32(36 + 14) : undefined; // VBRI
  if ((view.getUint32(xing + 4) & 1) === 0) return undefined;
  const isOwnFrameExtra = [0x4c414d45, 0x4c617663, 0x4c617666].includes(tagAt(xing + 120)); // LAME, Lavc, Lavf
  return view.getUint32(xing + 8) + (isOwnFrameExtra ? 1 : 0);
};

// WAV files: RIFF, RIFX, RF64 and BW64 with integer or float PCM, to samples of full scale 1.
import { InputError } from '../errors.ts';
import type { ReadOptions, Recording } from '../recording.ts';
import { type NumericArray, typedView } from '../typed-view.ts';
import type { Reader } from './types.ts';

export type WavFile = { bytes: Uint8Array; view: DataView; littleEndian: boolean; name: string };
type Chunk = { id: string; start: number; size: number };
/** `code`: 1 for integers, 3 for floats. */
export type WavFormat = { code: number; channels: number; sampleRate: number; frameBytes: number; bits: number };

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;
/** Format tags (RFC 2361) that turn up in practice and hold no PCM. */
const CODECS: Record<number, string> = {
  2: 'Microsoft ADPCM',
  6: 'A-law',
  7: 'mu-law',
  17: 'IMA ADPCM',
  49: 'GSM 6.10',
  80: 'MPEG audio',
  85: 'MP3',
  353: 'Windows Media Audio',
};
/** What follows the format tag in the sub-format GUID of WAVE_FORMAT_EXTENSIBLE, as stored in a little-endian file. */
const GUID_TAIL = '000000001000800000aa00389b71';

/**
 * Reads a WAV file (Microsoft/IBM RIFF 1991, WAVEFORMATEXTENSIBLE; RF64 of EBU Tech 3306, BW64 of ITU-R BS.2088).
 * Integers of 8 (unsigned), 16, 24 and 32 bits are divided by 2^(container bits - 1): formats with fewer valid bits
 * than their container hold are left-aligned in it. Floats of 32 and 64 bits are taken as they are. A data size that
 * stands for "not known when written" (0, 0xFFFFFFFF, about 2^31) takes the samples up to the end of the file.
 * @throws InputError for anything else: other codecs, truncated or empty data, chunks that contradict themselves.
 */
export const readWav = (bytes: Uint8Array, options: ReadOptions = {}): Recording => {
  const name = options.name ?? 'WAV file';
  if (!isWav(bytes)) throw new InputError(`readWav: expected RIFF…WAVE at byte 0 (${name}); this is no WAV file`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const file = { bytes, view, littleEndian: bytes[3] !== 0x58, name }; // X of RIFX
  const { format, data } = findChunks(file);
  return { channels: decodeWavSamples(file, format, data), sampleRate: format.sampleRate, name };
};

const isWav = (head: Uint8Array): boolean =>
  ['RIFF', 'RIFX', 'RF64', 'BW64'].includes(fourCharacters(head, 0)) && fourCharacters(head, 8) === 'WAVE';

export const wavReader: Reader = { format: 'wav', detect: isWav, read: (bytes, options) => [readWav(bytes, options)] };

const fourCharacters = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));

const findChunks = (file: WavFile): { format: WavFormat; data: Chunk } => {
  const { bytes, view, littleEndian, name } = file;
  const longSizes = new Map<string, number>();
  let format: WavFormat | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const chunk = { id: fourCharacters(bytes, at), start: at + 8, size: view.getUint32(at + 4, littleEndian) };
    if (chunk.size === 0xffffffff) chunk.size = longSizes.get(chunk.id) ?? chunk.size;
    if (chunk.id === 'data') {
      if (format) return { format, data: trueExtent(file, chunk) };
      throw new InputError(
        `readWav: expected a 'fmt ' chunk before the data at byte ${at} (${name}); re-export the file`,
      );
    }
    if (chunk.start + chunk.size > bytes.length) throw truncated(file, chunk);
    if (chunk.id === 'ds64') readLongSizes(file, chunk, longSizes);
    if (chunk.id === 'fmt ') format = readWavFormat(file, chunk);
    at = chunk.start + chunk.size + (chunk.size % 2);
  }
  throw new InputError(
    `readWav: expected a data chunk, found none in ${bytes.length} bytes (${name}); the file was cut off, copy or record it again`,
  );
};

const truncated = (file: WavFile, chunk: Chunk): InputError =>
  new InputError(
    `readWav: expected ${chunk.size} bytes in chunk '${chunk.id}' at byte ${chunk.start - 8}, found ${file.bytes.length - chunk.start} (${file.name}); the file was cut off, copy or record it again`,
  );

/** RF64: 64-bit sizes of the file, the data chunk and any others, for which the chunk itself says 0xFFFFFFFF. */
const readLongSizes = ({ view, littleEndian }: WavFile, { start, size }: Chunk, sizes: Map<string, number>): void => {
  if (size < 24) return;
  const long = (at: number) => Number(view.getBigUint64(at, littleEndian));
  if (long(start + 8) > 0) sizes.set('data', long(start + 8));
  const entries = size >= 28 ? view.getUint32(start + 24, littleEndian) : 0;
  for (let at = start + 28, i = 0; i < entries && at + 12 <= start + size; at += 12, i++) {
    const id = String.fromCharCode(...[0, 1, 2, 3].map((k) => view.getUint8(at + k)));
    sizes.set(id, long(at + 4));
  }
};

/**
 * Sizes that stand for "not known when written", beside 0. Programs that write to a pipe cannot come back to fill the size
 * in; they leave 0 (many), 0xFFFFFFFF (ffmpeg), 2^31 - 4096 (sox), 2^31 - 1 or 2^31 (arecord).
 */
export const isUnknownWavSize = (size: number): boolean =>
  size === 0xffffffff || (size >= 0x7ffff000 && size <= 2 ** 31);

/** The data chunk with its true size. A 0 is taken at its word where the size of the whole file has been filled in. */
const trueExtent = (file: WavFile, chunk: Chunk): Chunk => {
  const available = file.bytes.length - chunk.start;
  const finished = file.view.getUint32(4, file.littleEndian) === file.bytes.length - 8;
  const unknown = chunk.size === 0 || isUnknownWavSize(chunk.size);
  if (unknown && !finished && (chunk.size > available || chunk.size === 0)) return { ...chunk, size: available };
  if (chunk.size > available) throw truncated(file, chunk);
  return chunk;
};

/** The format in a chunk `fmt ` whose content begins at `start`. @throws InputError for anything but PCM and floats */
export const readWavFormat = (
  { view, littleEndian, name, bytes }: WavFile,
  { start, size }: Omit<Chunk, 'id'>,
): WavFormat => {
  const fail = (expected: string, found: string) =>
    new InputError(`readWav: expected ${expected}, found ${found} (${name}, byte ${start}); convert the file to PCM`);
  if (size < 16) throw fail('16 bytes or more in the format chunk', `${size}`);
  const short = (at: number) => view.getUint16(start + at, littleEndian);
  const channels = short(2);
  const sampleRate = view.getUint32(start + 4, littleEndian);
  const bits = short(14);
  let code = short(0);
  if (code === EXTENSIBLE) {
    if (size < 40) throw fail('40 bytes in an extensible format chunk', `${size}`);
    const tail = [...bytes.subarray(start + 26, start + 40)].map((b) => b.toString(16).padStart(2, '0')).join('');
    // The GUID begins with a 32-bit and two 16-bit fields, which a big-endian file swaps.
    if (littleEndian && tail !== GUID_TAIL) throw fail('a sub-format of PCM or float samples', `GUID …${tail}`);
    code = littleEndian ? short(24) : short(26);
  }
  if (code !== PCM && code !== FLOAT) {
    throw fail('integer or float PCM samples', `${CODECS[code] ?? 'codec'} (format tag ${code})`);
  }
  if (channels === 0) throw fail('one channel or more', '0');
  if (sampleRate === 0) throw fail('a sampling rate above 0 Hz', '0');
  const frameBytes = short(12) || channels * Math.ceil(bits / 8);
  const width = frameBytes / channels;
  const widths = code === FLOAT ? [4, 8] : [1, 2, 3, 4];
  if (!widths.includes(width) || bits > 8 * width || bits === 0 || (code === FLOAT && bits !== 8 * width)) {
    const kind = code === FLOAT ? 'float samples of 32 or 64 bits' : 'integer samples of 8 to 32 bits';
    throw fail(kind, `${bits} bits in frames of ${frameBytes} bytes for ${channels} channels`);
  }
  return { code, channels, sampleRate, frameBytes, bits };
};

/** One Float32Array per channel from the frames in a piece of data. @throws InputError where there is not one frame */
export const decodeWavSamples = (file: WavFile, format: WavFormat, data: Omit<Chunk, 'id'>): Float32Array[] => {
  const frames = Math.floor(data.size / format.frameBytes);
  if (frames === 0) {
    throw new InputError(
      `readWav: expected samples, found ${data.size} bytes of data at byte ${data.start} (${file.name}); record again`,
    );
  }
  const { values, zero, scale } = storedSamples(file, format, data.start, frames * format.channels);
  return Array.from({ length: format.channels }, (_, channel) => {
    const samples = new Float32Array(frames);
    for (let i = 0, at = channel; i < frames; i++, at += format.channels) samples[i] = (values[at] - zero) * scale;
    return samples;
  });
};

type StoredSamples = { values: Exclude<NumericArray, BigInt64Array | BigUint64Array>; zero: number; scale: number };

/** The interleaved samples as the file holds them; a sample is (value - zero) * scale. */
const storedSamples = (file: WavFile, format: WavFormat, start: number, count: number): StoredSamples => {
  const { bytes, littleEndian } = file;
  const width = format.frameBytes / format.channels;
  const signed = { zero: 0, scale: 2 ** (1 - 8 * width) };
  if (format.code === FLOAT) {
    const type = width === 4 ? Float32Array : Float64Array;
    return {
      values: typedView<Float32Array | Float64Array>(type, bytes, start, count, littleEndian),
      zero: 0,
      scale: 1,
    };
  }
  if (width === 1) return { values: bytes.subarray(start, start + count), zero: 128, scale: 1 / 128 };
  if (width === 2) return { values: typedView(Int16Array, bytes, start, count, littleEndian), ...signed };
  if (width === 4) return { values: typedView(Int32Array, bytes, start, count, littleEndian), ...signed };
  return { values: widen24(bytes, start, count, littleEndian), ...signed };
};

const widen24 = (bytes: Uint8Array, start: number, count: number, littleEndian: boolean): Int32Array => {
  const values = new Int32Array(count);
  const [high, low] = littleEndian ? [2, 0] : [0, 2];
  for (let i = 0, at = start; i < count; i++, at += 3) {
    values[i] = ((bytes[at + high] << 24) | (bytes[at + 1] << 16) | (bytes[at + low] << 8)) >> 8;
  }
  return values;
};

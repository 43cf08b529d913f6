// WAV files written from recordings, for simulated machines and for playback in reports.
import { InputError } from '../errors.ts';
import { type Recording, sampleCount } from '../recording.ts';

export type WavWriteOptions = { bits?: 16 | 24 | 'float32' };

/**
 * A RIFF/WAVE file of a recording: integers of 16 (the default) or 24 bits, clipped to [-1, 1) and rounded to nearest,
 * or 32-bit floats as they are.
 * @throws InputError for samples that are not finite, a rate that is not a whole number of Hz (WAV holds no other;
 * resample first), channels of different length or none, and 4 GiB or more.
 */
export const writeWav = (recording: Recording, { bits = 16 }: WavWriteOptions = {}): Uint8Array => {
  const frames = checkedFrames(recording);
  const width = bits === 'float32' ? 4 : bits / 8;
  const channels = recording.channels.length;
  const size = frames * channels * width;
  // The fact chunk (frames per channel) is required of every format but integer PCM.
  const headerSize = bits === 'float32' ? 58 : 44;
  if (headerSize + size + 1 >= 2 ** 32) {
    throw new InputError(
      `writeWav: expected less than 4 GiB of samples, got ${size} bytes (${recording.name}); split it`,
    );
  }
  const bytes = new Uint8Array(headerSize + size + (size % 2));
  const view = new DataView(bytes.buffer);
  writeHeader(bytes, view, { channels, rate: recording.sampleRate, width, float: bits === 'float32', frames, size });
  for (const [c, samples] of recording.channels.entries()) {
    const start = headerSize + c * width;
    if (bits === 'float32') writeFloats(view, samples, start, channels);
    else writeIntegers(bytes, samples, start, channels, width);
  }
  return bytes;
};

const checkedFrames = (recording: Recording): number => {
  const { channels, sampleRate, name } = recording;
  const frames = sampleCount(recording);
  const fail = (what: string) => new InputError(`writeWav: expected ${what} (${name})`);
  if (channels.length === 0 || channels.length > 65535) throw fail(`1 to 65535 channels, got ${channels.length}`);
  if (channels.some((samples) => samples.length !== frames)) throw fail('channels of equal length');
  if (!Number.isInteger(sampleRate) || sampleRate <= 0 || sampleRate >= 2 ** 32) {
    throw fail(`a rate of a whole number of Hz, got ${sampleRate}; resample first`);
  }
  for (const [c, samples] of channels.entries()) {
    const at = samples.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) throw fail(`finite samples, got ${samples[at]} at sample ${at} of channel ${c}`);
  }
  return frames;
};

type Header = { channels: number; rate: number; width: number; float: boolean; frames: number; size: number };

const writeHeader = (bytes: Uint8Array, view: DataView, header: Header): void => {
  let at = 0;
  const text = (id: string) => {
    for (const letter of id) bytes[at++] = letter.charCodeAt(0);
  };
  const short = (value: number) => {
    view.setUint16(at, value, true);
    at += 2;
  };
  const long = (value: number) => {
    view.setUint32(at, value, true);
    at += 4;
  };
  const { channels, rate, width, float, frames, size } = header;
  text('RIFF');
  long(bytes.length - 8);
  text('WAVEfmt ');
  long(float ? 18 : 16);
  short(float ? 3 : 1);
  short(channels);
  long(rate);
  long((rate * channels * width) % 2 ** 32);
  short(channels * width);
  short(8 * width);
  if (float) {
    short(0); // no extension of the format chunk
    text('fact');
    long(4);
    long(frames);
  }
  text('data');
  long(size);
};

const writeFloats = (view: DataView, samples: Float32Array, start: number, channels: number): void => {
  for (let i = 0, at = start; i < samples.length; i++, at += 4 * channels) view.setFloat32(at, samples[i], true);
};

const writeIntegers = (bytes: Uint8Array, samples: Float32Array, start: number, channels: number, width: number) => {
  const full = 2 ** (8 * width - 1);
  for (let i = 0, at = start; i < samples.length; i++, at += width * channels) {
    const value = Math.min(full - 1, Math.max(-full, Math.round(samples[i] * full)));
    for (let k = 0; k < width; k++) bytes[at + k] = value >> (8 * k);
  }
};

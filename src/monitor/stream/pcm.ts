// Raw PCM: samples without a header, in whole messages or in chunks of any size.
import { concatenate } from '../../signal/concatenate.ts';
import { InputError } from '../../signal/errors.ts';
import { decodeWavSamples, type WavFormat } from '../../signal/readers/wav.ts';

/** Signed integers and floats, little-endian, channels interleaved. */
export const pcmFormats = ['s16le', 's24le', 's32le', 'f32le'] as const;
export type PcmFormat = (typeof pcmFormats)[number];

/** What raw samples do not say of themselves. `sampleRate` in Hz. */
export type PcmSettings = { format: PcmFormat; sampleRate: number; channels: number };

const MAX_CHANNELS = 1024;

/** @throws InputError for rates and numbers of channels that cannot be */
export function pcmLayout({ format, sampleRate, channels }: PcmSettings): WavFormat {
  if (!(sampleRate > 0 && Number.isFinite(sampleRate))) {
    throw new InputError(`pcmLayout: expected a sampling rate above 0 Hz, got ${sampleRate}`);
  }
  if (!(Number.isInteger(channels) && channels >= 1 && channels <= MAX_CHANNELS)) {
    throw new InputError(`pcmLayout: expected 1 to ${MAX_CHANNELS} channels, got ${channels}`);
  }
  const bits = Number(format.slice(1, 3));
  return { code: format === 'f32le' ? 3 : 1, channels, sampleRate, frameBytes: (channels * bits) / 8, bits };
}

function decode(bytes: Uint8Array, layout: WavFormat, littleEndian: boolean, name: string): Float32Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return decodeWavSamples({ bytes, view, littleEndian, name }, layout, { start: 0, size: bytes.length });
}

/**
 * One Float32Array per channel, integers divided by full scale.
 * @throws InputError for no bytes, and for bytes that are not whole frames
 */
export function decodePcm(bytes: Uint8Array, settings: PcmSettings, name: string): Float32Array[] {
  const layout = pcmLayout(settings);
  if (bytes.length === 0 || bytes.length % layout.frameBytes !== 0) {
    throw new InputError(
      `decodePcm: expected whole frames of ${layout.frameBytes} bytes (${settings.format}, ${settings.channels} channels), got ${bytes.length} bytes (${name}); check format and channels`,
    );
  }
  return decode(bytes, layout, true, name);
}

export type FrameDecoder = {
  /** The samples that are whole by now, one Float32Array per channel; undefined where there are none. */
  push(bytes: Uint8Array): Float32Array[] | undefined;
  /** Bytes of a frame that is not whole. */
  rest(): number;
};

export function createFrameDecoder(layout: WavFormat, littleEndian = true): FrameDecoder {
  let left: Uint8Array = new Uint8Array(0);
  return {
    push(bytes) {
      const all = left.length === 0 ? bytes : concatenate(Uint8Array, [left, bytes]);
      const whole = all.length - (all.length % layout.frameBytes);
      // A copy: the chunk may be used again by whoever gave it.
      left = new Uint8Array(all.subarray(whole));
      return whole === 0 ? undefined : decode(all.subarray(0, whole), layout, littleEndian, 'samples');
    },
    rest: () => left.length,
  };
}

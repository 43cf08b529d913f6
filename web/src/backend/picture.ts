// Pictures as they cross HTTP, back to numbers.
import type { MomentPicture } from '../../../src/monitor/hearing/types.ts';
import type { ApiPicture } from './api.ts';

export const bytesFromBase64 = (base64: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/** Little-endian, as written; whole numbers of four bytes only. */
export function floatsFromBase64(base64: string): Float32Array {
  const bytes = bytesFromBase64(base64);
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length >> 2 }, (_, i) => view.getFloat32(4 * i, true));
}

export const decodePicture = ({ spectrogram, waveform, deviation, ...rest }: ApiPicture): MomentPicture => ({
  ...rest,
  spectrogram: { ...spectrogram, values: bytesFromBase64(spectrogram.values) },
  waveform: { min: floatsFromBase64(waveform.min), max: floatsFromBase64(waveform.max), unit: waveform.unit },
  ...(deviation && { deviation: { ...deviation, values: floatsFromBase64(deviation.values) } }),
});

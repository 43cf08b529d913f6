// Pictures as JSON carries them: bytes in base64.
import type { MomentPicture } from '../monitor/hearing/types.ts';
import { bytesOf } from '../signal/typed-view.ts';
import type { ApiPicture } from './schemas.ts';

const base64 = (values: Uint8Array | Float32Array): string => Buffer.from(bytesOf(values)).toString('base64');

/** Spectrogram uint8, the others float32 little-endian. */
export const pictureView = ({ spectrogram, waveform, deviation, ...rest }: MomentPicture): ApiPicture => ({
  ...rest,
  spectrogram: { ...spectrogram, values: base64(spectrogram.values) },
  waveform: { ...waveform, min: base64(waveform.min), max: base64(waveform.max) },
  ...(deviation && { deviation: { ...deviation, values: base64(deviation.values) } }),
});

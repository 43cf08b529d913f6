// FLAC files, and the decoding of FLAC frames that the Ogg reader shares.
import { InputError } from '../errors.ts';
import type { ReadOptions, Recording } from '../recording.ts';
import { withFlacDecoder } from './decoders.ts';
import {
  type FlacPlace,
  flacSamples,
  readStreamInfo,
  type StreamInfo,
  splitFlacFrames,
  standAloneFrames,
} from './flac-frames.ts';
import { checkSamples } from './too-long.ts';
import type { Reader } from './types.ts';

/**
 * Reads a FLAC file (RFC 9639) of any rate, 1 to 8 channels; full scale is 1.
 * @throws InputError for damaged frames, fewer samples than STREAMINFO announces, and what the decoder refuses.
 */
export const readFlac = async (bytes: Uint8Array, options: ReadOptions = {}): Promise<Recording> => {
  const place = { reader: 'readFlac', name: options.name ?? 'FLAC file' };
  const { info, end } = readMetadata(bytes, place);
  return decodeFlacFrames(splitFlacFrames(bytes, end, place), info, place, options);
};

const isFlac = (head: Uint8Array): boolean => String.fromCharCode(...head.subarray(0, 4)) === 'fLaC';

export const flacReader: Reader = {
  format: 'flac',
  detect: isFlac,
  read: async (bytes, options) => [await readFlac(bytes, options)],
};

/** The metadata blocks (RFC 9639, section 8): all are skipped but STREAMINFO, which has to be the first. */
const readMetadata = (bytes: Uint8Array, place: FlacPlace): { info: StreamInfo; end: number } => {
  if (!isFlac(bytes)) throw new InputError(`readFlac: expected fLaC at byte 0 (${place.name}); this is no FLAC file`);
  let info: StreamInfo | undefined;
  for (let at = 4; at + 4 <= bytes.length; ) {
    const type = bytes[at] & 0x7f;
    const size = (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    const end = at + 4 + size;
    if (end > bytes.length) break;
    if (type === 0 && size >= 34) info ??= readStreamInfo(bytes, at + 4);
    if (!info)
      throw new InputError(`readFlac: expected STREAMINFO (${place.name}, byte ${at}), found block type ${type}`);
    if (bytes[at] & 0x80) return { info, end };
    at = end;
  }
  throw new InputError(
    `readFlac: expected metadata blocks beyond ${bytes.length} bytes (${place.name}); the file was cut off, copy it again`,
  );
};

/**
 * Decodes frames, each as one array, to the samples they hold.
 * @throws InputError when `standAloneFrames` does, when the decoder does, and when no rate is stated anywhere.
 */
export const decodeFlacFrames = async (
  frames: Uint8Array[],
  info: StreamInfo,
  place: FlacPlace,
  options: ReadOptions,
): Promise<Recording> => {
  const checked = standAloneFrames(frames, info, place);
  checkSamples(flacSamples(frames), options, place.name);
  // A rate of 0 means "not audio" (RFC 9639, section 8.2), which some measurement programs write.
  const sampleRate = info.sampleRate || options.sampleRate;
  if (!sampleRate) {
    throw new InputError(`${place.reader}: expected a sampling rate, found 0 (${place.name}); give it with --rate`);
  }
  const decoded = await withFlacDecoder(async (decoder) => {
    const result = await decoder.decodeFrames(checked);
    if (result.errors.length > 0) await decoder.reset();
    return result;
  });
  const { channelData, errors } = decoded;
  if (errors.length > 0 || channelData.length !== info.channels || channelData[0].length === 0) {
    const what = errors[0]?.message ?? `${channelData[0]?.length ?? 0} samples in ${channelData.length} channels`;
    throw new InputError(
      `${place.reader}: expected ${info.channels} channels of ${info.bits}-bit samples, found ${what} (${place.name}); export the file again`,
    );
  }
  for (const samples of channelData) rescale(samples, info.bits);
  return { channels: channelData, sampleRate, name: place.name };
};

/**
 * The decoder divides by 2^(bits-1) - 1, WAV files by 2^(bits-1). The whole numbers are recovered and divided by the
 * latter, so that a recording gives the same samples from either. Beyond 24 bits float32 cannot tell the two apart.
 */
const rescale = (samples: Float32Array, bits: number): void => {
  if (bits > 24) return;
  const full = 2 ** (bits - 1);
  for (let i = 0; i < samples.length; i++) samples[i] = Math.round(samples[i] * (full - 1)) / full;
};

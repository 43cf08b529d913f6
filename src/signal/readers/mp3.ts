// MP3 files, and MPEG audio of layers I and II.
import { InputError } from '../errors.ts';
import type { ReadOptions, Recording } from '../recording.ts';
import { withMp3Decoder } from './decoders.ts';
import { id3Size, startsWithMpegFrames, walkMpegFrames } from './mpeg-frames.ts';
import { checkSamples } from './too-long.ts';
import type { Reader } from './types.ts';

/**
 * Reads an MP3 file; full scale is 1. Where the encoder noted its delay and padding (LAME), they are cut off, so that
 * the recording is as long as the one that was encoded; else it is up to two frames longer.
 * A file without a Xing header that was cut exactly between two frames cannot be told from a whole one.
 * @throws InputError for damaged or missing frames, and for files without MPEG audio.
 */
export const readMp3 = async (bytes: Uint8Array, options: ReadOptions = {}): Promise<Recording> => {
  const name = options.name ?? 'MP3 file';
  const { first, start, end, count } = walkMpegFrames(bytes, name);
  checkSamples(count * first.samples * first.channels, options, name);
  const { channelData, errors } = await withMp3Decoder(async (decoder) => {
    const decoded = decoder.decode(bytes.subarray(start, end));
    await decoder.reset();
    return decoded;
  });
  if (errors.length > 0 || channelData.length === 0 || channelData[0].length === 0) {
    throw new InputError(
      `readMp3: expected samples in ${count} frames, the decoder says: ${errors[0]?.message ?? 'none'} (${name}); export the file again`,
    );
  }
  // The decoder gives mono as two equal channels.
  return { channels: channelData.slice(0, first.channels), sampleRate: first.sampleRate, name };
};

export const mp3Reader: Reader = {
  format: 'mp3',
  detect: (head) => id3Size(head, 0) > 0 || startsWithMpegFrames(head),
  read: async (bytes, options) => [await readMp3(bytes, options)],
};

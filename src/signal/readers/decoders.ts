// The WebAssembly decoders, each loaded when first needed, kept for the next file, and used by one file at a time.

type Use<D, R> = (decoder: D) => Promise<R> | R;

/**
 * Files decoded at the same time wait for each other: a decoder holds state between the calls that a file takes.
 * One that failed is dropped, since a WebAssembly instance that trapped is not to be trusted; its memory goes with it.
 */
const sharedDecoder = <D>(create: () => Promise<D>) => {
  let decoder: D | undefined;
  let previous: Promise<unknown> = Promise.resolve();
  return <R>(use: Use<D, R>): Promise<R> => {
    const run = async (): Promise<R> => {
      decoder ??= await create();
      try {
        return await use(decoder);
      } catch (error) {
        decoder = undefined;
        throw error;
      }
    };
    const result = previous.then(run);
    previous = result.catch(() => {});
    return result;
  };
};

export const withFlacDecoder = sharedDecoder(async () => {
  const { FLACDecoder } = await import('@wasm-audio-decoders/flac');
  const decoder = new FLACDecoder();
  await decoder.ready;
  return decoder;
});

export const withVorbisDecoder = sharedDecoder(async () => {
  const { OggVorbisDecoder } = await import('@wasm-audio-decoders/ogg-vorbis');
  const decoder = new OggVorbisDecoder();
  await decoder.ready;
  return decoder;
});

export const withOpusDecoder = sharedDecoder(async () => {
  const { OggOpusDecoder } = await import('ogg-opus-decoder');
  const decoder = new OggOpusDecoder();
  await decoder.ready;
  return decoder;
});

export const withMp3Decoder = sharedDecoder(async () => {
  const { MPEGDecoder } = await import('mpg123-decoder');
  const decoder = new MPEGDecoder();
  await decoder.ready;
  return decoder;
});

/** What all decoders return. `channelData` may be longer than what a file says it holds; never shorter. */
export type Decoded = { channelData: Float32Array[]; samplesDecoded: number; errors: { message: string }[] };

// Samples from a pipe: raw PCM, or a WAV file that is still being written.
import { InputError } from '../../signal/errors.ts';
import type { Arrival, Source, TimeMs } from '../types.ts';
import { createByteReader } from './byte-reader.ts';
import { createFrameDecoder, type PcmSettings, pcmLayout } from './pcm.ts';
import { readWavHead } from './wav-head.ts';

export type InputSourceOptions = {
  /** Raw samples; a WAV file where it is not given. */
  pcm?: PcmSettings;
  /** Name of the stream; `stdin` by default. */
  stream?: string;
  /** The clock, for the time of the first sample; later times are counted in samples. */
  now?(): TimeMs;
};

/** Enough to be fast, little enough to hear a slow writer soon. */
const CHUNK_BYTES = 2 ** 20;

/**
 * One stream from a readable such as `process.stdin`, whatever its chunks. It is read as fast as its arrivals are taken: a
 * writer that can wait, waits. A file that ends before its own size, and bytes at the end that are no whole frame,
 * are trouble. Iterating throws InputError for what is no WAV file.
 * @throws InputError for settings that cannot be
 */
export function createInputSource(
  input: AsyncIterable<Uint8Array> & { destroy?(): unknown },
  options: InputSourceOptions = {},
): Source {
  const { pcm, stream = 'stdin', now = Date.now } = options;
  const layout = pcm && pcmLayout(pcm);
  const closing = new AbortController();
  const name = 'standard input';

  async function* arrivals(): AsyncGenerator<Arrival> {
    const reader = createByteReader(input, closing.signal);
    const head = layout
      ? { layout, littleEndian: true, bytes: undefined }
      : await readWavHead(reader, name).catch((error: unknown) => {
          if (closing.signal.aborted && error instanceof InputError) return undefined;
          throw error;
        });
    if (!head) return;
    const { sampleRate, frameBytes } = head.layout;
    const decoder = createFrameDecoder(head.layout, head.littleEndian);
    let missing = head.bytes ?? Number.POSITIVE_INFINITY;
    let startMs: TimeMs | undefined;
    let count = 0;
    const time = () => (startMs ?? now()) + (count * 1000) / sampleRate;
    while (missing > 0) {
      const bytes = await reader.next(Math.min(missing, CHUNK_BYTES));
      if (!bytes) break;
      startMs ??= now() - (Math.floor(bytes.length / frameBytes) * 1000) / sampleRate;
      missing -= bytes.length;
      const channels = decoder.push(bytes);
      if (!channels) continue;
      yield { kind: 'samples', stream, atMs: time(), recording: { channels, sampleRate, name: stream } };
      count += channels[0].length;
    }
    if (closing.signal.aborted) return;
    const trouble = (reason: string): Arrival => ({ kind: 'trouble', stream, atMs: time(), reason });
    if (Number.isFinite(missing) && missing > 0) {
      yield trouble(`the WAV file ends ${missing} bytes before its own size; it was cut off`);
    }
    if (decoder.rest() > 0) {
      yield trouble(`${decoder.rest()} bytes at the end are no whole frame of ${frameBytes} bytes; they were left out`);
    }
  }

  return {
    name,
    arrivals,
    async close() {
      closing.abort();
      input.destroy?.();
    },
  };
}

// The head of a WAV file that is still being written: what its samples are, and how many, if it says so.
import { InputError } from '../../signal/errors.ts';
import { isUnknownWavSize, readWavFormat, type WavFormat } from '../../signal/readers/wav.ts';
import type { ByteReader } from './byte-reader.ts';

export type WavHead = {
  layout: WavFormat;
  littleEndian: boolean;
  /** Of the samples; undefined where the writer did not know. */
  bytes: number | undefined;
};

/** A format chunk has 16 to 40 bytes, some writers pad it. */
const MAX_FORMAT_BYTES = 4096;
const SIZES_BYTES = 24;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const textOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes.subarray(0, 4));

/**
 * Reads up to the first sample: RIFF, RIFX, RF64, BW64; chunks before the samples are passed over. Sizes of 0,
 * 0xFFFFFFFF and others that stand for "not known" leave `bytes` undefined.
 * @throws InputError for what is no WAV file, for codecs, and for a head that ends too early
 */
export async function readWavHead(reader: ByteReader, name: string): Promise<WavHead> {
  const head = await reader.take(12);
  const kind = textOf(head);
  if (head.length < 12 || !['RIFF', 'RIFX', 'RF64', 'BW64'].includes(kind) || textOf(head.subarray(8)) !== 'WAVE') {
    throw new InputError(
      `readWavHead: expected a WAV file, got ${head.length === 0 ? 'nothing' : 'other bytes'} (${name}); raw samples need --format, --rate and --channels`,
    );
  }
  const littleEndian = kind !== 'RIFX';
  let layout: WavFormat | undefined;
  let longSize: number | undefined;
  for (;;) {
    const start = await reader.take(8);
    if (start.length < 8) throw new InputError(`readWavHead: expected samples, the input ends in its head (${name})`);
    const id = textOf(start);
    const size = viewOf(start).getUint32(4, littleEndian);
    if (id === 'data') {
      if (!layout) {
        throw new InputError(`readWavHead: expected a 'fmt ' chunk before the data (${name}); mend the writer`);
      }
      const known = size !== 0 && !isUnknownWavSize(size);
      return { layout, littleEndian, bytes: known ? size : longSize };
    }
    if (id === 'fmt ' && size > MAX_FORMAT_BYTES) {
      throw new InputError(`readWavHead: expected at most ${MAX_FORMAT_BYTES} bytes of format, got ${size} (${name})`);
    }
    const wanted = id === 'fmt ' ? size : id === 'ds64' ? Math.min(size, SIZES_BYTES) : 0;
    const content = await reader.take(wanted);
    if (id === 'fmt ' && content.length === size) {
      const file = { bytes: content, view: viewOf(content), littleEndian, name };
      layout = readWavFormat(file, { start: 0, size });
    }
    if (id === 'ds64' && content.length === SIZES_BYTES) {
      longSize = Number(viewOf(content).getBigUint64(8, littleEndian)) || undefined;
    }
    await reader.skip(size - wanted + (size % 2));
  }
}

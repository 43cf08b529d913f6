// One numeric array of one to three axes, cut into recordings and channels.
import { InputError } from '../errors.ts';
import type { Recording } from '../recording.ts';
import { elementCount, type NumericArray } from '../typed-view.ts';

/** What error messages call the array, and what the recordings are to be called. */
export type ArrayLabel = { reader: string; label: string; file: string; name: string };

type LoadableArray = { shape: number[]; columnMajor: boolean; load(): NumericArray };

/**
 * Recordings of an array: [samples]; [samples, channels] or [channels, samples], the longer axis being time;
 * [records, channels, samples], one recording per record, named `name#000` and on.
 * @throws InputError for more axes, a square matrix (either axis may be time), or samples that are not finite.
 */
export const recordingsOf = (array: LoadableArray, sampleRate: number, what: ArrayLabel): Recording[] => {
  const data = array.load();
  const layout = layoutOf(array, what);
  return Array.from({ length: layout.records }, (_, record) => ({
    channels: Array.from({ length: layout.channels }, (_, channel) => {
      const start = record * layout.recordStride + channel * layout.channelStride;
      return samplesAt(data, start, layout.sampleStride, layout.samples, `channel ${channel}`, what);
    }),
    sampleRate,
    name: layout.several ? `${what.name}#${String(record).padStart(digits(layout.records), '0')}` : what.name,
  }));
};

type Layout = {
  several: boolean;
  records: number;
  channels: number;
  samples: number;
  recordStride: number;
  channelStride: number;
  sampleStride: number;
};

const layoutOf = ({ shape, columnMajor }: LoadableArray, what: ArrayLabel): Layout => {
  const place = `at ${what.label} (${what.file})`;
  const shown = `[${shape.join(', ')}]`;
  if (shape.length < 1 || shape.length > 3) {
    throw new InputError(`${what.reader}: expected an array of one to three axes, found ${shown} ${place}`);
  }
  if (shape.length === 2 && shape[0] === shape[1]) {
    throw new InputError(
      `${what.reader}: expected one axis to be longer, which is time, found ${shown} ${place}; name another array with --variable`,
    );
  }
  const strides = stridesOf(shape, columnMajor);
  const time = shape.length === 2 && shape[0] > shape[1] ? 0 : shape.length - 1;
  const channel = shape.length === 3 ? 1 : 1 - time;
  const layout = {
    several: shape.length === 3,
    records: shape.length === 3 ? shape[0] : 1,
    channels: shape.length === 1 ? 1 : shape[channel],
    samples: shape[time],
    recordStride: shape.length === 3 ? strides[0] : 0,
    channelStride: shape.length === 1 ? 0 : strides[channel],
    sampleStride: strides[time],
  };
  if (layout.records * layout.channels * layout.samples > 0) return layout;
  throw new InputError(`${what.reader}: expected samples, found an empty array ${shown} ${place}`);
};

/** How far apart neighbours along each axis lie. */
const stridesOf = (shape: number[], columnMajor: boolean): number[] => {
  const before = (axis: number) => (columnMajor ? shape.slice(0, axis) : shape.slice(axis + 1));
  return shape.map((_, axis) => elementCount(before(axis)));
};

/** Three digits, or as many as the last record needs, so that names sort in order. */
const digits = (records: number): number => Math.max(3, String(records - 1).length);

const samplesAt = (
  data: NumericArray,
  start: number,
  stride: number,
  count: number,
  channel: string,
  what: ArrayLabel,
): Float32Array => {
  const samples = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const value = Number(data[start + i * stride]);
    samples[i] = value;
    if (!Number.isFinite(samples[i])) {
      throw new InputError(
        `${what.reader}: expected finite samples within float32, found ${value} at ${what.label}, ${channel}, sample ${i} (${what.file})`,
      );
    }
  }
  return samples;
};

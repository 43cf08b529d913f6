// TDMS files of National Instruments (LabVIEW, DIAdem) as recordings.
import { InputError } from '../errors.ts';
import type { ReadOptions, Recording } from '../recording.ts';
import { roundRate } from './sampling-rate.ts';
import { readTdmsNumber, readTdmsObjects, type TdmsObject } from './tdms-segments.ts';
import type { Reader } from './types.ts';

type Channel = { path: string; object: TdmsObject; length: number; sampleRate: number; unit?: string };

/**
 * Reads a TDMS file, version 1 or 2 (4712, 4713): all channels of real numbers, or the one that `options.variable`
 * names as `group/channel` or `channel`. The rate is 1 / `wf_increment`, the unit `unit_string`; linear scales
 * (`NI_Scale`) are applied. Channels of equal length and rate make one recording, others one each, named
 * `file#group/channel` after their first channel.
 * @throws InputError for truncated or damaged files, DAQmx raw data, scales that are not linear, no samples, and
 * channels without a rate where `options.sampleRate` is missing too.
 */
export const readTdms = (bytes: Uint8Array, options: ReadOptions = {}): Recording[] => {
  const name = options.name ?? 'TDMS file';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const objects = chooseObjects(readTdmsObjects(bytes, name), options.variable, name);
  const groups = new Map<string, Channel[]>();
  for (const object of objects) {
    const channel = describe(object, options, name);
    const key = `${channel.length} ${channel.sampleRate}`;
    groups.set(key, [...(groups.get(key) ?? []), channel]);
  }
  return [...groups.values()].map((channels) => {
    const [{ path, sampleRate, unit }] = channels;
    return {
      channels: channels.map((channel) => samplesOf(view, channel, name)),
      sampleRate,
      ...(unit !== undefined && channels.every((channel) => channel.unit === unit) ? { unit } : {}),
      name: groups.size === 1 ? name : `${name}#${path}`,
    };
  });
};

export const tdmsReader: Reader = {
  format: 'tdms',
  detect: (head) => ['TDSm', 'TDSh'].includes(String.fromCharCode(...head.subarray(0, 4))),
  read: readTdms,
};

const lengthOf = ({ runs }: TdmsObject): number => runs.reduce((sum, { count, repeat }) => sum + count * repeat, 0);

const chooseObjects = (objects: TdmsObject[], variable: string | undefined, name: string): TdmsObject[] => {
  const channels = objects.filter((object) => object.path.length === 2 && lengthOf(object) > 0);
  const numeric = channels.filter(({ type }) => type !== undefined && readTdmsNumber(type));
  const fail = (expected: string, todo: string) => {
    const found = channels.map(({ path }) => path.join('/')).join(', ') || 'none';
    return new InputError(`readTdms: expected ${expected}, found ${found} (${name}); ${todo}`);
  };
  if (numeric.length === 0) throw fail('channels with samples', 'the file holds no measurement');
  if (variable === undefined) return numeric;
  const chosen = numeric.filter(({ path }) => path.join('/') === variable || path[1] === variable);
  if (chosen.length !== 1)
    throw fail(`one channel ${variable} of numbers`, 'name one as group/channel with --variable');
  return chosen;
};

const describe = (object: TdmsObject, options: ReadOptions, name: string): Channel => {
  const path = object.path.join('/');
  const increment = object.properties.get('wf_increment');
  const unit = object.properties.get('unit_string');
  const measured = typeof increment === 'number' && increment > 0 ? roundRate(1 / increment, 1e-9) : undefined;
  const sampleRate = measured ?? options.sampleRate;
  if (sampleRate === undefined) {
    throw new InputError(
      `readTdms: expected a sampling rate, found no wf_increment at ${path} (${name}); give it with --rate`,
    );
  }
  const described = { path, object, length: lengthOf(object), sampleRate };
  return typeof unit === 'string' && unit !== '' ? { ...described, unit } : described;
};

const samplesOf = (view: DataView, { object, path, length }: Channel, name: string): Float32Array => {
  const read = object.type === undefined ? undefined : readTdmsNumber(object.type);
  if (!read) throw new InputError(`readTdms: expected numbers at ${path}, found data type ${object.type} (${name})`);
  const { slope, intercept } = linearScale(object, path, name);
  const samples = new Float32Array(length);
  let i = 0;
  for (const { start, count, step, repeat, blockStride, littleEndian } of object.runs) {
    for (let block = 0; block < repeat; block++) {
      const end = i + count;
      for (let at = start + block * blockStride; i < end; at += step) {
        samples[i++] = read(view, at, littleEndian) * slope + intercept;
      }
    }
  }
  return samples;
};

/**
 * The scale from stored numbers to the unit. DAQmx and DIAdem leave a chain of scales in the channel's properties: the
 * last one is the result, each names its input, all ones being the stored numbers themselves.
 */
const linearScale = ({ properties }: TdmsObject, path: string, name: string): { slope: number; intercept: number } => {
  const count = Number(properties.get('NI_Number_Of_Scales') ?? 0);
  let slope = 1;
  let intercept = 0;
  if (properties.get('NI_Scaling_Status') === 'scaled') return { slope, intercept };
  // An input is an earlier scale, so that no chain is longer than there are scales.
  for (let i = count - 1, left = count; i >= 0 && left > 0; left--) {
    const type = properties.get(`NI_Scale[${i}]_Scale_Type`);
    const [own, offset] = ['Slope', 'Y_Intercept'].map((key) => properties.get(`NI_Scale[${i}]_Linear_${key}`));
    if (type !== 'Linear' || typeof own !== 'number' || typeof offset !== 'number') {
      throw new InputError(
        `readTdms: expected a linear scale at ${path}, found ${type ?? 'none'} (${name}); save the file again with scaled values`,
      );
    }
    intercept += slope * offset;
    slope *= own;
    const input = Number(properties.get(`NI_Scale[${i}]_Linear_Input_Source`) ?? 0xffffffff);
    i = input < count ? input : -1;
  }
  return { slope, intercept };
};

// Options that all commands on recordings share.
import type { EncoderSpec } from '../encoders/load.node.ts';
import type { Provider } from '../graph/runtime.ts';
import type { ReadOptions } from '../signal/recording.ts';
import type { ChannelChoice, Part } from '../signal/segments.ts';
import { choice, number, type OptionSpecs, type Options, text, UsageError } from './command.ts';

/** How files are read. */
export const readOptionSpecs = {
  rate: { value: 'HZ', short: 'r', description: 'sample rate, for files that carry none (12000, 25.6k)' },
  variable: {
    value: 'NAME',
    description: 'array to read: a MATLAB, HDF5 or NPZ name, a CSV column, a TDMS group/channel',
  },
  part: { value: 'RANGE', description: 'part to use: 0-50% (of the records, if a file holds several), 10-20s' },
} satisfies OptionSpecs;

export const encoderOptionSpecs = {
  encoder: {
    value: 'ID',
    short: 'e',
    description: 'encoder: a name (thrum models list), a weights file or an ONNX model',
  },
  provider: { value: 'NAME', description: 'where encoders run: cpu, webgpu or cuda' },
  workers: { value: 'N', description: 'worker threads (default: all cores; 0 works on the main thread)' },
} satisfies OptionSpecs;

export const channelOptionSpec = {
  value: 'C',
  description: 'channel: 1, 2, …, mean or all',
} satisfies OptionSpecs[string];

export const readOptionsFrom = (options: Options): Omit<ReadOptions, 'name'> => {
  const sampleRate = number(options, 'rate', { above: 0 });
  const variable = text(options, 'variable');
  return { ...(sampleRate !== undefined && { sampleRate }), ...(variable !== undefined && { variable }) };
};

/** `0-50%`, `10-20s`, `10-20` (seconds), `50%-` (to the end). */
export function partFrom(options: Options): Part | undefined {
  const given = text(options, 'part');
  if (given === undefined) return undefined;
  const [, from, unitA, to, unitB] = /^([\d.]*)\s*(%|s)?\s*-\s*([\d.]*)\s*(%|s)?$/.exec(given) ?? [];
  const unit = unitB === '%' || unitA === '%' ? '%' : 's';
  const end = to ? Number(to) : unit === '%' ? 100 : Number.POSITIVE_INFINITY;
  const start = from ? Number(from) : 0;
  const mixed = unitA !== undefined && unitB !== undefined && unitA !== unitB;
  if (from === undefined || mixed || !(end > start) || (unit === '%' && end > 100)) {
    throw new UsageError(`--part: expected a range such as 0-50% or 10-20s, got ${given}`);
  }
  return { from: start, to: end, unit };
}

export function channelFrom(options: Options): ChannelChoice {
  const given = text(options, 'channel') ?? '1';
  if (given === 'mean' || given === 'all') return given;
  const channel = Number(given);
  if (!Number.isInteger(channel) || channel < 1) {
    throw new UsageError(`--channel: expected 1, 2, …, mean or all, got ${given}`);
  }
  return channel - 1;
}

const PROVIDERS = ['cpu', 'webgpu', 'cuda'] as const satisfies readonly Provider[];

export function encoderFrom(options: Options, fallback: string): EncoderSpec {
  const provider = choice(options, 'provider', PROVIDERS);
  return { encoder: text(options, 'encoder') ?? fallback, ...(provider && { provider }) };
}

export const workersFrom = (options: Options): number | undefined =>
  number(options, 'workers', { min: 0, max: 256, integer: true });

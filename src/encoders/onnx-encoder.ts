// Any ONNX model as an encoder: samples to the model's input, the model's output to an embedding.
import type { OnnxInterface, OnnxValue } from '../graph/onnx-inspect.ts';
import { float32, type Program, type Value } from '../graph/runtime.ts';
import type { Shape } from '../graph/tensor.ts';
import { InputError } from '../signal/errors.ts';
import { kaldiFbank } from '../signal/kaldi-fbank.ts';
import type { Recording } from '../signal/recording.ts';
import { checkFinite } from '../signal/segments.ts';
import { type KaldiFrontEnd, type OnnxSettings, plainFrontEnd } from './onnx-settings.ts';
import { channelAt, onlyChannel } from './requirements.ts';
import type { Embedding, Encoder } from './types.ts';
import { onWindows } from './windows.ts';

const formatShape = (shape: Shape): string => `[${shape.join(', ')}]`;

const scaled = (samples: Float32Array, factor = 1): Float32Array =>
  factor === 1 ? samples : samples.map((value) => value * factor);

/** Rows of `width`, cut or filled up with rows of zeros. */
function fitRows(values: Float32Array, width: number, rows: number): Float32Array {
  const fitted = new Float32Array(rows * width);
  fitted.set(values.subarray(0, fitted.length));
  return fitted;
}

/** Filter-bank features as the settings want them. [frames, mels] */
function features(
  samples: Float32Array,
  rate: number,
  frontEnd: KaldiFrontEnd,
): { values: Float32Array; frames: number; mels: number } {
  const { scale, mean = 0, deviation = 1, frames: wanted, order = 'normalise-first' } = frontEnd;
  const { values, frames, bins } = kaldiFbank(scaled(samples, scale), rate, frontEnd);
  const normalise = (x: Float32Array) => x.map((value) => (value - mean) / deviation);
  if (wanted === undefined) return { values: normalise(values), frames, mels: bins };
  const fitted =
    order === 'pad-first' ? normalise(fitRows(values, bins, wanted)) : fitRows(normalise(values), bins, wanted);
  return { values: fitted, frames: wanted, mels: bins };
}

/** [rows, columns] -> [columns, rows] */
const transposed = (values: Float32Array, rows: number, columns: number): Float32Array =>
  values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)]);

/**
 * What the model is fed for samples of one channel: the front end's numbers in the axes of `settings.shape`.
 * @throws InputError as `kaldiFbank`
 */
export function modelInput(samples: Float32Array, rate: number, settings: OnnxSettings): Value {
  const frontEnd = plainFrontEnd(settings.frontEnd);
  const { shape } = settings;
  if (frontEnd.kind === 'waveform') {
    const sizes = shape.map((word) => (word === 'samples' ? samples.length : 1));
    return float32(scaled(samples, frontEnd.scale), sizes);
  }
  const { values, frames, mels } = features(samples, rate, frontEnd);
  const sizes = shape.map((word) => (word === 'frames' ? frames : word === 'mels' ? mels : 1));
  const melsFirst = shape.indexOf('mels') < shape.indexOf('frames');
  return float32(melsFirst ? transposed(values, frames, mels) : values, sizes);
}

/** Why an output of this shape does not fit the pooling; undefined if it does. Open sizes fit. */
function outputProblem(shape: Shape, { pooling }: OnnxSettings): string | undefined {
  const one = typeof shape[0] !== 'number' || shape[0] === 1;
  if (pooling === 'none') {
    const fits = shape.length === 1 || (shape.length === 2 && one);
    return fits ? undefined : `none: expected an output [D] or [1, D], got ${formatShape(shape)}; choose mean or first`;
  }
  const fits = one && (shape.length === 3 || (shape.length > 3 && pooling === 'mean'));
  return fits
    ? undefined
    : `${pooling}: expected an output [1, T, D], got ${formatShape(shape)}; choose another pooling or output`;
}

/** The model's output as a vector of D values: [1, T, D] or, with pooling `none`, [1, D] and [D]. */
export function poolOutput({ data, shape }: Value, settings: OnnxSettings): Float32Array {
  const problem = outputProblem(shape, settings);
  if (problem !== undefined) throw new InputError(`pooling: ${problem}`);
  if (!(data instanceof Float32Array)) throw new InputError('output: expected float32 values; export the model so');
  const width = shape[shape.length - 1];
  const tokens = data.length / width;
  const { pooling, skipTokens = 0 } = settings;
  if (!(width > 0 && tokens > skipTokens)) {
    throw new InputError(`skipTokens: expected more than ${skipTokens} tokens, got an output ${formatShape(shape)}`);
  }
  if (pooling !== 'mean') {
    const at = pooling === 'last' ? data.length - width : 0;
    return data.slice(at, at + width);
  }
  const sum = new Float64Array(width);
  for (let i = skipTokens * width; i < data.length; i++) sum[i % width] += data[i];
  return Float32Array.from(sum, (value) => value / (tokens - skipTokens));
}

/** The value that a key names, or the only one there is. */
function choose(key: 'input' | 'output', wanted: string | undefined, values: readonly OnnxValue[]): OnnxValue {
  const names = values.map(({ name }) => name).join(', ');
  const found = wanted === undefined && values.length === 1 ? values[0] : values.find(({ name }) => name === wanted);
  if (found) return found;
  throw new InputError(
    wanted === undefined
      ? `${key}: expected a name, as the model has ${values.length} ${key}s: ${names}`
      : `${key}: the model has no ${key} ${wanted}; it has ${names}`,
  );
}

/** Sizes of the input that do not depend on the recording; the others by name. */
function expectedSizes(settings: OnnxSettings): Shape {
  const frontEnd = plainFrontEnd(settings.frontEnd);
  if (frontEnd.kind === 'waveform') return settings.shape.map((word) => (word === '1' ? 1 : word));
  const { mels = 23, useEnergy = false, frames = 'frames' } = frontEnd;
  const sizes = { '1': 1, samples: 'samples', frames, mels: mels + (useEnergy ? 1 : 0) };
  return settings.shape.map((word) => sizes[word]);
}

/** Whether two shapes can be the same; open sizes fit anything. */
const compatible = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((size, i) => typeof size !== 'number' || typeof b[i] !== 'number' || size === b[i]);

/**
 * The input to feed and the output to read, checked against the settings as far as the model declares them.
 * @throws InputError that starts with the key at fault.
 */
export function matchInterface({ inputs, outputs }: OnnxInterface, settings: OnnxSettings): OnnxPorts {
  if (inputs.length > 1) {
    const names = inputs.map(({ name }) => name).join(', ');
    throw new InputError(
      `input: expected a model with one input, got ${inputs.length}: ${names}; export it with the others fixed`,
    );
  }
  const input = choose('input', settings.input, inputs);
  const output = choose('output', settings.output, outputs);
  if (input.type !== undefined && input.type !== 'float') {
    throw new InputError(`input: expected ${input.name} to be float (32 bits), got ${input.type}; export the model so`);
  }
  const sizes = expectedSizes(settings);
  if (input.shape && !compatible(input.shape, sizes)) {
    throw new InputError(
      `shape: the model's input ${input.name} is ${formatShape(input.shape)}, the settings make ${formatShape(sizes)}`,
    );
  }
  const problem = output.shape && outputProblem(output.shape, settings);
  if (problem !== undefined) throw new InputError(`pooling: ${problem}`);
  return { input, output };
}

/** The input to feed and the output to read. */
export type OnnxPorts = { input: OnnxValue; output: OnnxValue };

export type OnnxEncoderParts = {
  id: string;
  fingerprint: string;
  settings: OnnxSettings;
  /** Path of the settings, for error messages. */
  file: string;
  ports: OnnxPorts;
  program: Program;
};

function toRate(recording: Recording, rate: number | undefined): Recording {
  if (rate === undefined || rate === recording.sampleRate) return recording;
  return { ...recording, channels: [channelAt(recording, rate)], sampleRate: rate };
}

function checkLength(samples: number, { sampleRate, name }: Recording, { minSeconds = 0 }: OnnxSettings): void {
  const needed = Math.max(1, Math.round(minSeconds * sampleRate));
  if (samples >= needed) return;
  throw new InputError(
    `minSeconds: expected at least ${needed} samples (${needed / sampleRate} s at ${sampleRate} Hz), got ${samples} (${name}); use a longer recording, or a window with pad`,
  );
}

/** Refuses what is of another size than the model takes. */
function checkFed(fed: Value, { name, shape }: OnnxValue, recording: Recording, settings: OnnxSettings): void {
  if (!shape || compatible(shape, fed.shape)) return;
  const remedy = settings.shape.includes('samples') ? 'window (seconds, pad)' : 'frontEnd.frames';
  throw new InputError(
    `shape: the model's input ${name} is ${formatShape(shape)}, ${recording.name} makes ${formatShape(fed.shape)}; set ${remedy}`,
  );
}

async function runModel(program: Program, input: OnnxValue, fed: Value, name: string): Promise<Record<string, Value>> {
  try {
    return await program.run({ [input.name]: fed });
  } catch (cause) {
    const reason = (cause as Error).message.replace(/\s+/g, ' ').trim();
    throw new InputError(
      `shape: ONNX Runtime could not run the model on ${formatShape(fed.shape)} (${name}): ${reason}`,
    );
  }
}

/** The embedding of a piece that has the model's rate and length. */
async function embedPiece(recording: Recording, { settings, ports, program }: OnnxEncoderParts): Promise<Embedding> {
  const samples = onlyChannel(recording);
  checkLength(samples.length, recording, settings);
  const fed = modelInput(samples, recording.sampleRate, settings);
  checkFed(fed, ports.input, recording, settings);
  const outputs = await runModel(program, ports.input, fed, recording.name);
  const vector = poolOutput(outputs[ports.output.name], settings);
  const wrong = vector.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) {
    throw new InputError(
      `output: expected finite values, got ${wrong} in ${ports.output.name} (${recording.name}); check the front end and its scale`,
    );
  }
  return { vector, bands: [{ lowHz: 0, highHz: recording.sampleRate / 2, start: 0, end: vector.length }] };
}

/** One after the other: shapes differ from recording to recording. */
async function oneByOne<A, B>(items: readonly A[], work: (item: A) => Promise<B>): Promise<B[]> {
  const results: B[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}

/**
 * An encoder from an ONNX model and its settings. A recording is resampled to `rate`, cut into windows, run, pooled, and
 * averaged over windows. Its only band spans the whole embedding, from 0 Hz to half the rate; there are no features over time.
 * What it throws names the settings file and the key at fault.
 */
export function createOnnxEncoder(parts: OnnxEncoderParts): Encoder {
  const { id, fingerprint, file, settings, program } = parts;
  const piece = (recording: Recording) => embedPiece(recording, parts);
  const plain: Encoder = {
    id,
    fingerprint,
    embed: piece,
    embedMany: (recordings) => oneByOne(recordings, piece),
    release: () => program.release(),
  };
  const heard = settings.window ? onWindows(plain, settings.window) : plain;
  const embed = async (recording: Recording): Promise<Embedding> => {
    onlyChannel(recording);
    checkFinite(recording);
    try {
      return await heard.embed(toRate(recording, settings.rate));
    } catch (error) {
      throw error instanceof InputError ? new InputError(`${file}: ${error.message}`) : error;
    }
  };
  return { ...plain, embed, embedMany: (recordings) => oneByOne(recordings, embed) };
}

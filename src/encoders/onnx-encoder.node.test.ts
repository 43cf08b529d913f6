import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, StringStringEntryProtoSchema, TensorProto_DataLocation } from 'onnx-buf';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { linear } from '../graph/matmul.ts';
import { toOnnx } from '../graph/onnx.ts';
import { reduceMean } from '../graph/reduce.ts';
import { reshape } from '../graph/reshape.ts';
import { input, parameter, type Shape } from '../graph/tensor.ts';
import { InputError } from '../signal/errors.ts';
import { kaldiFbank } from '../signal/kaldi-fbank.ts';
import type { Recording } from '../signal/recording.ts';
import { resample } from '../signal/resample.ts';
import { countParameters, identifyEncoder, loadEncoder } from './load.node.ts';
import { identifyOnnx, loadOnnxEncoder } from './onnx-encoder.node.ts';
import { SETTINGS_EXAMPLE } from './onnx-settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

const weights = { w: Float32Array.of(1, -2, 0.5), b: Float32Array.of(0, 1, -1) };
/** The mean of the samples times w plus b. [1, samples] -> [1, 3] */
function meanModel(shape: Shape = [1, 'samples']): Uint8Array {
  const mean = reduceMean(input('wave', shape), [1], true); // [1, 1]
  const y = linear(mean, parameter('w', [3, 1]), parameter('b', [3]));
  return toOnnx({ outputs: { y }, constants: new Map(Object.entries(weights)) }).bytes;
}
const MELS = 5;
const mix = Float32Array.from({ length: 2 * MELS }, (_, i) => Math.cos(3 * i));
/** Two mixtures of the mels of every frame. [1, frames, 5] -> [1, frames, 2] */
const tokenModel = toOnnx({
  outputs: { tokens: linear(input('mel', [1, 'frames', MELS]), parameter('mix', [2, MELS])) },
  constants: new Map([['mix', mix]]),
}).bytes;

const wave = { rate: 16000, frontEnd: { kind: 'waveform' }, shape: ['1', 'samples'], pooling: 'none' };
const kaldi = { frontEnd: { kind: 'kaldi', mels: MELS }, shape: ['1', 'frames', 'mels'], pooling: 'mean' };

let files = 0;
/** Writes model and settings side by side; the path of the model. */
function write(model: Uint8Array, settings?: unknown, name = `m${files++}`): string {
  writeFileSync(join(folder, `${name}.onnx`), model);
  if (settings !== undefined) writeFileSync(join(folder, `${name}.json`), JSON.stringify(settings));
  return join(folder, `${name}.onnx`);
}

const recording = (samples: ArrayLike<number>, sampleRate = 16000): Recording => ({
  name: 'pump.wav',
  sampleRate,
  channels: [Float32Array.from(samples)],
});
const noise = (length: number) => Array.from({ length }, (_, i) => Math.sin(i * i) + 0.3);

/** Loads, embeds, releases. */
async function hear(path: string, ...recordings: Recording[]) {
  const encoder = await loadOnnxEncoder(path);
  try {
    return await encoder.embedMany(recordings);
  } finally {
    await encoder.release();
  }
}
const rejects = async (work: Promise<unknown>, message: string | RegExp) => {
  const error = await work.catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(InputError);
  expect((error as InputError).message).toMatch(message);
};

/** w · mean + b */
const affine = (mean: number) => Array.from(weights.w, (w, i) => w * mean + weights.b[i]);
const meanOf = (samples: ArrayLike<number>) => Array.from(samples).reduce((sum, x) => sum + x, 0) / samples.length;

describe('a model on samples', () => {
  it('gives the numbers computed by hand, and one band over all of them', async () => {
    const [one, other] = await hear(write(meanModel(), wave), recording([1, 2, 6]), recording([-1, 0]));
    expect(Array.from(one.vector)).toEqual([3, -5, 0.5]);
    expect(Array.from(other.vector)).toEqual([-0.5, 2, -1.25]);
    expect(one.bands).toEqual([{ lowHz: 0, highHz: 8000, start: 0, end: 3 }]);
    expect(one.frames).toBeUndefined();
  });

  it('hears other rates through the resampler, and any rate where none is said', async () => {
    const slow = recording(noise(500), 6000);
    const [at16k] = await hear(write(meanModel(), wave), slow);
    const converted = resample(slow.channels[0], 6000, 16000);
    expect(maxDifference(at16k.vector, affine(meanOf(converted)))).toBeLessThan(1e-6);
    const [native] = await hear(write(meanModel(), { ...wave, rate: undefined }), slow);
    expect(maxDifference(native.vector, affine(meanOf(slow.channels[0])))).toBeLessThan(1e-6);
    expect(Math.abs(at16k.vector[0] - native.vector[0])).toBeGreaterThan(1e-4);
    expect(native.bands[0].highHz).toBe(3000);
  });

  it('averages windows of the model’s rate', async () => {
    const path = write(meanModel([1, 4]), { ...wave, rate: 8, window: { seconds: 0.5, pad: true } });
    const [long, short] = await hear(path, recording([1, 2, 3, 4, 5, 6], 8), recording([8], 8));
    // Windows [1 … 4] and [3 … 6]; then [8, 0, 0, 0].
    expect(Array.from(long.vector)).toEqual(affine(3.5));
    expect(Array.from(short.vector)).toEqual(affine(2));
  });
});

describe('a model on features', () => {
  const heard = recording(noise(3000));
  const { values, frames } = kaldiFbank(heard.channels[0], 16000, { mels: MELS });
  const token = (t: number) =>
    [0, 1].map((d) =>
      Array.from({ length: MELS }, (_, m) => mix[d * MELS + m] * values[t * MELS + m]).reduce((a, b) => a + b),
    );
  const tokens = Array.from({ length: frames }, (_, t) => token(t));

  it.each([
    ['mean', {}, [0, 1].map((d) => meanOf(tokens.map((one) => one[d])))],
    ['mean', { skipTokens: 2 }, [0, 1].map((d) => meanOf(tokens.slice(2).map((one) => one[d])))],
    ['first', {}, tokens[0]],
    ['last', {}, tokens[frames - 1]],
  ])('pools by %s %j', async (pooling, part, wanted) => {
    const [{ vector }] = await hear(write(tokenModel, { ...kaldi, ...part, pooling }), heard);
    expect(frames).toBe(17);
    expect(maxDifference(vector, wanted)).toBeLessThan(1e-4);
  });
});

describe('the fingerprint', () => {
  it('is that of model and settings, not of layout, names and remarks', async () => {
    const path = write(meanModel(), wave, 'one');
    const { id, fingerprint } = identifyOnnx(path);
    const encoder = await loadOnnxEncoder(path);
    await encoder.release();
    expect([encoder.id, encoder.fingerprint]).toEqual([id, fingerprint]);
    expect([id, fingerprint]).toEqual(['one.onnx', expect.stringMatching(/^onnx:[0-9a-f]{32}$/)]);
    const { pooling, ...rest } = wave;
    const same = { pooling, parameters: 7, minSeconds: 1, ...rest };
    expect(identifyOnnx(write(meanModel(), same)).fingerprint).toBe(fingerprint);
  });

  it('changes with either', () => {
    const variants: [Uint8Array, unknown][] = [
      [meanModel(), wave],
      [meanModel([1, 'n']), wave],
      [meanModel(), { ...wave, rate: 8000 }],
      [meanModel(), { ...wave, frontEnd: { kind: 'waveform', scale: 2 } }],
      [meanModel(), { ...wave, window: { seconds: 1 } }],
      [meanModel(), { ...wave, window: { seconds: 1, pad: true } }],
    ];
    const prints = variants.map(([model, settings]) => identifyOnnx(write(model, settings)).fingerprint);
    expect(new Set(prints).size).toBe(variants.length);
  });
});

describe('what does not fit', () => {
  it('shows the least settings where there are none', async () => {
    const path = write(meanModel());
    await rejects(loadOnnxEncoder(path), `${path.replace('.onnx', '.json')}: expected a JSON file beside`);
    await rejects(loadOnnxEncoder(path), SETTINGS_EXAMPLE);
  });

  it.each([
    ['an unknown key', meanModel(), { ...wave, hop: 1 }, /m\d+\.json: hop: unknown key; the known ones are rate, /],
    ['a wrong name', meanModel(), { ...wave, input: 'x' }, /m\d+\.json: input: the model has no input x; it has wave/],
    [
      'a wrong rank',
      meanModel(),
      { ...wave, shape: ['1', '1', 'samples'] },
      /m\d+\.json: shape: the model's input wave/,
    ],
    ['a wrong pooling', tokenModel, { ...kaldi, pooling: 'none' }, /m\d+\.json: pooling: none: expected an output/],
    ['no model', new Uint8Array([1, 2, 3]), wave, /m\d+\.onnx: expected an ONNX model/],
  ])('is refused before the work: %s', async (_, model, settings, message) => {
    const path = write(model, settings);
    expect(() => identifyOnnx(path)).toThrow(message);
    await rejects(loadOnnxEncoder(path), message);
  });

  it.each([
    [
      'two channels',
      wave,
      { ...recording([1]), channels: [Float32Array.of(1), Float32Array.of(2)] },
      /^embed: expected one/,
    ],
    ['NaN', wave, recording([1, Number.NaN]), /^pump\.wav: sample 1 of channel 1 is NaN/],
    ['nothing', wave, recording([]), /m\d+\.json: minSeconds: expected at least 1 sample.*, got 0 \(pump\.wav\)/],
    [
      'too little',
      { ...wave, minSeconds: 0.001 },
      recording(noise(15)),
      /minSeconds: expected at least 16 samples \(0\.001 s at 16000 Hz\), got 15/,
    ],
    [
      'an infinite output',
      { ...wave, frontEnd: { kind: 'waveform', scale: 1e38 } },
      recording([3, 3.2]),
      /m\d+\.json: output: expected finite values, got -?Infinity in y \(pump\.wav\)/,
    ],
  ])('is refused in a recording: %s', async (_, settings, heard, message) => {
    await rejects(hear(write(meanModel(), settings), heard), message);
  });

  it('takes exactly the least length', async () => {
    const [{ vector }] = await hear(write(meanModel(), { ...wave, minSeconds: 0.001 }), recording(noise(16)));
    expect(vector.length).toBe(3);
  });

  it('says what sizes the model takes', async () => {
    const fixed = write(meanModel([1, 4]), wave);
    await rejects(
      hear(fixed, recording([1, 2])),
      /m\d+\.json: shape: the model's input wave is \[1, 4\], pump\.wav makes \[1, 2\]; set window/,
    );
    const hidden = toOnnx({ outputs: { y: reshape(input('x', [1, 'samples']), [1, 4]) } }).bytes;
    await rejects(
      hear(write(hidden, wave), recording([1, 2])),
      /m\d+\.json: shape: ONNX Runtime could not run the model on \[1, 2\] \(pump\.wav\): .+/,
    );
  });

  it('asks for weights inside of the file', async () => {
    const model = fromBinary(ModelProtoSchema, tokenModel);
    for (const tensor of model.graph?.initializer ?? []) {
      tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
      tensor.externalData = [create(StringStringEntryProtoSchema, { key: 'location', value: 'm.data' })];
    }
    const path = write(toBinary(ModelProtoSchema, model), kaldi);
    await rejects(
      loadOnnxEncoder(path),
      /m\d+\.onnx: expected the weights inside the model, but they are in m\.data; /,
    );
  });
});

describe('--encoder model.onnx', () => {
  it('loads and identifies by path, and by name in a folder of models', async () => {
    const path = write(meanModel(), wave, 'peer');
    const encoder = await loadEncoder({ encoder: path, threads: 1 });
    const { vector } = await encoder.embed(recording([1, 2, 6]));
    await encoder.release();
    expect(Array.from(vector)).toEqual([3, -5, 0.5]);
    const identity = { id: 'peer.onnx', fingerprint: encoder.fingerprint };
    expect(await identifyEncoder({ encoder: path })).toEqual(identity);
    vi.stubEnv('THRUM_MODELS', folder);
    expect(await identifyEncoder({ encoder: 'peer.onnx' })).toEqual(identity);
    await rejects(identifyEncoder({ encoder: 'other.onnx' }), /^loadEncoder: no encoder or file named other\.onnx; /);
  });

  it('counts parameters, of any encoder', async () => {
    expect(await countParameters({ encoder: write(meanModel(), wave) })).toBe(6);
    expect(await countParameters({ encoder: write(tokenModel, { ...kaldi, parameters: 90310000 }) })).toBe(90310000);
    expect(await countParameters({ encoder: 'spectral' })).toBe(0);
    // Patch kernel, CLS, 12 blocks and the last norm of ECHO-tiny: width D = 192, patches of 32 x 16.
    const D = 192;
    const block = 3 * D * D + 3 * D + (D * D + D) + (4 * D * D + 4 * D) + (4 * D * D + D) + 4 * D;
    expect(await countParameters({ encoder: 'echo-tiny@random' })).toBe(512 * D + D + D + 12 * block + 2 * D);
  });
});

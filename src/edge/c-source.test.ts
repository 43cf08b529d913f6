import { afterAll, describe, expect, it } from 'vitest';
import { maxDifference } from '../../tests/golden.ts';
import { echoBands } from '../encoders/echo.ts';
import type { BandFrontEnd, MelFrontEnd } from '../encoders/student-config.ts';
import { cpMobilePlan } from '../nn/cp-mobile.ts';
import { type LayerPlan, layerShapes, planCost } from '../nn/layer-plan.ts';
import { mobileNetV2Plan } from '../nn/mobilenet.ts';
import { planBuilder } from '../nn/plan-builder.ts';
import type { QuantisedNetwork } from '../nn/quantised-network.ts';
import { writeWav } from '../signal/readers/wav-write.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { createCFolder, floatsOf, harness, hasCompiler } from './c-program.test-util.ts';
import { type CSourceOptions, cSizes, cSource } from './c-source.ts';
import { layerCodes, quantise, randomNetwork } from './quantised-network.test-util.ts';

const MEL: MelFrontEnd = {
  ...{ kind: 'mel', sampleRate: 8000, nFft: 256, winLength: 200, hopLength: 100, mels: 24, fMin: 50, fMax: 4000 },
  ...{ floor: 1e-5, mean: -2, deviation: 3, frames: 21 },
};
const BANDS: BandFrontEnd = { kind: 'bands', bandBins: 16, frames: 12, mean: 0.1, deviation: 0.6, levelWeight: 2 };

/** Every kind of layer, and kernels, strides and groups that no published network has. */
function everyKind(input: readonly [number, number, number]): LayerPlan {
  const plan = planBuilder(input);
  const shifted = plan.residualNorm(0, 0.1);
  let y = plan.conv(shifted, 'general', { channels: 6, kernel: [3, 5], stride: [2, 1], activation: 'relu6' });
  y = plan.conv(y, 'grouped', { channels: 36, kernel: 3, groups: 3 });
  y = plan.conv(y, 'deep', { channels: 36, kernel: [5, 3], stride: [1, 2], groups: 36, activation: 'relu' });
  y = plan.responseNorm(y, 'response', 'relu');
  const strided = plan.conv(y, 'strided', { channels: 5, stride: 2 });
  const pooled = plan.averagePool(y, [3, 3], [2, 2]);
  const point = plan.conv(pooled, 'point', { channels: 5, activation: 'none' });
  y = plan.add(strided, point, 'relu');
  y = plan.dense(plan.mean(y), 'head', 7);
  return plan.done();
}

const mobileNet = (input: readonly [number, number, number]): LayerPlan =>
  mobileNetV2Plan(
    input,
    {
      ...{ width: 1, stem: 8, last: 40 },
      blocks: [
        { expansion: 1, channels: 8, repeats: 1, stride: 1 },
        { expansion: 3, channels: 16, repeats: 2, stride: 2 },
      ],
    },
    { residualNorm: { lambda: 0.1, at: ['input', 'blocks'] }, outputs: 6 },
  );

const cpMobile = (input: readonly [number, number, number]): LayerPlan =>
  cpMobilePlan(input, 10, {
    ...{ base: 16, multiplier: 1.5, expansion: 2, stages: [2, 1], strides: { 2: [2, 1] }, responseNorm: true },
  });

const normal = (seed: string, length: number): Float32Array => {
  const random = createRandom(seed);
  return Float32Array.from({ length }, () => random.gaussian());
};

const folder = createCFolder();
afterAll(() => folder.remove());

/** Compiles the harness around a network; the program has the same name. */
function build(
  program: string,
  network: QuantisedNetwork,
  frontEnd: MelFrontEnd | BandFrontEnd,
  options: Partial<CSourceOptions> = {},
  flags: readonly string[] = [],
): string {
  const source = cSource(network, frontEnd, { name: 'model', ...options });
  folder.write('model.c', source);
  folder.write('harness.c', harness);
  folder.compile(program, ['harness.c'], ['-DMODEL_TRACE', ...flags]);
  return source;
}

type Heard = { layers: Uint8Array[]; codes: Uint8Array; outputs: Float32Array };

/** What the program says of features, for a network that hears one picture. */
function hear(program: string, { plan }: QuantisedNetwork, features: Float32Array): Heard {
  const bytes = folder.run(program, ['run'], features);
  let at = 0;
  const next = (length: number): Uint8Array => {
    at += length;
    return bytes.slice(at - length, at);
  };
  const layers = layerShapes(plan).map((shape) => next(shape.reduce((product, size) => product * size, 1)));
  return { layers, codes: next(layers[layers.length - 1].length), outputs: floatsOf(bytes.slice(at)) };
}

/** Codes of every layer beside those of its definition, each from the program's own codes of the layers before it. */
function compareLayers(network: QuantisedNetwork, { layers, codes, outputs }: Heard): { off: number; of: number } {
  let [off, of] = [0, 0];
  for (const number of network.plan.layers.keys()) {
    if (number === 0) continue;
    const expected = layerCodes(network, number, layers);
    expect.soft(new Set(layers[number]).size, `values of layer ${number}`).toBeGreaterThan(3);
    const largest = maxDifference(layers[number], expected.codes);
    expect
      .soft(largest, `layer ${number} (${network.plan.layers[number].kind})`)
      .toBeLessThanOrEqual(expected.exact ? 0 : 1);
    off += layers[number].filter((code, i) => code !== expected.codes[i]).length;
    of += layers[number].length;
  }
  const { scale, zeroPoint } = network.codes[network.codes.length - 1];
  expect(codes).toEqual(layers[layers.length - 1]);
  expect(outputs).toEqual(Float32Array.from(codes, (code) => (code - zeroPoint) * scale));
  return { off, of };
}

describe.skipIf(!hasCompiler)('cSource (needs gcc)', () => {
  const plans = { everyKind, mobileNet, cpMobile };
  it.each(Object.entries(plans))('computes every layer of %s as its definition', (name, planOf) => {
    const network = randomNetwork(planOf([1, MEL.mels, MEL.frames]), name);
    build(name, network, MEL);
    const features = normal(name, MEL.mels * MEL.frames).map((value) => 0.5 + value);
    const heard = hear(name, network, features);
    expect(heard.layers[0]).toEqual(quantise(features, network.codes[0]));
    const { off, of } = compareLayers(network, heard);
    // Ties of float islands only.
    expect(off).toBeLessThanOrEqual(of / 1000);
  });

  it('computes the same with sanitisers of addresses and undefined behaviour, and from samples', () => {
    const network = randomNetwork(everyKind([1, MEL.mels, MEL.frames]), 'sanitised');
    build('plain', network, MEL);
    build('sanitised', network, MEL, {}, ['-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all']);
    const samples = normal('samples', 2000);
    const features = folder.run('sanitised', ['features'], samples);
    expect(features).toEqual(folder.run('plain', ['features'], samples));
    const heard = hear('sanitised', network, floatsOf(features));
    expect(heard).toEqual(hear('plain', network, floatsOf(features)));
    // Features lie in the arena here.
    expect(floatsOf(folder.run('sanitised', ['embed'], samples))).toEqual(heard.outputs);
  });

  it('hears bands one after the other, each with its place and the level', () => {
    const network = randomNetwork(everyKind([3, BANDS.bandBins, BANDS.frames]), 'bands');
    // 50 points, 26 bins, two bands of 16.
    build('bands', network, BANDS, { sampleRate: 2000 }, ['-fsanitize=address,undefined']);
    const plane = BANDS.bandBins * BANDS.frames;
    const features = normal('bands', 2 * plane + 1);
    const bytes = folder.run('bands', ['run'], features);
    const width = 7;
    const traced = (bytes.length - 2 * width - 8 * (width + 1)) / 2;
    for (const [b, { position }] of echoBands(26, 50, 16).entries()) {
      const input = Float32Array.from({ length: 3 * plane }, (_, i) => {
        if (i < plane) return features[b * plane + i];
        return 2 * (i < 2 * plane ? Math.sin(Math.PI * position) : Math.cos(Math.PI * position));
      });
      expect(bytes.slice(b * traced, b * traced + 3 * plane)).toEqual(quantise(input, network.codes[0]));
      const codes = bytes.slice(2 * traced + b * width, 2 * traced + (b + 1) * width);
      expect(codes).toEqual(bytes.slice((b + 1) * traced - width, (b + 1) * traced));
      const from = 2 * traced + 2 * width + 4 * b * (width + 1);
      const outputs = floatsOf(bytes.slice(from, from + 4 * (width + 1)));
      const { scale, zeroPoint } = network.codes[network.codes.length - 1];
      const own = Array.from(codes, (code) => Math.fround((code - zeroPoint) * scale));
      expect(Array.from(outputs)).toEqual([...own, 2 * features[2 * plane]]);
    }
    const samples = normal('bands from samples', 11 * 20 + 50);
    const whole = folder.run('bands', ['run'], floatsOf(folder.run('bands', ['features'], samples)));
    expect(folder.run('bands', ['embed'], samples)).toEqual(whole.slice(-8 * (width + 1)));
  });

  it('gives a classifier of bands the means of their scores', () => {
    const network = randomNetwork(everyKind([3, BANDS.bandBins, BANDS.frames]), 'bands');
    const labels = Array.from({ length: 7 }, (_, i) => `class ${i}`);
    build('scores', network, BANDS, { sampleRate: 2000, labels });
    const samples = normal('bands from samples', 11 * 20 + 50);
    const own = floatsOf(
      folder.run('scores', ['run'], floatsOf(folder.run('scores', ['features'], samples))).slice(-56),
    );
    const means = Array.from({ length: 7 }, (_, i) => (own[i] + own[7 + i]) / 2);
    expect(maxDifference(floatsOf(folder.run('scores', ['classify'], samples)).slice(0, 7), means)).toBeLessThan(1e-6);
  });

  it('is a program that hears recordings and takes times, in two files too', () => {
    const network = randomNetwork(mobileNet([1, MEL.mels, MEL.frames]), 'program');
    const labels = ['Straße', '"quoted" \\ ??/ $n_8', 'c', 'd', 'e', 'f'];
    const source = cSource(network, MEL, { name: 'Hum', labels });
    folder.write('hum.c', source);
    folder.compile('hum', ['hum.c'], ['-DHUM_MAIN']);
    const samples = normal('recording', 5000).map((value) => 0.1 * value);
    const wav = writeWav({ channels: [samples], sampleRate: 8000, name: 'x' }, { bits: 16 });
    const heard = folder.try('hum', [folder.write('x.wav', wav)]);
    expect(heard.stderr).toBe('');
    const lines = heard.stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.slice(0, 9))).toEqual(['0.000 s  ', '0.250 s  ', '0.375 s  ']);
    for (const line of lines) expect(labels).toContain(line.slice(9, -6));
    // The same samples as floats; 16 bits are enough for the same label.
    const raw = Float32Array.from(samples, (value) => Math.round(value * 32768) / 32768);
    expect(folder.try('hum', [folder.write('x.f32', new Uint8Array(raw.buffer))]).stdout).toBe(heard.stdout);
    expect(folder.try('hum', ['--time', '2']).stdout).toMatch(/^front end: [\d.]+ us per window\nnetwork: [\d.]+ us/);
    expect(folder.try('hum', []).status).toBe(2);
    expect(folder.try('hum', [folder.path('no such file')])).toMatchObject({ status: 1, stdout: '' });
    const other = writeWav({ channels: [samples], sampleRate: 16000, name: 'x' }, { bits: 16 });
    expect(folder.try('hum', [folder.write('other.wav', other)]).stderr).toMatch(/another sample rate.* at 8000 Hz/);

    folder.write(
      'user.c',
      '#define HUM_HEADER\n#include "hum.c"\n#include "hum.c"\n#include <stdio.h>\nint main(void) { puts(Hum_label(1)); puts(Hum_label(6)); return 0; }\n',
    );
    folder.compile('user', ['user.c', 'hum.c']);
    expect(folder.try('user', []).stdout).toBe(`${labels[1]}\n\n`);
  });
});

describe('cSource', () => {
  const network = randomNetwork(mobileNet([1, MEL.mels, MEL.frames]), 'sizes');
  const options = { name: 'model' };

  it('says how many bytes it takes', () => {
    const sizes = cSizes(network, MEL, options);
    const cost = planCost(network.plan);
    expect(sizes.weights).toBe(cost.int8Bytes);
    expect(sizes.scales).toBe(4 * cost.layers.reduce((sum, { biases }) => sum + biases, 0));
    const source = cSource(network, MEL, options);
    expect(source).toContain(`#define MODEL_WEIGHT_BYTES ${cost.int8Bytes}\n`);
    expect(source).toContain(`#define MODEL_SCRATCH_BYTES ${sizes.scratch}\n`);
    expect(source).toContain(`static float model_arena[${sizes.scratch / 4}];`);
    // The features and the front end's work at once, and any layer's codes beside those that it reads.
    const bytes = layerShapes(network.plan).map((shape) => shape.reduce((product, size) => product * size, 1));
    expect(sizes.scratch).toBeGreaterThanOrEqual(4 * MEL.mels * MEL.frames + 4 * 4 * 128);
    expect(sizes.scratch).toBeLessThan(bytes.reduce((sum, size) => sum + size, 0));
  });

  it.each<[string, () => unknown]>([
    ['expected a name of letters', () => cSource(network, MEL, { name: '2nd model' })],
    ['expected 6 labels, one per output, got 1', () => cSource(network, MEL, { ...options, labels: ['a'] })],
    [
      'the front end makes [1,24,20], the network expects [1,24,21]',
      () => cSource(network, { ...MEL, frames: 20 }, options),
    ],
    ["expected the front end's own 8000 Hz, got 16000", () => cSource(network, MEL, { ...options, sampleRate: 16000 })],
    ['expected the sample rate of the sensor', () => cSource(network, BANDS, options)],
    ['expected a window of more than half of nFft 8192', () => cSource(network, { ...MEL, nFft: 8192 }, options)],
    [
      'weights, 8 scales and 8 biases of layer 2, got none',
      () => cSource({ ...network, weights: new Map() }, MEL, options),
    ],
    ['layer 2 (conv): expected zero point 0 behind relu6', () => cSource(withCode(2, { zeroPoint: 1 }), MEL, options)],
    ['layer 2 (conv): expected codes up to 6', () => cSource(withCode(2, { scale: Math.fround(0.03) }), MEL, options)],
    ['layer 1 (residual-norm): expected a float32 scale', () => cSource(withCode(1, { scale: 0.1 }), MEL, options)],
  ])('says what does not fit: %s', (message, make) => {
    expect(make).toThrow(message);
  });

  const withCode = (number: number, change: object): QuantisedNetwork => ({
    ...network,
    codes: network.codes.map((code, i) => (i === number ? { ...code, ...change } : code)),
  });
});

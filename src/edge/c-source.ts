// One C file that hears: front end, int8 network and what they need, without malloc and other files.
import type { BandFrontEnd, MelFrontEnd } from '../encoders/student-config.ts';
import { layerShapes } from '../nn/layer-plan.ts';
import type { AffineCode, QuantisedNetwork } from '../nn/quantised-network.ts';
import { InputError } from '../signal/errors.ts';
import { type FrontEndCode, frontEndCode } from './c-front-end.ts';
import { kernelCode } from './c-kernels.ts';
import { mainCode } from './c-main.ts';
import { type MemoryPlan, planMemory } from './c-memory.ts';
import { type NetworkCode, networkCode } from './c-network.ts';
import { floatLiteral, named, stringLiteral, tableCode } from './c-text.ts';
import { type FrontEndSizes, frontEndSizes } from './front-end-sizes.ts';

export type CSourceOptions = {
  /** Begins every name of the file: `name_run`, `NAME_OUTPUTS`. */
  name: string;
  /** Of the outputs of a classifier. */
  labels?: readonly string[];
  /** Hz, of the sensor that the file is made for; `bands` fit any rate, `mel` has its own. */
  sampleRate?: number;
};

/** Bytes of a program made from the file. */
export type CSizes = {
  /** int8 weights and int32 biases. */
  weights: number;
  /** Scales of output channels, float32. */
  scales: number;
  /** Of the front end: window, filters, sines and cosines. */
  tables: number;
  /** The arena: all memory that is written to, besides the stack. */
  scratch: number;
};

type Parts = {
  frontEnd: FrontEndCode;
  network: NetworkCode;
  memory: MemoryPlan;
  sizes: FrontEndSizes;
  /** Of the network, and of a window: those of all bands, with their levels. */
  width: number;
  outputs: number;
  /** Every band's outputs end with the level times it: part of embeddings, not of scores. */
  levelWeight: number | undefined;
};

function checkOptions({ name, labels }: CSourceOptions, width: number): void {
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) {
    throw new InputError(`cSource: expected a name of letters, digits and _, got ${JSON.stringify(name)}`);
  }
  if (labels && labels.length !== width) {
    throw new InputError(`cSource: expected ${width} labels, one per output, got ${labels.length}`);
  }
}

function partsOf(network: QuantisedNetwork, config: MelFrontEnd | BandFrontEnd, options: CSourceOptions): Parts {
  const sizes = frontEndSizes(config, options.sampleRate);
  const shapes = layerShapes(network.plan);
  const expected = [sizes.planes, sizes.rows, sizes.frames];
  if (String(shapes[0]) !== String(expected)) {
    throw new InputError(`cSource: the front end makes [${expected}], the network expects [${shapes[0]}]`);
  }
  const last = shapes.at(-1) ?? [];
  if (last.length !== 1) throw new InputError(`cSource: expected a vector as output, got [${last}]; end with a mean`);
  checkOptions(options, last[0]);
  const frontEnd = frontEndCode(config, sizes);
  const memory = planMemory(network.plan, sizes, frontEnd.workFloats);
  const levelWeight = config.kind === 'bands' && !options.labels ? config.levelWeight : undefined;
  const outputs = (sizes.bands?.length ?? 1) * (last[0] + (levelWeight === undefined ? 0 : 1));
  return { frontEnd, network: networkCode(network, memory), memory, sizes, width: last[0], outputs, levelWeight };
}

const sizesOf = ({ network, frontEnd, memory }: Parts): CSizes => ({
  weights: network.weightBytes,
  scales: network.scaleBytes,
  tables: frontEnd.tableBytes,
  scratch: memory.bytes,
});

function headerCode(parts: Parts, labels: readonly string[] | undefined): string {
  const { sizes, width, outputs } = parts;
  const { weights, scales, tables, scratch } = sizesOf(parts);
  const bands = sizes.bands?.length ?? 1;
  const features = sizes.bands
    ? `[bands, rows, frames] = [${bands}, ${sizes.rows}, ${sizes.frames}], then the level that was taken away`
    : `[rows, frames] = [${sizes.rows}, ${sizes.frames}]`;
  const ending = labels
    ? `
/*
 * From samples to outputs (room for $N_OUTPUTS), of which the first $N_LABELS are then the scores of the labels, means over
 * bands where there are several. Returns the number of the largest.
 */
int $n_classify(const float *samples, float *outputs);
/* Name of an output; "" where there is none. */
const char *$n_label(int output);`
    : `
/* From samples to outputs. */
void $n_embed(const float *samples, float *outputs);`;
  return `/*
 * An int8 network that hears windows of ${sizes.samples} samples of one channel at ${sizes.sampleRate} Hz, in C99.
 * Needs nothing but the C library with its mathematics: cc -std=c99 -O2 -c FILE.c, linked with -lm. With -O3 and the
 * machine's own instructions (-march=native) compilers make vectors of its loops.
 * Written to: $N_SCRATCH_BYTES = ${scratch} bytes of static memory, and the stack. One window at a time.
 * Other files see the names below after: #define $N_HEADER, #include of this file.
 * With $N_MAIN it is a program (RECORDING | --time WINDOWS). With $N_TRACE the codes of all layers,
 * [channels, rows, columns] one layer after the other, go to $n_trace, where that is a file.
 */
#ifndef $N_H
#define $N_H

#include <stdint.h>

#define $N_SAMPLE_RATE ${sizes.sampleRate}
#define $N_WINDOW_SAMPLES ${sizes.samples}
#define $N_ROWS ${sizes.rows}
#define $N_FRAMES ${sizes.frames}
#define $N_BANDS ${bands}
/* Floats of a picture: ${features}. */
#define $N_FEATURES ${sizes.features}
/* Codes of a window: [bands, ${width}]; its outputs: [bands, ${outputs / bands}]. */
#define $N_CODES ${bands * width}
#define $N_OUTPUTS ${outputs}
#define $N_LABELS ${labels?.length ?? 0}
/* Bytes of weights and biases, scales, tables of the front end, static memory that is written to. */
#define $N_WEIGHT_BYTES ${weights}
#define $N_SCALE_BYTES ${scales}
#define $N_TABLE_BYTES ${tables}
#define $N_SCRATCH_BYTES ${scratch}

#ifdef __cplusplus
extern "C" {
#endif
/* Picture of a window of finite samples, -1 to 1. */
void $n_features(const float *samples, float *features);
/* The network: codes of its last layer (or NULL), and their values. */
void $n_run(const float *features, uint8_t *codes, float *outputs);${ending}
#ifdef __cplusplus
}
#endif
#endif
`;
}

const opening = (floats: number, work: number): string => `
#ifndef $N_HEADER
#include <float.h>
#include <math.h>
#include <string.h>

/* Floats and codes take turns in it. */
static float $n_arena[${floats}];
/* Where the front end computes. */
#define $n_work ($n_arena + ${work})
`;

const tracing = `
#ifdef $N_TRACE
#include <stdio.h>
FILE *$n_trace;
static void $n_traced(const uint8_t *codes, int channels, int pixels)
{
  for (int c = 0; $n_trace && c < channels; c++) {
    for (int p = 0; p < pixels; p++) fputc(codes[p * channels + c], $n_trace);
  }
}
#define $N_TRACED(codes, channels, pixels) $n_traced(codes, channels, pixels)
#else
#define $N_TRACED(codes, channels, pixels) ((void)0)
#endif
`;

/** To the nearest whole number, ties to the even one. */
function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

const codeOf = (value: number, { scale, zeroPoint }: AffineCode): number =>
  Math.min(255, Math.max(0, roundHalfEven(Math.fround(Math.fround(value) / scale)) + zeroPoint));

/** Codes of both planes of every band: 2 sin and 2 cos of pi times its relative frequency. */
const placeTable = (bands: readonly number[], code: AffineCode): string =>
  tableCode(
    'uint8_t',
    '$n_places',
    bands.flatMap((position) => [Math.sin, Math.cos].map((f) => codeOf(2 * f(Math.PI * position), code))),
  );

function runCode(network: QuantisedNetwork, parts: Parts): string {
  const { memory, sizes, width, levelWeight } = parts;
  const [input, output] = [network.codes[0], network.codes[network.codes.length - 1]];
  const pixels = sizes.rows * sizes.frames;
  const first = `memory + ${memory.layers[0]}`;
  const code = `${pixels}, ${floatLiteral(input.scale)}, ${input.zeroPoint}`;
  const { bands } = sizes;
  const filled = bands
    ? `$n_band_input(features + band * ${pixels}, ${first}, ${code}, $n_places + 2 * band);`
    : `$n_input(features, ${first}, ${code});`;
  const level =
    levelWeight === undefined ? '' : `    *outputs++ = ${floatLiteral(levelWeight)} * features[$N_FEATURES - 1];\n`;
  return `${bands ? `\n${placeTable(bands, input)}` : ''}
void $n_run(const float *features, uint8_t *codes, float *outputs)
{
  uint8_t *const memory = (uint8_t *)$n_arena;
  const uint8_t *made = memory + ${memory.layers[network.plan.layers.length - 1]};
  for (int band = 0; band < $N_BANDS; band++) {
    ${filled}
    $N_TRACED(${first}, ${sizes.planes}, ${pixels});
    $n_layers(memory);
    for (int i = 0; i < ${width}; i++) {
      if (codes) *codes++ = made[i];
      *outputs++ = (float)(made[i] - ${output.zeroPoint}) * ${floatLiteral(output.scale)};
    }
${level}  }
}
`;
}

function endingCode({ memory }: Parts, labels: readonly string[] | undefined): string {
  const features = `$n_arena + ${memory.features / 4}`;
  const whole = `  $n_features(samples, ${features});\n  $n_run(${features}, NULL, outputs);\n`;
  if (!labels) return `\nvoid $n_embed(const float *samples, float *outputs)\n{\n${whole}}\n`;
  return `
/* Means over bands go to the first of them. */
static int $n_largest(float *outputs)
{
  int best = 0;
  for (int i = 0; i < $N_LABELS; i++) {
    for (int band = 1; band < $N_BANDS; band++) outputs[i] += outputs[band * $N_LABELS + i];
    outputs[i] /= (float)$N_BANDS;
    if (outputs[i] > outputs[best]) best = i;
  }
  return best;
}

int $n_classify(const float *samples, float *outputs)
{
${whole}  return $n_largest(outputs);
}

const char *$n_label(int output)
{
  static const char *const labels[$N_LABELS] = {
${labels.map((label) => `    ${stringLiteral(label)},`).join('\n')}
  };
  return output >= 0 && output < $N_LABELS ? labels[output] : "";
}
`;
}

/**
 * A C99 file of a front end and an int8 network, with an interface of its own at its top: `name_features`, `name_run`, and
 * `name_classify` (with labels) or `name_embed` (without). Accumulators are int32; what becomes of them is float32, rounded
 * as ONNX Runtime does it: saturate(round-half-even(accumulator * scale) + zero point).
 * `bands` are cut at `options.sampleRate` and have the level of their own window taken away.
 * @throws InputError for a network, front end and options that do not fit each other
 */
export function cSource(
  network: QuantisedNetwork,
  frontEnd: MelFrontEnd | BandFrontEnd,
  options: CSourceOptions,
): string {
  const parts = partsOf(network, frontEnd, options);
  const { labels } = options;
  const kernels = new Set([...parts.network.kernels, parts.sizes.bands ? ('bandInput' as const) : ('input' as const)]);
  const text = [
    headerCode(parts, labels),
    opening(parts.memory.bytes / 4, parts.memory.work / 4),
    parts.frontEnd.code,
    tracing,
    kernelCode(kernels),
    '\n',
    parts.network.tables,
    `\nstatic void $n_layers(uint8_t *memory)\n{\n${parts.network.calls}}\n`,
    runCode(network, parts),
    endingCode(parts, labels),
    `\n#ifdef $N_MAIN${mainCode(labels !== undefined)}#endif\n#endif\n`,
  ].join('');
  return named(text, options.name);
}

/**
 * Sizes of the file of `cSource`, which holds them as macros too.
 * @throws InputError as `cSource`
 */
export const cSizes = (
  network: QuantisedNetwork,
  frontEnd: MelFrontEnd | BandFrontEnd,
  options: CSourceOptions,
): CSizes => sizesOf(partsOf(network, frontEnd, options));

// A student: a small convolutional network that has learned from a larger encoder, or from labels. Its graph and its encoder.

import { reduceMean } from '../graph/reduce.ts';
import { float32, type Program } from '../graph/runtime.ts';
import { input, type Tensor } from '../graph/tensor.ts';
import { layerOutputs } from '../nn/layer-graph.ts';
import type { ParameterScope } from '../nn/parameters.ts';
import { quantisedOutputs } from '../nn/quantised-graph.ts';
import type { QuantisedNetwork } from '../nn/quantised-network.ts';
import { concatenate } from '../signal/concatenate.ts';
import type { Recording } from '../signal/recording.ts';
import { meanVector } from './band-transformer.ts';
import { batchEncoder } from './batch-encoder.ts';
import { withLevel } from './echo.ts';
import { onlyChannel } from './requirements.ts';
import { type StudentConfig, studentInput, studentPlan } from './student-config.ts';
import { type StudentPictures, studentPictures } from './student-input.ts';
import type { Band, Embedding, EmbedOptions, Encoder } from './types.ts';

/** Pictures that go through the network together: some 100 MB of activations for the largest of students. */
const PICTURES_PER_RUN = 64;

/**
 * The inference graph of a student: input
 * `pictures` [windows, channels, rows, columns]; outputs `features` [windows, channels of the last block or
 * convolution], their means over all positions, and `outputs` [windows, outputs].
 */
export function studentGraph(
  scope: ParameterScope,
  config: StudentConfig,
  quantised?: QuantisedNetwork,
): { features: Tensor; outputs: Tensor } {
  const plan = studentPlan(config);
  const pictures = input('pictures', ['windows', ...studentInput(config)]);
  const mode = config.form === 'float' ? { norm: { training: false as const } } : { folded: true as const };
  const layers = quantised ? quantisedOutputs(quantised, pictures).floats : layerOutputs(scope, plan, pictures, mode);
  const last = layers.length - 1;
  // Before a dense layer stands the mean; CP-Mobile ends with the mean of its scores.
  const features =
    plan.layers[last].kind === 'dense' ? layers[last - 1] : reduceMean(layers[plan.blocks.at(-1) as number], [2, 3]);
  return { features, outputs: layers[last] };
}

/** Rows of one output for many pictures, in their order. */
type Rows = { features: Float32Array[]; outputs: Float32Array[] };

async function run(program: Program, config: StudentConfig, pictures: readonly Float32Array[]): Promise<Rows> {
  const rows: Rows = { features: [], outputs: [] };
  for (let from = 0; from < pictures.length; from += PICTURES_PER_RUN) {
    const some = pictures.slice(from, from + PICTURES_PER_RUN);
    const values = concatenate(Float32Array, some);
    const results = await program.run({ pictures: float32(values, [some.length, ...studentInput(config)]) });
    for (const name of ['features', 'outputs'] as const) {
      const data = results[name].data as Float32Array;
      const width = data.length / some.length;
      for (let row = 0; row < some.length; row++) rows[name].push(data.slice(row * width, (row + 1) * width));
    }
  }
  return rows;
}

/** One embedding from the rows of a recording's pictures. */
function assemble(
  config: StudentConfig,
  heard: StudentPictures,
  { features, outputs }: Rows,
  wanted: EmbedOptions,
): Embedding {
  const own = config.labels ? features : outputs;
  const width = own[0].length;
  const bands = heard.bands.map((band, b): Band => ({ ...band, start: b * width, end: (b + 1) * width }));
  const windows = Array.from({ length: heard.windows }, (_, w) =>
    concatenate(Float32Array, own.slice(w * bands.length, (w + 1) * bands.length)),
  );
  let embedding: Embedding = { vector: meanVector(windows), bands };
  if (wanted.frames) {
    const { windows: count, starts, seconds } = heard;
    const values = concatenate(Float32Array, windows);
    embedding.frames = { values, count, width: bands.length * width, starts, seconds, bands };
  }
  const weight = config.frontEnd.kind === 'bands' ? config.frontEnd.levelWeight : undefined;
  if (weight !== undefined) embedding = withLevel(embedding, weight * heard.level);
  return config.labels ? { ...embedding, logits: meanVector(outputs) } : embedding;
}

/**
 * An encoder around a compiled program of `studentGraph`: the mean over the windows of a recording. Of classifiers the
 * features are the embedding, and the logits the mean of the outputs; of others the outputs are. Of a student of
 * sub-bands every band has its part, as of ECHO.
 */
export function createStudent(id: string, fingerprint: string, config: StudentConfig, program: Program): Encoder {
  const size = studentInput(config).reduce((product, side) => product * side, 1);
  const embedMany = async (recordings: readonly Recording[], options: EmbedOptions = {}): Promise<Embedding[]> => {
    const heard = recordings.map((one) => studentPictures(onlyChannel(one), one.sampleRate, config));
    const pictures = heard.flatMap(({ values }) =>
      Array.from({ length: values.length / size }, (_, i) => values.subarray(i * size, (i + 1) * size)),
    );
    const rows = await run(program, config, pictures);
    let at = 0;
    return heard.map((one) => {
      const from = at;
      at += one.windows * one.bands.length;
      const own = { features: rows.features.slice(from, at), outputs: rows.outputs.slice(from, at) };
      return assemble(config, one, own, options);
    });
  };
  const { labels } = config;
  return batchEncoder({ id, fingerprint, ...(labels && { labels }), embedMany, release: () => program.release() });
}

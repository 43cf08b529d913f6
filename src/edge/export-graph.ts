// An encoder as an ONNX model: its graph with the weights inside, in 32, 16 or 8 bits, and what must be said beside it.
import { collectParameters, parameterShapes } from '../encoders/build.ts';
import type { Architecture, StateDict } from '../encoders/family.ts';
import { createOnnxEncoder, matchInterface } from '../encoders/onnx-encoder.ts';
import type { OnnxSettings } from '../encoders/onnx-settings.ts';
import type { Encoder } from '../encoders/types.ts';
import { type StoredValues, toOnnx } from '../graph/onnx.ts';
import { inspectOnnx } from '../graph/onnx-inspect.ts';
import type { Program } from '../graph/runtime.ts';
import type { Tensor } from '../graph/tensor.ts';
import { createScope, parameterCount, parametersOf } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';
import { halveGraph } from './halve-graph.ts';
import { listeningGraph } from './listening-graph.ts';
import { type ActivationType, quantiseGraph } from './quantise-graph.ts';

export type GraphFormat = 'onnx' | 'onnx-fp16' | 'onnx-int8';

/** An encoder with weights, as `loadWeights` finds it. */
export type SourceEncoder = { id: string; architecture: Architecture; weights: StateDict };

export type ExportedGraph = {
  bytes: Uint8Array;
  /** The JSON beside the model: settings for `--encoder model.onnx`, or a description of inputs, outputs and front end. */
  settings: Record<string, unknown>;
  /** The encoder that the model makes, on a program of its bytes. */
  encoderOn(program: Program): Encoder;
};

/** Protocol buffers end at 2^31 bytes. */
const LARGEST_MODEL = 2 ** 31 - 2 ** 20;

/** How the inputs of the graphs that no settings describe are made, by family; the names are those of Thrum's functions. */
const frontEnds: Record<string, string> = {
  echo: 'patches: sub-bands of the log-spectrogram (echoSpectrogram, echoPatches); positions: sineCosinePositions; bandPositions: echoBandPosition of every band',
  fisher:
    'patches: sub-bands of the log-spectrogram (fisherSpectrogram, fisherPatches); positions: the table of the checkpoint',
  ced: 'patches: mel levels in dB at 16 kHz, normalised with the statistics of the checkpoint (melDb, normaliseMel, melPatches)',
  dasheng:
    'patches: mel levels in dB at 16 kHz, normalised with the statistics of the checkpoint (melDb, normaliseMel, melPatches)',
  student:
    'pictures: log-mels of a window, or bands of the log-spectrogram without their level and two planes of their place (studentPictures, by config.frontEnd)',
  tuned: 'what the encoder below hears of every segment of the length of a crop (overlappingPieces, trunk.features)',
};

function modelOf(id: string, outputs: Record<string, Tensor>, constants: ReadonlyMap<string, StoredValues>) {
  const bytes = [...constants.values()].reduce((sum, values) => sum + values.byteLength, 0);
  if (bytes > LARGEST_MODEL) {
    throw new InputError(
      `export: expected weights that fit into one ONNX file (2 GiB), got ${(bytes / 2 ** 30).toFixed(2)} GiB of ${id}; choose onnx-fp16 or onnx-int8`,
    );
  }
  return toOnnx({ outputs, constants, name: id }).bytes;
}

/**
 * The model of an encoder. Its operators are those of the ONNX standard alone.
 * @param activations of onnx-int8
 * @throws InputError for weights that are missing, not finite, or too large for the format
 */
export async function exportGraph(
  { id, architecture, weights }: SourceEncoder,
  format: GraphFormat,
  activations: ActivationType = 'float',
): Promise<ExportedGraph> {
  const shapes = parameterShapes(architecture);
  const values = collectParameters(shapes, weights, id);
  const parameters = architecture.parameters ?? parameterCount(shapes);
  // Fused attention is an operator of ONNX Runtime alone; it finds the plain form by itself.
  const plain = architecture.graph(createScope(), { fusedAttention: false });
  const listening = listeningGraph(architecture, plain, parameters);
  const outputs = listening?.outputs ?? plain;
  const needed = new Map(
    Array.from(parametersOf(Object.values(outputs)).keys(), (name) => [name, values.get(name) as Float32Array]),
  );
  const made =
    format === 'onnx'
      ? { outputs, constants: needed }
      : format === 'onnx-fp16'
        ? halveGraph(outputs, needed)
        : await quantiseGraph(outputs, needed, { activations });
  const bytes = modelOf(id, made.outputs, made.constants);
  if (listening) return { bytes, ...listened(id, listening.settings, bytes) };
  return {
    bytes,
    settings: described(architecture, bytes, parameters),
    encoderOn: (program) => architecture.create(id, '', weights, program),
  };
}

function listened(id: string, settings: OnnxSettings, bytes: Uint8Array): Omit<ExportedGraph, 'bytes'> {
  const ports = matchInterface(inspectOnnx(bytes, id), settings);
  return {
    settings,
    encoderOn: (program) => createOnnxEncoder({ id, fingerprint: '', settings, file: id, ports, program }),
  };
}

function described({ family, config }: Architecture, bytes: Uint8Array, parameters: number): Record<string, unknown> {
  const { inputs, outputs } = inspectOnnx(bytes, family);
  return { family, config, inputs, outputs, frontEnd: frontEnds[family] ?? `that of the family ${family}`, parameters };
}

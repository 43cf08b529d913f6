// An export from an encoder: the file, what stands beside it, and what it loses. Nothing is written here.
import { buildEncoder } from '../encoders/build.ts';
import type { StudentConfig } from '../encoders/student-config.ts';
import { studentFile } from '../encoders/student-tensors.ts';
import type { Encoder } from '../encoders/types.ts';
import { loadProgram } from '../graph/program.ts';
import { InputError } from '../signal/errors.ts';
import { cGolden } from './c-golden.ts';
import { cSource } from './c-source.ts';
import { excerpt } from './excerpt.ts';
import { type ExportedGraph, exportGraph, type GraphFormat, type SourceEncoder } from './export-graph.ts';
import { type Golden, overheard } from './golden-file.ts';
import {
  checkQuality,
  compareEncoders,
  DEFAULT_TOLERANCE,
  type KnownRecording,
  lossOf,
  type QualityFigures,
} from './quality-gate.ts';
import type { ActivationType } from './quantise-graph.ts';
import { int8Student, isStudent, networkOf, studentSource } from './student-export.ts';

export const EXPORT_FORMATS = ['onnx', 'onnx-fp16', 'onnx-int8', 'safetensors-int8', 'c'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export type ExportOptions = {
  format: ExportFormat;
  /** Of onnx-int8 for transformers. */
  activations?: ActivationType;
  /** Most that may be lost, of cosine or of accuracy; 0.01 by default. */
  tolerance?: number;
  /** Whether an export that loses more is made all the same. */
  force?: boolean;
  /** Hz of the sensor: of the C file of a student that fits any rate, and of a sound that is made up. */
  sampleRate?: number;
  /** Begins every name of a C file. */
  name?: string;
};

export type MadeExport = {
  content: Uint8Array | string;
  /** The JSON beside it. */
  settings: Record<string, unknown>;
  /** What it was fed once, and what it answered. */
  golden: Golden;
  /** Where there were recordings. */
  quality?: QualityFigures;
  /** Whether it loses more than the tolerance. */
  forced: boolean;
};

/** Formats whose numbers are not those of the encoder. */
const isLossy = (format: ExportFormat): boolean => format !== 'onnx';

function checkRequest(source: SourceEncoder, { format }: ExportOptions, recordings: readonly KnownRecording[]): void {
  if ((format === 'c' || format === 'safetensors-int8') && !isStudent(source)) {
    throw new InputError(
      `export: expected a student for ${format}, got ${source.id} of the family ${source.architecture.family}; choose onnx-int8, or make a student with thrum distill`,
    );
  }
  if (isLossy(format) && recordings.length === 0) {
    throw new InputError(
      `export: expected recordings on which ${format} is compared with ${source.id}; name some with --calibrate or --data`,
    );
  }
}

/** The model, as an encoder whose first run is kept. */
async function hearing(graph: ExportedGraph): Promise<{ encoder: Encoder; first(): Golden | undefined }> {
  const { program, first } = overheard(await loadProgram(graph.bytes));
  return { encoder: graph.encoderOn(program), first };
}

type Judged = { golden: Golden; quality?: QualityFigures; forced: boolean };

/** Golden numbers and figures of a model. @throws InputError where too much is lost */
async function judge(
  source: SourceEncoder,
  graph: ExportedGraph,
  { format, tolerance = DEFAULT_TOLERANCE, force = false, sampleRate }: ExportOptions,
  recordings: readonly KnownRecording[],
): Promise<Judged> {
  const { encoder, first } = await hearing(graph);
  try {
    await encoder.embed(
      excerpt(
        recordings.map(({ recording }) => recording),
        sampleRate,
      ),
    );
    const golden = first() as Golden;
    if (recordings.length === 0) return { golden, forced: false };
    const original = await buildEncoder(source.id, source.architecture, source.weights);
    try {
      const quality = await compareEncoders(original, encoder, recordings);
      if (!force) checkQuality(quality, tolerance, `${format} of ${source.id}`);
      return { golden, quality, forced: lossOf(quality).value > tolerance };
    } finally {
      await original.release();
    }
  } finally {
    await encoder.release();
  }
}

const graphFormats: Partial<Record<ExportFormat, GraphFormat>> = {
  onnx: 'onnx',
  'onnx-fp16': 'onnx-fp16',
  'onnx-int8': 'onnx-int8',
};

async function makeStudent(
  source: SourceEncoder,
  options: ExportOptions,
  recordings: readonly KnownRecording[],
): Promise<MadeExport> {
  const { format, sampleRate, name = 'model' } = options;
  const sounds = recordings.map(({ recording }) => recording);
  const student = await int8Student(source, sounds);
  const graph = await exportGraph(studentSource(source.id, student), 'onnx');
  const judged = await judge(source, graph, options, recordings);
  const { frontEnd, labels } = student.config;
  if (format === 'onnx-int8') return { content: graph.bytes, settings: graph.settings, ...judged };
  if (format === 'safetensors-int8') return { content: studentFile(student), settings: graph.settings, ...judged };
  const content = cSource(networkOf(student), frontEnd, {
    name,
    ...(labels && { labels: labels.names }),
    ...(sampleRate !== undefined && { sampleRate }),
  });
  const golden = await cGolden(student, excerpt(sounds, sampleRate), sampleRate);
  const { inputs: _inputs, outputs: _outputs, ...settings } = graph.settings;
  return { content, settings: { ...settings, name }, ...judged, golden };
}

/**
 * Makes an export of an encoder, and hears `recordings` with both.
 * @param recordings of one channel; formats that lose something need some
 * @throws InputError for a format that the encoder has not, no recordings, and an export that loses too much
 */
export async function makeExport(
  source: SourceEncoder,
  options: ExportOptions,
  recordings: readonly KnownRecording[],
): Promise<MadeExport> {
  checkRequest(source, options, recordings);
  const { format, activations } = options;
  const form = isStudent(source) ? (source.architecture.config as StudentConfig).form : undefined;
  const whole = form !== undefined && (format.endsWith('int8') || format === 'c' || form === 'int8');
  if (whole) return makeStudent(source, { ...options, format: format === 'onnx' ? 'onnx-int8' : format }, recordings);
  const graph = await exportGraph(source, graphFormats[format] as GraphFormat, activations);
  return { content: graph.bytes, settings: graph.settings, ...(await judge(source, graph, options, recordings)) };
}

// The encoder out of a training state, as a weights file that `--encoder` loads.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { parameterShapes, recogniseWeights } from '../encoders/build.ts';
import type { Architecture } from '../encoders/family.ts';
import { sha256Of } from '../encoders/import.node.ts';
import { hintsOf } from '../encoders/stored-hints.ts';
import { writeSafetensors } from '../graph/safetensors.ts';
import { fromFloat32AsF16, type StoredTensor, toFloat32 } from '../graph/stored-tensor.ts';
import { parameterCount } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';
import { elementCount } from '../signal/typed-view.ts';
import { notWritten, writeDurably } from './durable-file.node.ts';
import type { TrainingState } from './step.ts';

export type ExportEncoderOptions = {
  /** Whose weights; the teacher's by default. Tensors that no teacher has (a last norm) are the student's. */
  weights?: 'teacher' | 'student';
  /** Store 16-bit floats: half the size. */
  float16?: boolean;
};

export type ExportedEncoder = {
  path: string;
  /** Values in all tensors. */
  parameters: number;
  sha256: string;
  /** Tensors taken from the student although the teacher was asked for. */
  fromStudent: string[];
};

/**
 * The encoder's tensors out of a training state; `fromStudent` names those that no teacher has.
 * @throws InputError if the state lacks a tensor of the architecture or holds values that are not finite
 */
export function encoderTensors(
  state: TrainingState,
  architecture: Architecture,
  weights: 'teacher' | 'student',
  float16 = false,
): { tensors: Map<string, StoredTensor>; fromStudent: string[] } {
  const tensors = new Map<string, StoredTensor>();
  const fromStudent: string[] = [];
  for (const [name, shape] of parameterShapes(architecture)) {
    const teacher = weights === 'teacher' ? state.teacher.get(name) : undefined;
    if (weights === 'teacher' && !teacher) fromStudent.push(name);
    const outside = architecture.frontEnd?.get(name);
    const data = teacher ?? state.parameters.get(name) ?? (outside && toFloat32(outside));
    if (data?.length !== elementCount(shape)) {
      const found = data ? `${data.length} values` : 'none';
      throw new InputError(`exportEncoder: expected ${name} of shape [${shape}] in the training state, got ${found}`);
    }
    if (!data.every(Number.isFinite)) {
      throw new InputError(`exportEncoder: expected finite values in ${name}; the run has diverged`);
    }
    tensors.set(name, float16 ? fromFloat32AsF16(data, shape) : { dtype: 'F32', shape: [...shape], data });
  }
  return { tensors, fromStudent };
}

/** JSON with keys in one order. */
const sorted = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

/**
 * Writes the weights of the encoder alone, with what `--encoder FILE` needs to know of them.
 * @throws InputError if the state lacks a tensor of the architecture, holds values that are not finite (or, for float16,
 * above 65,504), or if the file cannot be written
 */
export function exportEncoder(
  state: TrainingState,
  architecture: Architecture,
  out: string,
  options: ExportEncoderOptions = {},
): ExportedEncoder {
  const shapes = parameterShapes(architecture);
  const { weights = 'teacher', float16 = false } = options;
  const { tensors, fromStudent } = encoderTensors(state, architecture, weights, float16);
  const { family, config } = architecture;
  const hints = hintsOf(architecture);
  const again = recogniseWeights(tensors, hints);
  if (again.family !== family || sorted(again.config) !== sorted(config)) {
    throw new InputError(
      `exportEncoder: expected the file to be read again as ${family} ${JSON.stringify(config)}, got ${again.family} ${JSON.stringify(again.config)}`,
    );
  }
  const trained = { weights, step: state.step };
  const bytes = writeSafetensors(tensors, { thrum: JSON.stringify({ family, config, hints, trained }) });
  try {
    mkdirSync(dirname(out), { recursive: true });
    writeDurably(out, bytes);
  } catch (error) {
    throw notWritten('exportEncoder', out, error, 'export again');
  }
  return {
    path: out,
    parameters: parameterCount(shapes),
    sha256: sha256Of(bytes),
    fromStudent,
  };
}

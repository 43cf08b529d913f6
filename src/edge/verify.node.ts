// An export run again on the golden numbers that were stored beside it.
import { existsSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { collectParameters, parameterShapes, recogniseWeights } from '../encoders/build.ts';
import { readCheckpoint } from '../encoders/load.node.ts';
import { loadWithWeights } from '../encoders/load-weights.ts';
import { loadProgram } from '../graph/program.ts';
import type { Program, Value } from '../graph/runtime.ts';
import { createScope } from '../nn/parameters.ts';
import { InputError } from '../signal/errors.ts';
import { readLargeFile } from '../signal/read-large-file.node.ts';
import { systemReason } from '../signal/system-error.node.ts';
import { hasCompiler, runC } from './c-check.node.ts';
import { farthest, type Golden, type GoldenDifference, goldenPathOf, readGolden } from './golden-file.ts';

/** Of the largest value of an output. Other processors round sums differently; integer kernels by a step. */
export const VERIFY_TOLERANCE = 0.01;
/** Of whole numbers: one step. */
const STEP = 1;

export type Verified = GoldenDifference & {
  /** What was run: `onnx`, `safetensors` or `c`; `skipped` where there is no C compiler. */
  ran: 'onnx' | 'safetensors' | 'c' | 'skipped';
};

function readBytes(path: string): Uint8Array {
  try {
    return readLargeFile(path);
  } catch (error) {
    throw new InputError(`verify: ${path} cannot be read: ${systemReason(error)}; name a file that thrum export wrote`);
  }
}

function goldenBeside(path: string): Golden {
  const file = goldenPathOf(path);
  if (!existsSync(file)) {
    throw new InputError(
      `verify: expected golden numbers in ${file}, found none; keep the files of an export together, or export again`,
    );
  }
  return readGolden(readBytes(file), file);
}

async function runOnce(program: Program, { inputs }: Golden): Promise<Record<string, Value>> {
  try {
    return await program.run(inputs);
  } finally {
    await program.release();
  }
}

async function weightsProgram(path: string): Promise<Program> {
  const { weights, hints } = readCheckpoint(path);
  const architecture = recogniseWeights(weights, hints);
  const id = basename(path);
  const outputs = architecture.graph(createScope(), { fusedAttention: false });
  return loadWithWeights(outputs, collectParameters(parameterShapes(architecture), weights, id), id);
}

/** The name of a C file's functions: that of `NAME_run`. */
function nameInC(path: string): string {
  const [, name] = /\bvoid ([A-Za-z][A-Za-z0-9_]*)_run\(/.exec(new TextDecoder().decode(readBytes(path))) ?? [];
  if (name === undefined) {
    throw new InputError(`verify: expected a function NAME_run in ${path}, found none; export it again`);
  }
  return name;
}

function runInC(path: string, golden: Golden): Record<string, Value> {
  const { features } = golden.inputs;
  if (!features || !(features.data instanceof Float32Array)) {
    throw new InputError(`verify: expected features among the golden numbers of ${path}, found none; export it again`);
  }
  const data = runC(path, nameInC(path), features.data);
  const shape = golden.outputs.codes?.shape ?? [data.length];
  return { codes: { dtype: 'uint8', shape, data } };
}

/**
 * Runs an export (`.onnx`, `.safetensors` or `.c`) on its golden inputs and compares.
 * @param tolerance of the largest difference over an output's largest value; whole numbers may differ by one
 * @throws InputError for missing or damaged files, and where the difference is larger
 */
export async function verifyExport(path: string, tolerance = VERIFY_TOLERANCE): Promise<Verified> {
  const kind = extname(path).toLowerCase();
  const golden = goldenBeside(path);
  if (kind === '.c' && !hasCompiler()) return { ran: 'skipped', output: 'codes', difference: 0 };
  const actual =
    kind === '.c'
      ? runInC(path, golden)
      : await runOnce(kind === '.onnx' ? await loadProgram(readBytes(path)) : await weightsProgram(path), golden);
  const { output, difference } = farthest(golden, actual);
  const floating = golden.outputs[output].dtype === 'float32';
  if (difference > (floating ? tolerance : STEP)) {
    const allowed = floating ? `${tolerance} of the largest value` : 'one step';
    throw new InputError(
      `verify: ${path}: ${output} is ${difference.toPrecision(3)} away from the golden numbers, more than ${allowed}; the file or this machine computes something else`,
    );
  }
  return { ran: kind === '.c' ? 'c' : kind === '.onnx' ? 'onnx' : 'safetensors', output, difference };
}

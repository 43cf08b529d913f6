// Golden numbers beside an export: what it was fed once, and what it answered. Whoever runs it elsewhere can compare.
import type { Feeds, Program, Value } from '../graph/runtime.ts';
import { readSafetensors, writeSafetensors } from '../graph/safetensors.ts';
import type { StoredDtype, StoredTensor } from '../graph/stored-tensor.ts';
import type { ConstantValues, DType } from '../graph/tensor.ts';
import { InputError } from '../signal/errors.ts';

export type Golden = { inputs: Feeds; outputs: Readonly<Record<string, Value>> };

/** Beside `model.onnx`: `model.onnx.golden.safetensors`. */
export const goldenPathOf = (file: string): string => `${file}.golden.safetensors`;

const stored: Partial<Record<DType, StoredDtype>> = {
  float32: 'F32',
  int64: 'I64',
  int32: 'I32',
  uint8: 'U8',
  int8: 'I8',
};

function storedTensor(name: string, { dtype, shape, data }: Value): StoredTensor {
  const own = stored[dtype];
  if (own === undefined || data instanceof Float64Array) {
    throw new InputError(
      `goldenBytes: expected ${name} of ${Object.keys(stored).join(', ')}, got ${dtype}; export it so`,
    );
  }
  return { dtype: own, shape: [...shape], data };
}

/** A safetensors file with a tensor `input.NAME` or `output.NAME` for each. */
export function goldenBytes({ inputs, outputs }: Golden): Uint8Array {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, value] of Object.entries(inputs)) tensors.set(`input.${name}`, storedTensor(name, value));
  for (const [name, value] of Object.entries(outputs)) tensors.set(`output.${name}`, storedTensor(name, value));
  return writeSafetensors(tensors);
}

/** @throws InputError for a file that holds other tensors, or is damaged */
export function readGolden(bytes: Uint8Array, file: string): Golden {
  const found = { input: {} as Record<string, Value>, output: {} as Record<string, Value> };
  for (const [key, { dtype, shape, data }] of readSafetensors(bytes, file).tensors) {
    const [, side, name] = /^(input|output)\.(.+)$/.exec(key) ?? [];
    const own = (Object.keys(stored) as DType[]).find((type) => stored[type] === dtype);
    if (name === undefined || own === undefined) {
      throw new InputError(
        `${file}: expected tensors input.NAME and output.NAME, found ${key}; export the model again`,
      );
    }
    found[side as 'input' | 'output'][name] = { dtype: own, shape, data: data as ConstantValues };
  }
  if (Object.keys(found.output).length === 0) {
    throw new InputError(`${file}: expected golden outputs, found none; export the model again`);
  }
  return { inputs: found.input, outputs: found.output };
}

/** The program, and its first run as it goes by. */
export function overheard(program: Program): { program: Program; first(): Golden | undefined } {
  let golden: Golden | undefined;
  const run = async (inputs: Feeds) => {
    const outputs = await program.run(inputs);
    golden ??= { inputs, outputs };
    return outputs;
  };
  return { program: { ...program, run }, first: () => golden };
}

export type GoldenDifference = {
  /** Of the output that differs most. */
  output: string;
  /** Largest difference over the largest value; of whole numbers, the largest difference itself. */
  difference: number;
};

const isFloating = ({ dtype }: Value): boolean => dtype === 'float32';

function differenceOf(expected: Value, actual: Value | undefined, name: string): number {
  if (!actual || actual.data.length !== expected.data.length || actual.dtype !== expected.dtype) {
    const what = actual ? `${actual.dtype} [${actual.shape.join(', ')}]` : 'none';
    throw new InputError(
      `verify: expected an output ${name} ${expected.dtype} [${expected.shape.join(', ')}], got ${what}; export the model again`,
    );
  }
  let [largest, difference] = [0, 0];
  for (let i = 0; i < expected.data.length; i++) {
    const [wanted, got] = [Number(expected.data[i]), Number(actual.data[i])];
    largest = Math.max(largest, Math.abs(wanted));
    // A comparison with what is not a number is false.
    if (!(Math.abs(got - wanted) <= difference))
      difference = Number.isFinite(got) ? Math.abs(got - wanted) : Number.POSITIVE_INFINITY;
  }
  if (!isFloating(expected)) return difference;
  return difference === 0 ? 0 : difference / Math.max(largest, Number.MIN_VALUE);
}

/** The output that is farthest from the golden one. @throws InputError where one is missing or of another size */
export function farthest(golden: Golden, actual: Readonly<Record<string, Value>>): GoldenDifference {
  const all = Object.entries(golden.outputs).map(([output, value]) => ({
    output,
    difference: differenceOf(value, actual[output], output),
  }));
  return all.reduce((most, one) => (one.difference > most.difference ? one : most));
}

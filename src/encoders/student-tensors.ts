// From the trained values of a student to its files, in each of the forms.
import { writeSafetensors } from '../graph/safetensors.ts';
import { type StoredTensor, toFloat32 } from '../graph/stored-tensor.ts';
import { foldNorms } from '../nn/layer-graph.ts';
import { createScope, parametersOf } from '../nn/parameters.ts';
import { quantiseNetwork, type Range } from '../nn/quantise.ts';
import { quantisedTensors } from '../nn/quantised-tensors.ts';
import { InputError } from '../signal/errors.ts';
import { elementCount } from '../signal/typed-view.ts';
import { studentGraph } from './student.ts';
import { type StudentConfig, studentPlan } from './student-config.ts';

/** A student as its file has it. */
export type StoredStudent = { config: StudentConfig; tensors: Map<string, StoredTensor> };

/** Smallest and largest output of layer N, [2]. */
const rangeName = (layer: number): string => `range.${layer}`;

/**
 * The tensors of a student of the form `float` or `folded` from its values by name.
 * @throws InputError where some are missing, are too few or too many, or are not finite
 */
export function studentTensors(
  config: StudentConfig,
  values: ReadonlyMap<string, ArrayLike<number>>,
): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, shape] of parametersOf(Object.values(studentGraph(createScope(), config)))) {
    const data = Float32Array.from(values.get(name) ?? []);
    if (data.length !== elementCount(shape) || !data.every(Number.isFinite)) {
      const found = values.has(name) ? `${data.length}, finite or not` : 'none';
      throw new InputError(
        `studentTensors: expected finite values of ${name} [${shape}], found ${found}; train it again`,
      );
    }
    tensors.set(name, { dtype: 'F32', shape: [...shape], data });
  }
  return tensors;
}

/**
 * A student of the form `float` without its batch normalisation, which goes into the weights.
 * @param ranges smallest and largest output of every layer, which whole numbers need
 * @throws InputError as `studentTensors`, and for another form or ranges of another network
 */
export function foldStudent(
  config: StudentConfig,
  values: ReadonlyMap<string, ArrayLike<number>>,
  ranges?: readonly Range[],
): StoredStudent {
  const plan = studentPlan(config);
  if (config.form !== 'float' || (ranges && ranges.length !== plan.layers.length)) {
    throw new InputError(
      `foldStudent: expected a float student and a range for each of its ${plan.layers.length} layers, got form ${config.form} and ${ranges?.length ?? 'no'} ranges`,
    );
  }
  // Complete and finite: folding would only stumble over what is not.
  const checked = studentTensors(config, values);
  const folded: StudentConfig = { ...config, form: 'folded' };
  const plain = new Map(Array.from(checked, ([name, { data }]) => [name, data as Float32Array]));
  const tensors = studentTensors(folded, foldNorms(plan, plain));
  for (const [layer, range] of (ranges ?? []).entries()) {
    tensors.set(rangeName(layer), { dtype: 'F32', shape: [2], data: Float32Array.from(range) });
  }
  return { config: folded, tensors };
}

/**
 * A folded student in whole numbers.
 * @param tensors with the ranges of all layers, as `foldStudent` makes them
 * @throws InputError for another form, and where weights or ranges are missing or not finite
 */
export function quantiseStudent({ config, tensors }: StoredStudent): StoredStudent {
  const plan = studentPlan(config);
  const ranges = plan.layers.flatMap((_, layer): Range[] => {
    const stored = tensors.get(rangeName(layer));
    return stored?.data.length === 2 ? [[Number(stored.data[0]), Number(stored.data[1])]] : [];
  });
  if (config.form !== 'folded' || ranges.length !== plan.layers.length) {
    throw new InputError(
      `quantiseStudent: expected a folded student with the ranges of its ${plan.layers.length} layers, got form ${config.form} and ${ranges.length} ranges; calibrate it first`,
    );
  }
  const folded = new Map(Array.from(tensors, ([name, tensor]) => [name, toFloat32(tensor)]));
  const whole = quantiseNetwork(plan, folded, ranges);
  return { config: { ...config, form: 'int8' }, tensors: quantisedTensors(whole) };
}

/** The bytes of a safetensors file that `--encoder` loads. */
export function studentFile({ config, tensors }: StoredStudent): Uint8Array {
  const hints = { family: 'student', student: config };
  return writeSafetensors(tensors, { thrum: JSON.stringify({ family: 'student', config, hints }) });
}

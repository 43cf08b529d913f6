// Students in whole numbers: of those whose training got used to it as they are, of others by the ranges of recordings.
import { recogniseWeights } from '../encoders/build.ts';
import { type StudentConfig, studentInput, studentPlan } from '../encoders/student-config.ts';
import { studentPictures } from '../encoders/student-input.ts';
import { foldStudent, quantiseStudent, type StoredStudent } from '../encoders/student-tensors.ts';
import { toFloat32 } from '../graph/stored-tensor.ts';
import { calibrate } from '../nn/calibrate.ts';
import type { QuantisedNetwork } from '../nn/quantised-network.ts';
import { quantisedFrom } from '../nn/quantised-tensors.ts';
import { InputError } from '../signal/errors.ts';
import type { Recording } from '../signal/recording.ts';
import type { SourceEncoder } from './export-graph.ts';

/** Pictures that go through the network together. */
const PICTURES_PER_RUN = 64;

export const isStudent = ({ architecture }: Pick<SourceEncoder, 'architecture'>): boolean =>
  architecture.family === 'student';

const configOf = ({ architecture }: SourceEncoder): StudentConfig => architecture.config as StudentConfig;

const valuesOf = (tensors: SourceEncoder['weights']): Map<string, Float32Array> =>
  new Map(Array.from(tensors, ([name, tensor]) => [name, toFloat32(tensor)]));

function* picturesOf(recordings: readonly Recording[], config: StudentConfig): Generator<Float32Array> {
  const size = studentInput(config).reduce((product, side) => product * side, 1);
  for (const { channels, sampleRate } of recordings) {
    const { values } = studentPictures(channels[0], sampleRate, config);
    for (let at = 0; at < values.length; at += PICTURES_PER_RUN * size) {
      yield values.subarray(at, Math.min(values.length, at + PICTURES_PER_RUN * size));
    }
  }
}

const hasRanges = (config: StudentConfig, tensors: SourceEncoder['weights']): boolean =>
  studentPlan(config).layers.every((_, layer) => tensors.has(`range.${layer}`));

/**
 * A student of the form `int8`. A `folded` one brings its ranges along, as quantisation-aware training leaves them; for a
 * `float` one they are the smallest and largest outputs of its layers on `recordings` (static post-training quantisation).
 * @param recordings of one channel each
 * @throws InputError where ranges are needed and there are no recordings
 */
export async function int8Student(source: SourceEncoder, recordings: readonly Recording[]): Promise<StoredStudent> {
  const config = configOf(source);
  const tensors = new Map(source.weights);
  if (config.form === 'int8') return { config, tensors };
  if (config.form === 'folded' && hasRanges(config, tensors)) return quantiseStudent({ config, tensors });
  if (recordings.length === 0) {
    throw new InputError(
      `export: expected recordings for the ranges of ${source.id}, whose training left none; name some with --calibrate`,
    );
  }
  const folded = config.form === 'folded' ? { config, tensors } : foldStudent(config, valuesOf(tensors));
  const ranges = await calibrate(studentPlan(config), valuesOf(folded.tensors), picturesOf(recordings, config));
  for (const [layer, range] of ranges.entries()) {
    folded.tensors.set(`range.${layer}`, { dtype: 'F32', shape: [2], data: Float32Array.from(range) });
  }
  return quantiseStudent(folded);
}

/** A stored student as an encoder with weights. */
export const studentSource = (id: string, { config, tensors }: StoredStudent): SourceEncoder => ({
  id,
  architecture: recogniseWeights(tensors, { family: 'student', student: config }),
  weights: tensors,
});

/** The network of a student of the form `int8`. */
export const networkOf = ({ config, tensors }: StoredStudent): QuantisedNetwork =>
  quantisedFrom(studentPlan(config), tensors);

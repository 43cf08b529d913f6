// Golden numbers of a C file: one window as its front end hands it to the network, and the codes that ONNX Runtime makes of it.

import { channelAt } from '../encoders/requirements.ts';
import { studentInput } from '../encoders/student-config.ts';
import { studentPictures } from '../encoders/student-input.ts';
import type { StoredStudent } from '../encoders/student-tensors.ts';
import { toOnnx } from '../graph/onnx.ts';
import { loadProgram } from '../graph/program.ts';
import { float32 } from '../graph/runtime.ts';
import { input } from '../graph/tensor.ts';
import { quantisedOutputs } from '../nn/quantised-graph.ts';
import type { Recording } from '../signal/recording.ts';
import { repeated } from './excerpt.ts';
import { frontEndSizes } from './front-end-sizes.ts';
import type { Golden } from './golden-file.ts';
import { networkOf } from './student-export.ts';

/**
 * Input `features`: the picture [rows, frames] of a window from the start of `sound`, or the pictures of all its bands
 * [bands, rows, frames] and the level. Output `codes`: uint8 [bands, outputs], of the int8 network by ONNX Runtime.
 * @param sampleRate Hz that the C file is made for, where its front end fits any
 */
export async function cGolden(student: StoredStudent, sound: Recording, sampleRate?: number): Promise<Golden> {
  const { config } = student;
  const sizes = frontEndSizes(config.frontEnd, sampleRate);
  const samples = repeated(channelAt(sound, sizes.sampleRate), sizes.samples);
  const { values, level } = studentPictures(samples, sizes.sampleRate, config);
  const shape = studentInput(config);
  const size = shape.reduce((product, side) => product * side, 1);
  const bands = sizes.bands?.length ?? 1;
  const pictures = values.subarray(0, bands * size);
  const plane = sizes.rows * sizes.frames;
  const features = new Float32Array(sizes.features);
  for (let band = 0; band < bands; band++) {
    features.set(pictures.subarray(band * size, band * size + plane), band * plane);
  }
  if (sizes.bands) features[bands * plane] = level;
  const x = input('pictures', ['windows', ...shape]);
  const codes = quantisedOutputs(networkOf(student), x).codes.at(-1);
  const program = await loadProgram(toOnnx({ outputs: { codes: codes as NonNullable<typeof codes> } }).bytes);
  const outputs = await program.run({ pictures: float32(pictures, [bands, ...shape]) });
  await program.release();
  return { inputs: { features: float32(features, [features.length]) }, outputs };
}

// Small random networks with every kind of layer, for the tests of whole numbers.

import { input } from '../graph/tensor.ts';
import type { Random } from '../signal/simulate/random.ts';
import { cpMobilePlan } from './cp-mobile.ts';
import { layerOutputs } from './layer-graph.ts';
import { type LayerPlan, layerShapes } from './layer-plan.ts';
import { mobileNetV2Plan } from './mobilenet.ts';
import { createScope, parametersOf } from './parameters.ts';

/** Inverted residuals with residual normalisation, and a dense layer. */
export const smallMobileNet = mobileNetV2Plan(
  [1, 12, 9],
  {
    width: 1,
    blocks: [
      { expansion: 1, channels: 8, repeats: 1, stride: 1 },
      { expansion: 2, channels: 8, repeats: 2, stride: 2 },
      { expansion: 3, channels: 16, repeats: 1, stride: 1 },
    ],
    stem: 8,
    last: 0,
  },
  { residualNorm: { lambda: 0.1, at: ['input', 'blocks'] }, outputs: 5 },
);

/** Sums with a rectifier, pooled shortcuts and response normalisation, and a mean of class scores. */
export const smallCpMobile = cpMobilePlan([1, 16, 13], 4, {
  base: 32,
  multiplier: 0.5,
  expansion: 2,
  stages: [2, 1],
  strides: { 2: [2, 2] },
  responseNorm: true,
});

/** Random parameters of the folded network, by name: weights that keep the size of what they are multiplied with. */
export function randomFolded(plan: LayerPlan, random: Random): Map<string, Float32Array> {
  const x = input('x', [1, ...layerShapes(plan)[0]]);
  const outputs = layerOutputs(createScope(), plan, x, { folded: true });
  return new Map(
    Array.from(parametersOf(outputs), ([name, shape]) => {
      const size = shape.reduce((product, dim) => product * dim, 1);
      const deviation = shape.length > 1 ? Math.sqrt((2 * shape[0]) / size) : 0.3;
      return [name, Float32Array.from({ length: size }, () => random.gaussian(0, deviation))];
    }),
  );
}

/** Clips of noise [count, C, rows, columns]. */
export function randomClips(plan: LayerPlan, count: number, random: Random): Float32Array {
  const size = layerShapes(plan)[0].reduce((product, dim) => product * dim, count);
  return Float32Array.from({ length: size }, () => random.gaussian(0, 1));
}

export const small = [
  ['MobileNetV2 with residual normalisation', smallMobileNet],
  ['CP-Mobile with response normalisation', smallCpMobile],
] as const;

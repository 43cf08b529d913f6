// Conv and ConvTranspose of the graph oracle, over any number of axes, straight from the definition.
import type { Attributes } from '../../src/graph/tensor.ts';
import { at, fill, indicesOf, intAttribute, type Kernel, listAttribute, need, offsetOf, zeros } from './value.ts';

const geometryOf = (attributes: Attributes) => ({
  strides: listAttribute(attributes, 'strides'),
  pads: listAttribute(attributes, 'pads'),
  dilations: listAttribute(attributes, 'dilations'),
  groups: intAttribute(attributes, 'group', 1),
});

/** x: [N, C, ...], weight: [O, C/groups, ...kernel], bias: [O]. */
const conv: Kernel = (inputs, attributes) => {
  const [x, weight, bias] = [need(inputs, 0), need(inputs, 1), inputs[2]];
  const { strides, pads, dilations, groups } = geometryOf(attributes);
  const [filters, perGroup, ...kernel] = weight.shape;
  const axes = kernel.length;
  if (perGroup * groups !== x.shape[1]) throw new Error('oracle: Conv channels do not fit');
  const spatial = kernel.map((k, i) => {
    const padded = x.shape[i + 2] + pads[i] + pads[axes + i];
    return Math.floor((padded - dilations[i] * (k - 1) - 1) / strides[i]) + 1;
  });
  return [
    fill([x.shape[0], filters, ...spatial], ([n, o, ...position]) => {
      const firstChannel = Math.floor(o / (filters / groups)) * perGroup;
      let total = bias ? bias.data[o] : 0;
      for (const [c, ...tap] of indicesOf([perGroup, ...kernel])) {
        const source = tap.map((k, i) => position[i] * strides[i] + k * dilations[i] - pads[i]);
        if (source.some((s, i) => s < 0 || s >= x.shape[i + 2])) continue;
        total += at(x, [n, firstChannel + c, ...source]) * at(weight, [o, c, ...tap]);
      }
      return total;
    }),
  ];
};

/** x: [N, C, ...], weight: [C, O/groups, ...kernel]; every input value is spread over its kernel. */
const convTranspose: Kernel = (inputs, attributes) => {
  const [x, weight] = [need(inputs, 0), need(inputs, 1)];
  const { strides, pads, dilations, groups } = geometryOf(attributes);
  const [channels, perGroup, ...kernel] = weight.shape;
  const axes = kernel.length;
  const rest = attributes.output_padding === undefined ? [] : listAttribute(attributes, 'output_padding');
  if (channels !== x.shape[1]) throw new Error('oracle: ConvTranspose channels do not fit');
  const spatial = kernel.map(
    (k, i) =>
      (x.shape[i + 2] - 1) * strides[i] + dilations[i] * (k - 1) + 1 - pads[i] - pads[axes + i] + (rest[i] ?? 0),
  );
  const result = zeros([x.shape[0], perGroup * groups, ...spatial]);
  for (const [n, c, ...position] of indicesOf(x.shape)) {
    const firstFilter = Math.floor(c / (channels / groups)) * perGroup;
    for (const [o, ...tap] of indicesOf([perGroup, ...kernel])) {
      const target = tap.map((k, i) => position[i] * strides[i] + k * dilations[i] - pads[i]);
      if (target.some((t, i) => t < 0 || t >= spatial[i])) continue;
      result.data[offsetOf([n, firstFilter + o, ...target], result.shape)] +=
        at(x, [n, c, ...position]) * at(weight, [c, o, ...tap]);
    }
  }
  return [result];
};

export const convolution: Record<string, Kernel> = { Conv: conv, ConvTranspose: convTranspose };

// Quantisation operators in ONNX Runtime, against their definition.
import { describe, expect, it } from 'vitest';
import { runOnce } from '../../tests/check-operator.ts';
import { mul } from './elementwise.ts';
import { gradients } from './gradients.ts';
import { dequantizeLinear, quantizeLinear } from './quantize.ts';
import { reduceSum } from './reshape.ts';
import { float32 } from './runtime.ts';
import { constant, input } from './tensor.ts';

const scalar = (value: number, dtype?: 'uint8' | 'int8') => constant([value], [], dtype);
const values = Float32Array.of(-200, -1.25, -0.75, -0.25, 0, 0.25, 0.75, 1.25, 63.25, 63.75, 1000, 0.1);
const x = input('x', [2, 6]);
const feeds = { x: float32(values, [2, 6]) };

describe('quantizeLinear', () => {
  it('divides, rounds halves to even, adds the zero point and saturates', async () => {
    const unsigned = await runOnce(quantizeLinear(x, scalar(0.5), scalar(3, 'uint8')), feeds);
    // In halves: -400, -2.5, -1.5, -0.5, 0, 0.5, 1.5, 2.5, 126.5, 127.5, 2000, 0.2
    expect(unsigned).toEqual([0, 1, 1, 3, 3, 3, 5, 5, 129, 131, 255, 3]);
    const signed = await runOnce(quantizeLinear(x, scalar(0.5), scalar(0, 'int8')), feeds);
    expect(signed).toEqual([-128, -2, -2, 0, 0, 0, 2, 2, 126, 127, 127, 0]);
  });

  it('has a scale for every place along an axis', async () => {
    const codes = quantizeLinear(x, constant([0.25, 50], [2]), constant([100, 7], [2], 'uint8'), 0);
    expect(codes.dtype).toBe('uint8');
    expect(await runOnce(codes, feeds)).toEqual([0, 95, 97, 99, 100, 101, 7, 7, 8, 8, 27, 7]);
  });

  it('refuses what ONNX has no codes for', () => {
    expect(() => quantizeLinear(x, scalar(1), constant([0], [], 'int32'))).toThrow(
      'quantizeLinear: expected codes of uint8 or int8 and a scale of float32, got int32 and float32',
    );
    expect(() => quantizeLinear(x, constant([1, 1], [2]), scalar(0, 'uint8'))).toThrow(
      'quantizeLinear: expected scale and zero point to be a scalar; name the axis of a vector, got [2]',
    );
    expect(() => quantizeLinear(x, constant([1, 1], [2]), constant([0, 0], [2], 'int8'), 1)).toThrow(
      'expected scale and zero point to be [6], got [2]',
    );
  });

  it('lets nothing be differentiated', () => {
    const back = dequantizeLinear(quantizeLinear(x, scalar(1), scalar(0, 'int8')), scalar(1), scalar(0, 'int8'));
    const [gradient] = gradients(reduceSum(mul(back, back)), [x]);
    expect(gradient.node.inputs.every((tensor) => tensor?.node.name !== 'x')).toBe(true);
  });
});

describe('dequantizeLinear', () => {
  it.each([
    ['uint8', [0, 3, 255, 4], 3, [-1.5, 0, 126, 0.5]],
    ['int8', [-128, 3, 127, 4], 3, [-65.5, 0, 62, 0.5]],
  ] as const)('takes the zero point of %s away and multiplies', async (dtype, codes, zero, expected) => {
    const output = dequantizeLinear(constant(codes, [2, 2], dtype), scalar(0.5), scalar(zero, dtype));
    expect(await runOnce(output, {})).toEqual(expected);
  });

  it('reads int32, and weights of one scale per output', async () => {
    const bias = dequantizeLinear(
      constant([-100_000, 2_000_000], [2], 'int32'),
      constant([0.5, 0.25], [2]),
      undefined,
      0,
    );
    expect(await runOnce(bias, {})).toEqual([-50_000, 500_000]);
    const codes = constant([1, 2, 3, -4, -5, -127], [2, 3], 'int8');
    const weight = dequantizeLinear(codes, constant([0.5, 2], [2]), constant([0, 0], [2], 'int8'), 0);
    expect(await runOnce(weight, {})).toEqual([0.5, 1, 1.5, -8, -10, -254]);
  });

  it('refuses floats, and a zero point of int32', () => {
    const codes = constant([1], [1], 'int32');
    expect(() => dequantizeLinear(codes, scalar(1), constant([0], [], 'int32'))).toThrow(
      'and a zero point of their type (none for int32), got int32 and int32',
    );
    expect(() => dequantizeLinear(x, scalar(1))).toThrow('got float32 and none');
  });
});

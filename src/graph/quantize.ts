// ONNX's own quantisation operators: whole numbers that stand for real ones, value = scale (code - zero point).
import { formatShape, normalizeAxis, sameShape } from './shapes.ts';
import { apply, type DType, type Tensor } from './tensor.ts';

const CODE_TYPES: readonly DType[] = ['uint8', 'int8', 'int32'];

/** Scale and zero point are scalars, or vectors along `axis`. */
function checkGrid(op: string, x: Tensor, scale: Tensor, zeroPoint: Tensor | undefined, axis?: number): number {
  const at = axis === undefined ? 0 : normalizeAxis(axis, x.shape.length, op);
  const expected = axis === undefined ? [] : [x.shape[at]];
  for (const part of zeroPoint ? [scale, zeroPoint] : [scale]) {
    if (!sameShape(part.shape, expected)) {
      const wanted = axis === undefined ? 'a scalar; name the axis of a vector' : formatShape(expected);
      throw new TypeError(`${op}: expected scale and zero point to be ${wanted}, got ${formatShape(part.shape)}`);
    }
  }
  return at;
}

/**
 * Codes of x: saturate(round_half_even(x / scale) + zeroPoint), in the type of `zeroPoint` (uint8 or int8). Nothing can be
 * differentiated by way of codes.
 * @param scale scalar, or a vector along `axis`, in the type of x
 * @throws TypeError for other types or shapes
 */
export function quantizeLinear(x: Tensor, scale: Tensor, zeroPoint: Tensor, axis?: number): Tensor {
  const at = checkGrid('quantizeLinear', x, scale, zeroPoint, axis);
  const { dtype } = zeroPoint;
  if ((dtype !== 'uint8' && dtype !== 'int8') || scale.dtype !== x.dtype) {
    throw new TypeError(
      `quantizeLinear: expected codes of uint8 or int8 and a scale of ${x.dtype}, got ${dtype} and ${scale.dtype}`,
    );
  }
  return apply('QuantizeLinear', [x, scale, zeroPoint], { shape: x.shape, dtype }, { axis: at });
}

/**
 * Values of codes (uint8, int8 or int32): scale (code - zeroPoint), in the type of `scale`. No zero point is 0, the only
 * one that ONNX allows for int32.
 * @param axis of `scale` and `zeroPoint` where they are vectors
 * @throws TypeError for other types or shapes
 */
export function dequantizeLinear(codes: Tensor, scale: Tensor, zeroPoint?: Tensor, axis?: number): Tensor {
  const at = checkGrid('dequantizeLinear', codes, scale, zeroPoint, axis);
  const { dtype } = codes;
  if (!CODE_TYPES.includes(dtype) || (zeroPoint && (zeroPoint.dtype !== dtype || dtype === 'int32'))) {
    throw new TypeError(
      `dequantizeLinear: expected codes of uint8, int8 or int32 and a zero point of their type (none for int32), got ${dtype} and ${zeroPoint?.dtype ?? 'none'}`,
    );
  }
  const inputs = zeroPoint ? [codes, scale, zeroPoint] : [codes, scale];
  return apply('DequantizeLinear', inputs, { shape: codes.shape, dtype: scale.dtype }, { axis: at });
}

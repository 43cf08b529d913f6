// A model that is busy for a while: products of square matrices, one after the other.
import { add } from '../src/graph/elementwise.ts';
import { matmul } from '../src/graph/matmul.ts';
import { toOnnx } from '../src/graph/onnx.ts';
import { input } from '../src/graph/tensor.ts';

/** ONNX bytes: y <- y b + a, `count` times from y = a, of matrices [size, size]. */
export function chainModel(size: number, count: number): Uint8Array {
  const [a, b] = [input('a', [size, size]), input('b', [size, size])];
  let y = a;
  for (let i = 0; i < count; i++) y = add(matmul(y, b), a);
  return toOnnx({ outputs: { y } }).bytes;
}

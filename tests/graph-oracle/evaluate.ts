// A naive interpreter of graphs in float64: what ONNX Runtime and the gradients are compared with.
import type { GraphNode, Tensor } from '../../src/graph/tensor.ts';
import { convolution } from './convolution.ts';
import { elementwise } from './elementwise.ts';
import { layout } from './layout.ts';
import { products } from './products.ts';
import { type Kernel, type OracleValue, sizeOf } from './value.ts';

const kernels: Record<string, Kernel> = { ...elementwise, ...layout, ...products, ...convolution };

/** A fed value; integers may come as bigint. */
export type OracleFeed = { shape: readonly number[]; data: ArrayLike<number | bigint> };

const toValue = (feed: OracleFeed): OracleValue => ({
  shape: feed.shape,
  data: Float64Array.from(Array.from(feed.data), Number),
});

/** Symbolic sizes of inputs, filled in as they are met; every later tensor must agree with them. */
type Bindings = Map<string, number>;

function checkShape(tensor: Tensor, value: OracleValue, bindings: Bindings): void {
  const fits =
    tensor.shape.length === value.shape.length &&
    value.data.length === sizeOf(value.shape) &&
    tensor.shape.every(
      (dim, i) => (typeof dim === 'number' ? dim : (bindings.get(dim) ?? value.shape[i])) === value.shape[i],
    );
  if (!fits) throw new Error(`oracle: ${tensor.node.op} declared [${tensor.shape}] and gave [${value.shape}]`);
}

function leafValue(tensor: Tensor, feeds: ReadonlyMap<Tensor | string, OracleFeed>, bindings: Bindings): OracleValue {
  const { node } = tensor;
  if (node.op === 'Constant') return toValue({ shape: tensor.shape as number[], data: node.values ?? [] });
  const feed = feeds.get(tensor) ?? feeds.get(node.name ?? '');
  if (!feed) throw new Error(`oracle: no values for ${node.op} ${node.name}`);
  for (const [i, dim] of tensor.shape.entries()) {
    if (typeof dim === 'string' && !bindings.has(dim)) bindings.set(dim, feed.shape[i]);
  }
  return toValue(feed);
}

function compute(
  node: GraphNode,
  values: ReadonlyMap<Tensor, OracleValue>,
  feeds: ReadonlyMap<Tensor | string, OracleFeed>,
  bindings: Bindings,
): OracleValue[] {
  if (node.op === 'Input' || node.op === 'Parameter' || node.op === 'Constant') {
    return [leafValue(node.outputs[0], feeds, bindings)];
  }
  const kernel = kernels[node.op];
  if (!kernel) throw new Error(`oracle: no kernel for ${node.domain} ${node.op}`);
  const integer = !node.outputs[0].dtype.startsWith('float');
  return kernel(
    node.inputs.map((tensor) => tensor && values.get(tensor)),
    node.attributes,
    integer,
  );
}

/**
 * The values of `outputs`. Inputs and parameters are fed by tensor or by name. Every node's result is held against the
 * shape that the graph declares, with the symbolic sizes of the inputs filled in.
 */
export function evaluate(outputs: readonly Tensor[], feeds: ReadonlyMap<Tensor | string, OracleFeed>): OracleValue[] {
  const values = new Map<Tensor, OracleValue>();
  const bindings: Bindings = new Map();
  const stack = outputs.map((tensor) => tensor.node).reverse();
  while (stack.length > 0) {
    const node = stack[stack.length - 1];
    const waiting = node.inputs.filter((tensor) => tensor && !values.has(tensor));
    if (values.has(node.outputs[0])) stack.pop();
    else if (waiting.length > 0) for (const tensor of waiting) stack.push((tensor as Tensor).node);
    else {
      const results = compute(node, values, feeds, bindings);
      for (const [i, tensor] of node.outputs.entries()) {
        checkShape(tensor, results[i], bindings);
        values.set(tensor, results[i]);
      }
    }
  }
  return outputs.map((tensor) => values.get(tensor) as OracleValue);
}

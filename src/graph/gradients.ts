// Reverse-mode differentiation: more of the same nodes, from a loss back to what it depends on.
import { add } from './elementwise.ts';
import { formatShape, sameShape } from './shapes.ts';
import { fullLike } from './slicing.ts';
import { constant, type GraphNode, isFloat, type Tensor } from './tensor.ts';

/** All nodes that `outputs` depend on, every node after its inputs; nothing behind the nodes of `boundary`. */
export function topologicalOrder(outputs: readonly Tensor[], boundary: readonly Tensor[] = []): GraphNode[] {
  const order: GraphNode[] = [];
  const state = new Set<GraphNode>();
  const ends = new Set(boundary.map((tensor) => tensor.node));
  // An explicit stack: a long chain of layers must not overflow the call stack.
  const stack: { node: GraphNode; entered: boolean }[] = outputs
    .map((t) => ({ node: t.node, entered: false }))
    .reverse();
  while (stack.length > 0) {
    const top = stack[stack.length - 1];
    if (top.entered) {
      stack.pop();
      order.push(top.node);
      continue;
    }
    if (state.has(top.node)) {
      stack.pop();
      continue;
    }
    state.add(top.node);
    top.entered = true;
    if (ends.has(top.node)) continue;
    for (const inputTensor of [...top.node.inputs].reverse()) {
      if (inputTensor && !state.has(inputTensor.node)) stack.push({ node: inputTensor.node, entered: false });
    }
  }
  return order;
}

/** Nodes between `wrt` and `outputs` on a path of floating-point tensors: only these need gradients. */
function nodesDependingOn(order: readonly GraphNode[], wrt: readonly Tensor[]): Set<GraphNode> {
  const depending = new Set(wrt.map((tensor) => tensor.node));
  for (const node of order) {
    if (node.inputs.some((tensor) => tensor && isFloat(tensor) && depending.has(tensor.node))) depending.add(node);
  }
  return depending;
}

/**
 * Gradients of `outputs` weighted by `seeds` (vector-Jacobian product) with respect to each of `wrt`.
 * A tensor that the outputs do not depend on gets zeros. With `partial`, the tensors of `wrt` count as independent
 * of each other, and nothing behind them is looked at: what an operator needs whose gradient is that of another graph.
 */
export function vectorJacobian(
  outputs: readonly Tensor[],
  seeds: readonly Tensor[],
  wrt: readonly Tensor[],
  partial = false,
): Tensor[] {
  const order = topologicalOrder(outputs, partial ? wrt : []);
  const ends = new Set(partial ? wrt.map((tensor) => tensor.node) : []);
  const depending = nodesDependingOn(order, wrt);
  const collected = new Map<Tensor, Tensor>();
  const collect = (tensor: Tensor, gradient: Tensor) => {
    if (!sameShape(tensor.shape, gradient.shape)) {
      throw new Error(
        `gradients: ${tensor.node.op} of shape ${formatShape(tensor.shape)} got a gradient of shape ${formatShape(gradient.shape)}`,
      );
    }
    const before = collected.get(tensor);
    collected.set(tensor, before ? add(before, gradient) : gradient);
  };
  if (seeds.length !== outputs.length) {
    throw new TypeError(`vectorJacobian: expected ${outputs.length} seeds, one per output, got ${seeds.length}`);
  }
  for (const [i, output] of outputs.entries()) collect(output, seeds[i]);
  const leaves = new Set(wrt);
  for (const node of [...order].reverse()) {
    if (node.inputs.length === 0 || !depending.has(node) || ends.has(node)) continue;
    const arriving = node.outputs.map((output) => collected.get(output));
    if (arriving.every((gradient) => gradient === undefined)) continue;
    // Nothing may be dropped in silence: operators without a derivative of their own say so with an empty one.
    if (!node.vjp) throw new TypeError(`gradients: ${node.op} has no derivative`);
    for (const [i, gradient] of node.vjp(arriving).entries()) {
      const target = node.inputs[i];
      if (gradient && target && isFloat(target) && (depending.has(target.node) || leaves.has(target))) {
        collect(target, gradient);
      }
    }
  }
  return wrt.map((tensor) => collected.get(tensor) ?? fullLike(tensor, 0));
}

/**
 * Gradients of a scalar loss. The result has one tensor per entry of `wrt`, of the same shape.
 * @throws TypeError if the loss is not a scalar.
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (loss.shape.length !== 0) throw new TypeError(`gradients: expected a scalar loss, got ${formatShape(loss.shape)}`);
  return vectorJacobian([loss], [constant([1], [], loss.dtype)], wrt);
}

// A graph with some of its nodes replaced by others; what depends on them is made again, the rest is shared.
import { topologicalOrder } from '../graph/gradients.ts';
import { formatShape } from '../graph/shapes.ts';
import { addNode, type GraphNode, type Tensor } from '../graph/tensor.ts';

/** New outputs in place of those of `node`, whose inputs have become `inputs`; undefined where it stays what it is. */
export type Replacement = (node: GraphNode, inputs: readonly (Tensor | undefined)[]) => readonly Tensor[] | undefined;

/** The same operator on other inputs. It is for inference: nothing can be differentiated through it. */
const remade = (node: GraphNode, inputs: readonly (Tensor | undefined)[]): Tensor[] =>
  addNode({
    op: node.op,
    domain: node.domain,
    attributes: node.attributes,
    inputs,
    outputs: node.outputs.map(({ shape, dtype }) => ({ shape, dtype })),
  });

/**
 * The graph behind `outputs` with nodes replaced as `replace` says, inputs before what reads them. Names, shapes and types
 * of the outputs stay as they are.
 * @throws TypeError where a replacement has another rank or type than what it stands for
 */
export function rewriteGraph<K extends string>(
  outputs: Readonly<Record<K, Tensor>>,
  replace: Replacement,
): Record<K, Tensor> {
  const entries = Object.entries(outputs) as [K, Tensor][];
  const changed = new Map<Tensor, Tensor>();
  const now = (tensor: Tensor): Tensor => changed.get(tensor) ?? tensor;
  for (const node of topologicalOrder(entries.map(([, tensor]) => tensor))) {
    const inputs = node.inputs.map((tensor) => tensor && now(tensor));
    const untouched = inputs.every((tensor, i) => tensor === node.inputs[i]);
    const made = replace(node, inputs) ?? (untouched ? node.outputs : remade(node, inputs));
    for (const [i, tensor] of node.outputs.entries()) {
      const own = made[i];
      if (own === tensor || own === undefined) continue;
      if (own.dtype !== tensor.dtype || own.shape.length !== tensor.shape.length) {
        throw new TypeError(
          `rewriteGraph: expected ${tensor.dtype} ${formatShape(tensor.shape)} in place of ${node.op}, got ${own.dtype} ${formatShape(own.shape)}`,
        );
      }
      changed.set(tensor, own);
    }
  }
  return Object.fromEntries(entries.map(([name, tensor]) => [name, now(tensor)])) as Record<K, Tensor>;
}

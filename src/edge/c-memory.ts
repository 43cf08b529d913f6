// Which buffers the C program needs at which step, and where they lie: features, the front end's work, codes of layers.
import { fanIn, type LayerPlan, type LayerShape, layerShapes, sourcesOf } from '../nn/layer-plan.ts';
import { type ArenaBuffer, planArena } from './arena.ts';
import { convKind } from './c-weights.ts';
import type { FrontEndSizes } from './front-end-sizes.ts';

export type MemoryPlan = {
  bytes: number;
  /** Offsets in bytes. */
  features: number;
  work: number;
  /** Of the codes of every layer, and of what a layer needs beside them, 0 for those that need nothing. */
  layers: readonly number[];
  scratch: readonly number[];
};

export const sizeOf = (shape: LayerShape): number => shape.reduce((product, size) => product * size, 1);

/** Bytes that a layer needs while it is computed: the patch of a general convolution, the gains of a response norm. */
function scratchBytes(plan: LayerPlan, shapes: readonly LayerShape[], number: number): number {
  const layer = plan.layers[number];
  if (layer.kind === 'response-norm') return 4 * shapes[number][0];
  if (layer.kind !== 'conv') return 0;
  const inputs = shapes[layer.from][0];
  return convKind(layer, inputs) === 'conv' ? fanIn(layer, inputs) : 0;
}

/**
 * Step 0 is the front end, step 1 the codes of its features, and the steps behind it the layers. Features of bands are
 * needed to the end, as the network hears one band after the other.
 */
export function planMemory(plan: LayerPlan, sizes: FrontEndSizes, workFloats: number): MemoryPlan {
  const shapes = layerShapes(plan);
  const steps = plan.layers.length;
  const lastUse = plan.layers.map((_, number) => number);
  for (const [number, layer] of plan.layers.entries()) for (const from of sourcesOf(layer)) lastUse[from] = number;
  // What the last layer says is read when all is done.
  lastUse[steps - 1] = steps;
  const buffers: ArenaBuffer[] = [
    { bytes: 4 * sizes.features, first: 0, last: sizes.bands ? steps + 1 : 1 },
    { bytes: 4 * workFloats, first: 0, last: 0 },
    ...shapes.map((shape, i) => ({ bytes: sizeOf(shape), first: 1 + i, last: 1 + lastUse[i] })),
    ...shapes.map((_, i) => ({ bytes: scratchBytes(plan, shapes, i), first: 1 + i, last: 1 + i })),
  ];
  const { offsets, bytes } = planArena(buffers);
  const [features, work] = offsets;
  return { bytes, features, work, layers: offsets.slice(2, 2 + steps), scratch: offsets.slice(2 + steps) };
}

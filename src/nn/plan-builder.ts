// Puts a layer plan together, layer by layer.
import { type Activation, type Layer, type LayerPlan, layerShapes, type Pair } from './layer-plan.ts';

export type ConvSettings = {
  channels: number;
  /** Rows and columns, or one number for both; 1 by default. */
  kernel?: number | Pair;
  stride?: number | Pair;
  groups?: number;
  activation?: Activation;
  /**
   * `norm: 1`: the convolution is `name.0` and its normalisation `name.1`; `normName`: the convolution is `name` and the
   * normalisation has a name of its own. Neither: a bias and no normalisation.
   */
  norm?: 1;
  normName?: string;
};

const pair = (value: number | Pair = 1): Pair => (typeof value === 'number' ? [value, value] : value);

/**
 * A plan for inputs of [channels, rows, columns]; layer 0 is the input. Every method returns the number of the layer that
 * it adds.
 */
export function planBuilder(input: readonly [number, number, number]) {
  const layers: Layer[] = [{ kind: 'input', shape: input }];
  const blocks: number[] = [];
  let stem = 0;
  const push = (layer: Layer): number => layers.push(layer) - 1;
  return {
    channels: (number: number): number => layerShapes({ layers, stem, blocks })[number][0],
    conv(from: number, name: string, settings: ConvSettings): number {
      const { channels, kernel, stride, groups = 1, activation = 'none', norm, normName } = settings;
      const names =
        norm === 1 ? { name: `${name}.0`, norm: `${name}.1` } : { name, ...(normName && { norm: normName }) };
      const geometry = { channels, kernel: pair(kernel), stride: pair(stride), groups };
      return push({ kind: 'conv', from, ...names, ...geometry, activation });
    },
    add: (a: number, b: number, activation: Activation = 'none'): number =>
      push({ kind: 'add', from: [a, b], activation }),
    averagePool: (from: number, kernel: Pair, stride: Pair): number =>
      push({ kind: 'average-pool', from, kernel, stride }),
    residualNorm: (from: number, lambda: number): number => push({ kind: 'residual-norm', from, lambda }),
    responseNorm: (from: number, name: string, activation: Activation): number =>
      push({ kind: 'response-norm', from, name, activation }),
    mean: (from: number): number => push({ kind: 'mean', from }),
    dense: (from: number, name: string, outputs: number): number => push({ kind: 'dense', from, name, outputs }),
    markStem(number: number): void {
      stem = number;
    },
    markBlock(number: number): void {
      blocks.push(number);
    },
    done: (): LayerPlan => ({ layers, stem, blocks }),
  };
}

export type PlanBuilder = ReturnType<typeof planBuilder>;

// C code of an int8 network: its tables, and one call per layer.
import { type Layer, type LayerShape, layerShapes, sourcesOf } from '../nn/layer-plan.ts';
import type { AffineCode, QuantisedNetwork } from '../nn/quantised-network.ts';
import { InputError } from '../signal/errors.ts';
import type { Kernel } from './c-kernels.ts';
import { type MemoryPlan, sizeOf } from './c-memory.ts';
import { floatLiteral, tableCode } from './c-text.ts';
import { checkCodes, convKind, weightTables } from './c-weights.ts';

export type NetworkCode = {
  /** Weights, biases and scales of the layers. */
  tables: string;
  /** The functions of all layers but the input, one after the other. */
  calls: string;
  kernels: ReadonlySet<Kernel>;
  /** int8 weights and int32 biases; gains and biases of response norms are float32 and count too. */
  weightBytes: number;
  /** Scales of output channels. */
  scaleBytes: number;
};

/** What the call of a layer is made of. */
type Context = {
  network: QuantisedNetwork;
  shapes: readonly LayerShape[];
  memory: MemoryPlan;
};

type LayerCode = { kernel: Kernel; call: string; tables?: string; weightBytes?: number; scaleBytes?: number };

const place = (offset: number): string => `memory + ${offset}`;

/** Quotient of two float32 numbers in float32. */
const ratio = (a: number, b: number): string => floatLiteral(Math.fround(a) / Math.fround(b));

function weighted(
  { network, shapes, memory }: Context,
  layer: Extract<Layer, { kind: 'conv' | 'dense' }>,
  number: number,
): LayerCode {
  const [source, shape] = [shapes[layer.from], shapes[number]];
  const { weights, biases, scales } = weightTables(network, number, layer, source);
  const names = ['weights', 'biases', 'scales'].map((name) => `$n_${name}_${number}`);
  const [x, y] = [place(memory.layers[layer.from]), place(memory.layers[number])];
  const { zeroPoint } = network.codes[number];
  const kernel = layer.kind === 'dense' ? 'pointwise' : convKind(layer, source[0]);
  const common = [x, y, ...(kernel === 'conv' ? [place(memory.scratch[number])] : []), ...names].join(', ');
  const parts = [
    `/* ${number}: ${layer.name.replaceAll('*/', '* /')}, ${kernel} [${source}] to [${shape}] */\n`,
    tableCode('int8_t', names[0], weights),
    tableCode('int32_t', names[1], biases),
    tableCode('float', names[2], scales),
  ];
  let rest = `${sizeOf(shape.slice(1))}, ${source[0]}, ${shape[0]}, ${zeroPoint}`;
  if (layer.kind === 'conv' && kernel !== 'pointwise') {
    parts.push(geometryCode(number, source, shape, layer, network.codes[layer.from]));
    rest = `&$n_geometry_${number}, ${kernel === 'conv' ? `${layer.groups}, ${shape[0]}, ` : ''}${zeroPoint}`;
  }
  return {
    kernel,
    call: `$n_${kernel}(${common}, ${rest});`,
    tables: parts.join(''),
    weightBytes: weights.length + 4 * biases.length,
    scaleBytes: 4 * scales.length,
  };
}

function geometryCode(
  number: number,
  source: LayerShape,
  shape: LayerShape,
  { kernel, stride }: Pick<Extract<Layer, { kind: 'conv' }>, 'kernel' | 'stride'>,
  { zeroPoint }: AffineCode,
): string {
  const values = [source[1], source[2], source[0], shape[1], shape[2], ...kernel, ...stride, zeroPoint];
  return `static const $n_geometry $n_geometry_${number} = { ${values.join(', ')} };\n`;
}

function layerCode(context: Context, layer: Exclude<Layer, { kind: 'input' }>, number: number): LayerCode {
  const { network, shapes, memory } = context;
  const [from] = sourcesOf(layer);
  const [source, shape, read, made] = [shapes[from], shapes[number], network.codes[from], network.codes[number]];
  const [x, y] = [place(memory.layers[from]), place(memory.layers[number])];
  const pixels = sizeOf(shape.slice(1));
  switch (layer.kind) {
    case 'conv':
    case 'dense':
      return weighted(context, layer, number);
    case 'add': {
      const [a, b] = layer.from.map((one) => network.codes[one]);
      const terms = [a, b].map(({ zeroPoint, scale }) => `${zeroPoint}, ${ratio(scale, made.scale)}`).join(', ');
      const other = place(memory.layers[layer.from[1]]);
      return { kernel: 'add', call: `$n_add(${x}, ${other}, ${y}, ${sizeOf(shape)}, ${terms}, ${made.zeroPoint});` };
    }
    case 'average-pool': {
      const scale = ratio(read.scale / (layer.kernel[0] * layer.kernel[1]), made.scale);
      return {
        kernel: 'averagePool',
        call: `$n_average_pool(${x}, ${y}, &$n_geometry_${number}, ${scale}, ${made.zeroPoint});`,
        tables: geometryCode(number, source, shape, layer, read),
      };
    }
    case 'mean': {
      const count = source[1] * source[2];
      const rest = `${source[0]}, ${read.zeroPoint}, ${ratio(read.scale / count, made.scale)}, ${made.zeroPoint}`;
      return { kernel: 'mean', call: `$n_mean(${x}, ${y}, ${count}, ${rest});` };
    }
    case 'residual-norm': {
      const scales = [read.scale, layer.lambda, made.scale].map(floatLiteral).join(', ');
      const sizes = `${shape[1]}, ${shape[0] * shape[2]}`;
      return {
        kernel: 'residualNorm',
        call: `$n_residual_norm(${x}, ${y}, ${sizes}, ${read.zeroPoint}, ${scales}, ${made.zeroPoint});`,
      };
    }
    case 'response-norm': {
      const [gamma, beta] = ['gamma', 'beta'].map((part) => numberOf(network, `${layer.name}.${part}`));
      const numbers = [read.scale, gamma, beta, made.scale].map(floatLiteral).join(', ');
      const gains = `$n_arena + ${memory.scratch[number] / 4}`;
      return {
        kernel: 'responseNorm',
        call: `$n_response_norm(${x}, ${y}, ${gains}, ${pixels}, ${shape[0]}, ${read.zeroPoint}, ${numbers}, ${made.zeroPoint});`,
        weightBytes: 8,
      };
    }
  }
}

function numberOf({ numbers }: QuantisedNetwork, name: string): number {
  const found = numbers.get(name);
  if (found?.length === 1) return found[0];
  throw new InputError(`cSource: expected one number ${name} in the network, got ${found?.length ?? 'none'}`);
}

/**
 * Code of the layers behind the input, in terms of `memory`, the arena in bytes.
 * @throws InputError for a network without the weights or codes of its plan
 */
export function networkCode(network: QuantisedNetwork, memory: MemoryPlan): NetworkCode {
  checkCodes(network);
  const { layers } = network.plan;
  const shapes = layerShapes(network.plan);
  const context = { network, shapes, memory };
  const kernels = new Set<Kernel>();
  let [tables, calls, weightBytes, scaleBytes] = ['', '', 0, 0];
  for (const [number, layer] of layers.entries()) {
    if (layer.kind === 'input') continue;
    const code = layerCode(context, layer, number);
    kernels.add(code.kernel);
    tables += code.tables ?? '';
    const [channels, ...rest] = shapes[number];
    const trace = `$N_TRACED(${place(memory.layers[number])}, ${channels}, ${sizeOf(rest)});`;
    calls += `  ${code.call}\n  ${trace}\n`;
    weightBytes += code.weightBytes ?? 0;
    scaleBytes += code.scaleBytes ?? 0;
  }
  return { tables, calls, kernels, weightBytes, scaleBytes };
}

// A small encoder of every family that can be fine-tuned, with weights in which nothing is 0 or 1, for tests.
import { type StoredTensor, toFloat32 } from '../graph/stored-tensor.ts';
import type { Tensor } from '../graph/tensor.ts';
import { createScope, parametersOf } from '../nn/parameters.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { audiomaeGraph } from './audiomae-transformer.ts';
import { beatsGraph } from './beats-transformer.ts';
import { randomWeights, recogniseWeights } from './build.ts';
import { ced } from './ced.ts';
import type { ConfigHints } from './config-hints.ts';
import { dasheng } from './dasheng.ts';
import { eatGraph } from './eat-transformer.ts';
import { echoArchitecture } from './echo-family.ts';
import type { Architecture } from './family.ts';
import { melVitArchitecture } from './mel-vit-family.ts';
import { speechArchitecture } from './speech-family.ts';
import type { SpeechConfig } from './speech-transformer.ts';
import type { Trunk } from './trunk.ts';

export type TinyEncoder = { architecture: Architecture; trunk: Trunk; weights: Map<string, StoredTensor> };

const size = { width: 32, depth: 2, heads: 2 };
const mel = { ...size, columns: 6, targetLength: 100 };
const beats = { hidden: 64, patchWidth: 16, buckets: 320, maxDistance: 800, convKernel: 128, convGroups: 16 };
const speech = {
  ...{ width: 48, depth: 2, heads: 2, hidden: 16, convWidth: 8 },
  ...{ convNorm: 'group', convBias: 'no', blockNorm: 'post', normalize: 'clip' },
} as const satisfies SpeechConfig;

/** The architecture whose parameters are those of a graph. */
function shapedLike(outputs: Readonly<Record<string, Tensor>>, hints: ConfigHints): Architecture {
  const shapes = Array.from(parametersOf(Object.values(outputs)), ([name, shape]): [string, StoredTensor] => [
    name,
    { dtype: 'F32', shape: [...shape], data: new Float32Array(shape.reduce((a, b) => a * b, 1)) },
  ]);
  return recogniseWeights(new Map(shapes), hints);
}

const architectures: Record<string, () => Architecture> = {
  echo: () => echoArchitecture({ ...size, bandBins: 32, patchFrames: 16 }),
  fisher: () => shapedLike(eatGraph(createScope(), size), { family: 'fisher', heads: 2, bandBins: 100 }),
  eat: () => shapedLike(eatGraph(createScope(), size), { family: 'eat', heads: 2 }),
  ced: () => melVitArchitecture(ced, mel),
  dasheng: () => melVitArchitecture(dasheng, { ...mel, columns: 25 }),
  beats: () => shapedLike(beatsGraph(createScope(), { ...size, ...beats }), { family: 'beats' }),
  audiomae: () => shapedLike(audiomaeGraph(createScope(), { ...size, frames: 64 }), { family: 'audiomae', heads: 2 }),
  wav2vec2: () => speechArchitecture(speech),
  'xls-r': () => speechArchitecture({ ...speech, convNorm: 'layer', convBias: 'yes', blockNorm: 'pre' }),
  wavlm: () => speechArchitecture({ ...speech, normalize: 'none', buckets: 16, maxDistance: 40 }),
};

export const tinyNames: readonly string[] = Object.keys(architectures);

/** The one of a name in `tinyNames`. */
export function tinyEncoder(name: string): TinyEncoder {
  const plain = architectures[name]();
  const random = createRandom(`tiny ${name}`);
  const shake = (value: number): number => (value + random.gaussian(0, 0.05)) * random.uniform(0.8, 1.2);
  const weights = new Map(
    Array.from(randomWeights(plain, 1), ([key, tensor]): [string, StoredTensor] => [
      key,
      { ...tensor, data: toFloat32(tensor).map(shake) },
    ]),
  );
  // Made again: a front end takes its statistics from the weights.
  const { family, config } = plain;
  const hints = Object.fromEntries(Object.entries(config).filter(([key]) => HINTS.includes(key)));
  const architecture = recogniseWeights(weights, { family, ...hints });
  return { architecture, weights, trunk: architecture.trunk as Trunk };
}

/** What shapes do not tell. */
const HINTS = ['heads', 'bandBins', 'targetLength', 'maxDistance', 'blockNorm', 'normalize'];

// A CED or Dasheng as its reference numbers see it: every intermediate tensor of a wave.
import { type GoldenTensor, hasGolden, readGolden } from '../../tests/golden.ts';
import { runGraph } from '../../tests/run-graph.ts';
import { float32 } from '../graph/runtime.ts';
import { type StoredTensor, toFloat32 } from '../graph/stored-tensor.ts';
import { input } from '../graph/tensor.ts';
import { createScope } from '../nn/parameters.ts';
import { createRandom } from '../signal/simulate/random.ts';
import { randomWeights, recogniseWeights } from './build.ts';
import { ced } from './ced.ts';
import { dasheng } from './dasheng.ts';
import { melDb, normaliseMel } from './mel-db.ts';
import { type MelVit, type MelVitConfig, melPatches, melPatchTokens, melVitGraph, melVitStates } from './mel-vit.ts';
import { melVitArchitecture } from './mel-vit-family.ts';

export type State = Map<string, StoredTensor>;

/** Weights and reference numbers of a folder that lies beside the project, if it does. */
export function melVitGolden(folder: string): { model: State; golden: Map<string, GoldenTensor> } {
  if (!hasGolden(folder)) return { model: new Map(), golden: new Map() };
  const model = readGolden(`${folder}/model.safetensors`) as State;
  return { model, golden: readGolden(`${folder}/io.safetensors`) };
}

export const valuesOf = (state: State, name: string): Float32Array => toFloat32(state.get(name) as StoredTensor);

/** Rows [rows, columns] as columns. */
export function transposed(values: ArrayLike<number>, rows: number): Float64Array {
  const columns = values.length / rows;
  return Float64Array.from(values, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]);
}

/** Levels and normalised levels [64, frames], and of the first chunk what the network makes of it. */
export async function hear(vit: MelVit, config: MelVitConfig, model: State, wave: Float32Array) {
  const [levels] = melDb([wave]);
  const values = normaliseMel(levels, model);
  const chunks = vit.chunks(levels.frames, config);
  const cut = chunks.map((chunk) => melPatches(values, chunk, vit));
  const size = vit.patchMels * vit.patchFrames;
  const feeds = cut.map((sequence) => ({ patches: float32(sequence.values, [1, sequence.patches, size]) }));
  const scope = createScope();
  const patches = input('patches', ['sequences', 'patches', size]);
  const states = melVitStates(scope, vit, config, patches, 'columns');
  const named = Object.fromEntries(states.map((state, i) => [`state.${i}`, state]));
  const embedded = melPatchTokens(scope, vit, config, patches, 'columns');
  const first = await runGraph({ embedded, ...named }, model, feeds[0]);
  const tokens: Float32Array[] = [];
  for (const feed of feeds) {
    tokens.push((await runGraph(melVitGraph(createScope(), vit, config), model, feed)).tokens);
  }
  return {
    levels: transposed(levels.values, levels.frames),
    input: transposed(values, levels.frames),
    patchEmbed: transposed(first.embedded, first.embedded.length / config.width),
    states: states.map((_, i) => first[`state.${i}`]),
    chunks,
    tokens,
  };
}

/** Weights under the names of the releases on Hugging Face. */
export const huggingFaceNames = (state: State, dotted: boolean): State =>
  new Map(
    Array.from(state, ([name, tensor]): [string, StoredTensor] => {
      const own = dotted ? name : name.replace('init_bn.1.', 'init_bn.');
      return [own.startsWith('outputlayer') ? own : `encoder.${own}`, tensor];
    }).filter(([name]) => !name.includes('front_end')),
  );

/** Small models of both families, with weights in which nothing is 0 or 1. */
export const config: MelVitConfig = { width: 32, depth: 2, heads: 2, columns: 6, targetLength: 100 };
export const small = (vit: MelVit, own: MelVitConfig = config) => {
  const plain = melVitArchitecture(vit, own);
  const random = createRandom(`small ${vit.family}`);
  const weights = new Map(
    Array.from(randomWeights(plain, 4), ([name, tensor]): [string, StoredTensor] => {
      const shake = (value: number) => (value + random.gaussian(0, 0.05)) * random.uniform(0.8, 1.2);
      return [name, { ...tensor, data: toFloat32(tensor).map(shake) }];
    }),
  );
  const { heads, targetLength, chunks } = own;
  const hints = { family: vit.family, heads, targetLength, ...(chunks && { chunks }) };
  return { weights, hints, architecture: recogniseWeights(weights, hints) };
};
export const models: [string, MelVit, MelVitConfig][] = [
  ['ced', ced, config],
  ['dasheng', dasheng, { ...config, columns: 25 }],
  ['dasheng, padded', dasheng, { ...config, columns: 25, chunks: 'padded' }],
];

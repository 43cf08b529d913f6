// Whether the data of a run give clips that its recipe can use: asked before the run leaves anything on the disk.
import { createRandom } from '../signal/simulate/random.ts';
import { openClipStream } from './data/clip-stream.node.ts';
import { openLabelledStream } from './data/labelled-stream.node.ts';
import type { LabelledCrop, LabelledSpec } from './data/labelled-types.ts';
import type { DataSpec } from './data/types.ts';
import type { Recipe } from './recipes/types.ts';

/**
 * Makes one clip of every source and hands it to the recipe; single bad files are passed over.
 * @throws InputError as `openClipStream` for settings and sources, and as `BatchPlan.feeds` for clips that are too short
 */
export async function checkSources(data: DataSpec, recipe: Recipe, seed: number): Promise<void> {
  for (const source of data.sources) {
    const stream = await openClipStream({ ...data, sources: [source] }, { seed, batch: 1, workers: 0 });
    for await (const { clips } of stream) {
      const random = createRandom(`${seed}/check`);
      const batch = Array.from({ length: recipe.batch / (recipe.parts ?? 1) }, () => clips[0]);
      recipe.plan(random).feeds(batch, random);
      break;
    }
  }
}

/**
 * The same for labelled recordings: makes the graph of a step, and its inputs of one crop.
 * @throws InputError as `openLabelledStream`, and as the graph and the inputs of the recipe
 */
export async function checkLabelled(spec: LabelledSpec, recipe: Recipe<LabelledCrop>, seed: number): Promise<void> {
  const random = createRandom(`${seed}/check`);
  const plan = recipe.plan(random);
  plan.graph();
  const stream = await openLabelledStream(spec, { seed, batch: 1, workers: 0 });
  for await (const { clips } of stream) {
    plan.feeds(
      Array.from({ length: recipe.batch }, () => clips[0]),
      random,
    );
    break;
  }
}

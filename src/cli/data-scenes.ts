// thrum data generate scenes: the set of scenes from real recordings and measured devices, written to a folder.
import { join } from 'node:path';
import { buildScenes } from '../evaluation/datasets/scenes-build.node.ts';
import { number, type Options, required, text, UsageError } from './command.ts';
import { createFolderWriter } from './data-writer.ts';
import { print } from './output.ts';

/** Options that name the sources. */
export const scenesSourceSpecs = {
  esc50: { value: 'DIR', description: 'generate scenes: ESC-50, to make the set from real recordings' },
  responses: { value: 'DIR', description: 'generate scenes: responses of microphones (MicIRP) that stand for devices' },
} as const;

/** Whether a source is named: else `scenes` is made up as all other data sets are. */
export const hasScenesSources = (options: Options): boolean =>
  Object.keys(scenesSourceSpecs).some((name) => options[name] !== undefined);

/** What real recordings decide themselves. */
const MADE_UP_ONLY = ['per-class', 'seconds', 'train', 'set'] as const;

/** Writes OUT/scenes from its sources. */
export async function generateScenesFromSources(ids: readonly string[], options: Options): Promise<number> {
  if (ids.length !== 1 || ids[0] !== 'scenes') {
    throw new UsageError(`--${text(options, 'esc50') ? 'esc50' : 'responses'}: expected generate scenes alone`);
  }
  const wrong = MADE_UP_ONLY.find((name) => options[name] !== undefined);
  if (wrong) throw new UsageError(`--${wrong}: expected without --esc50: the recordings are as they are`);
  const sources = {
    esc50: required(options, 'esc50', 'DIR with --responses'),
    responses: required(options, 'responses', 'DIR with --esc50'),
    seed: number(options, 'seed', { integer: true }) ?? 0,
  };
  const folder = join(required(options, 'out', 'DIR'), 'scenes');
  const writer = createFolderWriter(folder);
  for await (const file of buildScenes(sources)) writer.write(file);
  print(writer.summary('scenes'));
  return 0;
}

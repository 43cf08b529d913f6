// The challenge's baselines as rows of the ablation: the autoencoder of every machine, and one classifier of all conditions.
import { type AblationRow, ablationRow } from '../evaluation/ablation/asd.ts';
import type { Sample } from '../evaluation/datasets/types.ts';
import { groupBy } from '../evaluation/group-by.ts';
import type { ScoredClip } from '../evaluation/protocols/anomaly-result.ts';
import { clipOf } from '../evaluation/suites/detection.ts';
import { createAutoencoderScorer } from '../training/baselines/autoencoder.ts';
import { createMobileNetScorer } from '../training/baselines/mobilenet.ts';
import {
  type Clips,
  classesOf,
  lowestOf,
  scoreClips,
  sideOf,
  trainAutoencoderOn,
  trainClassifierOn,
} from './baseline-training.ts';
import { note } from './output.ts';

type Found = { root: string; samples: readonly Sample[] };

const machinesOf = (samples: readonly Sample[]): Map<string, Sample[]> =>
  groupBy(samples, ({ attributes }) => attributes.machine);

const clipsOf = (title: string, root: string, samples: readonly Sample[], side: 'train' | 'test'): Clips => ({
  title,
  root,
  samples: sideOf(samples, side),
  leaveOut: (message) => note(`${message}; it is left out`),
});

const AE_MODES = {
  'autoencoder, MSE': 'mse',
  'autoencoder, Mahalanobis (official)': 'official',
  'autoencoder, Mahalanobis (conventional)': 'conventional',
} as const;

/** An autoencoder per machine, in three ways of scoring. */
async function autoencoderRows({ root, samples }: Found, epochs: number): Promise<AblationRow[]> {
  const scored: Record<string, ScoredClip[]> = Object.fromEntries(Object.keys(AE_MODES).map((name) => [name, []]));
  for (const [machine, own] of machinesOf(samples)) {
    const title = `autoencoder, ${machine}`;
    const scorer = await createAutoencoderScorer(
      await trainAutoencoderOn(clipsOf(title, root, own, 'train'), { epochs }),
    );
    for (const { sample, scores } of await scoreClips(clipsOf(title, root, own, 'test'), scorer.score)) {
      const figures = { mse: scores.mse, ...scores.mahalanobis };
      for (const [name, mode] of Object.entries(AE_MODES))
        scored[name].push({ ...clipOf(sample), score: figures[mode] });
    }
    await scorer.release();
  }
  return Object.entries(scored).map(([name, clips]) => ablationRow(name, `--baseline-epochs ${epochs}`, clips));
}

const conditionOf = ({ attributes: { machine, section, attributes = '' } }: Sample): string =>
  [machine, section, attributes].join('/');

/** The classifier is slow on a CPU: a part of the autoencoder's epochs, over windows that do not overlap. */
const EPOCH_SHARE = 10;
const HOP = 64;
/** The official configuration has 1e-5, for many times the steps. */
const LEARNING_RATE = 1e-3;

/** One classifier of machines and conditions; a clip's score is the lowest among the conditions of its machine. */
async function mobileNetRow({ root, samples }: Found, given: number): Promise<AblationRow> {
  const epochs = Math.max(1, Math.round(given / EPOCH_SHARE));
  const model = await trainClassifierOn(clipsOf('MobileNetV2', root, samples, 'train'), conditionOf, {
    epochs,
    learningRate: LEARNING_RATE,
    hop: HOP,
  });
  const scorer = await createMobileNetScorer(model);
  const scored = (await scoreClips(clipsOf('MobileNetV2', root, samples, 'test'), scorer.score)).map(
    ({ sample, scores }): ScoredClip => ({
      ...clipOf(sample),
      score: lowestOf(scores, classesOf(model.names, sample.attributes.machine)),
    }),
  );
  await scorer.release();
  return ablationRow(
    'MobileNetV2',
    `--baseline-epochs ${given} (${epochs} of them, learning rate ${LEARNING_RATE}, hop ${HOP})`,
    scored,
  );
}

/** Rows of both baselines, one after the other as they are done. @throws InputError as they do */
export async function* baselineRows(clips: Found, epochs: number): AsyncGenerator<AblationRow[]> {
  yield await autoencoderRows(clips, epochs);
  yield [await mobileNetRow(clips, epochs)];
}

// The challenge's baselines as rows of the ablation: the autoencoder of every machine, and one classifier of all conditions.
import { join } from 'node:path';
import { type AblationRow, ablationRow } from '../evaluation/ablation/asd.ts';
import type { Sample } from '../evaluation/datasets/types.ts';
import { groupBy } from '../evaluation/group-by.ts';
import type { ScoredClip } from '../evaluation/protocols/anomaly-result.ts';
import { clipOf } from '../evaluation/suites/detection.ts';
import { readRecordingFile } from '../signal/read-file.node.ts';
import { createAutoencoderScorer, trainAutoencoder } from '../training/baselines/autoencoder.ts';
import { createMobileNetScorer, trainMobileNet } from '../training/baselines/mobilenet.ts';
import { createProgress } from './output.ts';

type Clips = { root: string; samples: readonly Sample[] };

type Heard = { sample: Sample; samples: Float32Array; sampleRate: number };

async function hear(root: string, samples: readonly Sample[]): Promise<Heard[]> {
  const heard: Heard[] = [];
  for (const sample of samples) {
    const [{ channels, sampleRate }] = await readRecordingFile(join(root, sample.path), sample.read);
    heard.push({ sample, samples: channels[0], sampleRate });
  }
  return heard;
}

const machinesOf = (samples: readonly Sample[]): Map<string, Sample[]> =>
  groupBy(samples, ({ attributes }) => attributes.machine);

const sideOf = (samples: readonly Sample[], side: 'train' | 'test') => samples.filter(({ split }) => split === side);

const AE_MODES = {
  'autoencoder, MSE': 'mse',
  'autoencoder, Mahalanobis (official)': 'official',
  'autoencoder, Mahalanobis (conventional)': 'conventional',
} as const;

/** An autoencoder per machine, in three ways of scoring. */
async function autoencoderRows({ root, samples }: Clips, epochs: number): Promise<AblationRow[]> {
  const scored: Record<string, ScoredClip[]> = Object.fromEntries(Object.keys(AE_MODES).map((name) => [name, []]));
  for (const [machine, own] of machinesOf(samples)) {
    const progress = createProgress(`autoencoder, ${machine}: epoch`);
    const train = await hear(root, sideOf(own, 'train'));
    const clips = train.map(({ sample, ...heard }) => ({
      ...heard,
      name: sample.path,
      domain: sample.attributes.domain === 'target' ? ('target' as const) : ('source' as const),
    }));
    const model = await trainAutoencoder(clips, { epochs, onEpoch: ({ epoch }) => progress.update(epoch, epochs) });
    progress.end();
    const scorer = await createAutoencoderScorer(model);
    for (const { sample, samples: test, sampleRate } of await hear(root, sideOf(own, 'test'))) {
      const { mse, mahalanobis } = await scorer.score(test, sampleRate);
      const figures = { mse, ...mahalanobis };
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
async function mobileNetRow({ root, samples }: Clips, given: number): Promise<AblationRow> {
  const epochs = Math.max(1, Math.round(given / EPOCH_SHARE));
  const train = sideOf(samples, 'train');
  const names = [...new Set(train.map(conditionOf))].sort();
  const progress = createProgress('MobileNetV2: epoch');
  const clips = (await hear(root, train)).map(({ sample, ...heard }) => ({
    ...heard,
    name: sample.path,
    label: names.indexOf(conditionOf(sample)),
  }));
  const model = await trainMobileNet(clips, {
    epochs,
    learningRate: LEARNING_RATE,
    hop: HOP,
    onEpoch: ({ epoch }) => progress.update(epoch, epochs),
  });
  progress.end();
  const scorer = await createMobileNetScorer(model);
  const scored: ScoredClip[] = [];
  for (const [machine, own] of machinesOf(sideOf(samples, 'test'))) {
    const classes = names.flatMap((name, c) => (name.startsWith(`${machine}/`) ? [c] : []));
    for (const { sample, samples: test, sampleRate } of await hear(root, own)) {
      const each = await scorer.score(test, sampleRate);
      scored.push({ ...clipOf(sample), score: Math.min(...classes.map((c) => each[c])) });
    }
  }
  await scorer.release();
  return ablationRow(
    'MobileNetV2',
    `--baseline-epochs ${given} (${epochs} of them, learning rate ${LEARNING_RATE}, hop ${HOP})`,
    scored,
  );
}

/** Rows of both baselines. @throws InputError as they do */
export async function baselineRows(clips: Clips, epochs: number): Promise<AblationRow[]> {
  return [...(await autoencoderRows(clips, epochs)), await mobileNetRow(clips, epochs)];
}

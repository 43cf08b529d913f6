// thrum finetune ablation: the ablation of fine-tuning for anomalous sound, with the challenge's baselines beside it.
import { join } from 'node:path';
import { type AblationRow, ablationCsv, ablationRow, ablationText } from '../evaluation/ablation/asd.ts';
import { recogniseDataSets } from '../evaluation/datasets/recognise.node.ts';
import type { Sample } from '../evaluation/datasets/types.ts';
import { embedSamples } from '../evaluation/embeddings/embed-samples.node.ts';
import { groupBy } from '../evaluation/group-by.ts';
import type { ScoredClip } from '../evaluation/protocols/anomaly-result.ts';
import { type BankRule, scoreMachine } from '../evaluation/protocols/anomaly-scores.ts';
import { rowsByChannel } from '../evaluation/suites/assemble.ts';
import { clipOf } from '../evaluation/suites/detection.ts';
import { renderAblationPage } from '../report/ablation-page.ts';
import { InputError } from '../signal/errors.ts';
import { baselineRows } from './ablation-baselines.ts';
import { flag, number, type Options, required, text } from './command.ts';
import { runAsd } from './finetune-asd.ts';
import { asdSettings } from './finetune-asd-options.ts';
import { asdItems } from './finetune-items.ts';
import { hasRun } from './finetune-run.ts';
import { createProgress, note, print } from './output.ts';
import { checkOutputs, makeFolder, type Output, writeOutputs } from './output-folder.ts';
import { resumeCommand } from './resume-command.ts';
import { version } from './version.ts';

/** A row of the table: the name, and the options of `thrum finetune asd` that make it. */
type Variant = { name: string; folder: string; change: Options };

/** As in the paper's table 1: each adds to the one before. The last two share their first stage. */
const variants: readonly Variant[] = [
  { name: 'fine-tuned', folder: 'plain', change: { layers: 'last', speeds: '1' } },
  { name: '+ weighted sum', folder: 'weighted-sum', change: { layers: 'mix', speeds: '1' } },
  { name: '+ status augmentation', folder: 'status', change: { layers: 'mix' } },
  { name: '+ transformer pooling', folder: 'status', change: { layers: 'mix', 'segment-pooling': true } },
];

/** Options that are the ablation's own. */
const OWN = ['out', 'baseline-epochs', 'cache', 'json'];

type Data = { root: string; samples: readonly Sample[]; storeFolder: string; workers?: number };

function findClips(data: string): { root: string; samples: Sample[] } {
  const found = recogniseDataSets(data).filter(({ dataSet }) => /^dcase202[2-5]$/.test(dataSet.id));
  if (found.length !== 1) {
    const what = found.map(({ dataSet }) => dataSet.id).join(', ') || 'none';
    throw new InputError(
      `finetune ablation: expected one data set of DCASE 2022 to 2025 in ${data}, found ${what}; make one with thrum data generate dcase2023`,
    );
  }
  const [{ root, scan }] = found;
  const known = scan.samples.filter(({ label, split }) => split === 'train' || label !== 'unknown');
  return { root, samples: known };
}

/** Scores of all test clips by distance to the nearest normal clip of a domain; the nearer domain counts. */
async function scoreWith(encoder: string, rule: BankRule, { root, samples, storeFolder, workers }: Data) {
  const progress = createProgress(`${encoder}: embedded`);
  const embeddings = await embedSamples(
    { encoder },
    {
      root,
      samples,
      hearing: { channels: [0] },
      storeFolder,
      ...(workers !== undefined && { workers }),
      onSample: progress.update,
    },
  );
  progress.end();
  const scored: ScoredClip[] = [];
  for (const { message } of embeddings.failures) note(`${message}; it is left out`);
  for (const own of groupBy(embeddings.samples, ({ attributes }) => attributes.machine).values()) {
    const heard = own.map((sample) => ({
      sample,
      content: embeddings.contentOf(sample),
      recording: embeddings.load(sample),
    }));
    const { samples: rows, channels } = rowsByChannel(heard);
    const clips = rows.map(clipOf);
    const { scores } = await scoreMachine(clips, channels[0], rule);
    for (const [i, score] of scores.entries()) if (score !== undefined) scored.push({ ...clips[i], score });
  }
  embeddings.close();
  return scored;
}

/** Both ways of looking at two banks. */
async function rowsFor(
  name: string,
  command: string,
  encoder: string,
  data: Data,
  layers?: readonly number[],
): Promise<AblationRow[]> {
  return [
    ablationRow(name, command, await scoreWith(encoder, 'domains', data), layers),
    ablationRow(`${name}, scores in units of each domain`, command, await scoreWith(encoder, 'domains-scaled', data)),
  ];
}

const outputs: Output<readonly AblationRow[]>[] = [
  { file: 'asd-ablation.csv', contentOf: ablationCsv },
  {
    file: 'asd-ablation.html',
    contentOf: (rows) =>
      renderAblationPage({ rows, data: 'the test clips', made: `thrum ${version()}`, version: version() }),
  },
];

/** Runs the ablation; what a run folder has finished is not done again. Returns the exit status. */
export async function runAblation(options: Options): Promise<number> {
  const folder = required(options, 'run', 'DIR');
  const out = text(options, 'out');
  if (out !== undefined) checkOutputs(out, outputs);
  makeFolder(folder);
  const given = Object.fromEntries(Object.entries(options).filter(([name]) => !OWN.includes(name)));
  const plain = Object.fromEntries(Object.entries(given).filter(([name]) => !name.startsWith('segment-')));
  const first = asdSettings(plain);
  const items = await asdItems(first);
  const { workers } = first;
  const data: Data = {
    ...findClips(first.data),
    storeFolder: text(options, 'cache') ?? join(folder, 'embeddings'),
    workers,
  };
  const rows: AblationRow[] = [];
  // Hours of work: what is known so far is kept after every row.
  const keep = (more: readonly AblationRow[]): void => {
    rows.push(...more);
    if (out !== undefined) writeOutputs(out, outputs, rows);
  };
  keep(await rowsFor('encoder as it is', `--encoder ${first.encoder}`, first.encoder, data));
  for (const { name, folder: own, change } of variants) {
    const told: Options = { ...(change['segment-pooling'] ? given : plain), ...change, run: join(folder, own) };
    const command = resumeCommand(['finetune', 'asd'], told).replace(' --resume', '');
    print(`${name}: ${command}`);
    const end = await runAsd({ ...asdSettings(told), items, resume: hasRun(join(folder, own)) });
    if ('status' in end) {
      print(`finetune ablation: stopped at step ${end.step} of "${name}"; the same command goes on`);
      return end.status;
    }
    keep(await rowsFor(name, command, end.encoder, data, end.layers));
  }
  const epochs = number(options, 'baseline-epochs', { min: 1, integer: true });
  if (epochs !== undefined) for await (const more of baselineRows(data, epochs)) keep(more);
  print(flag(options, 'json') ? JSON.stringify(rows) : ablationText(rows));
  return 0;
}

// thrum pretrain: trains an encoder on recordings without labels, in a run folder that can be resumed.
import { join } from 'node:path';
import { checkSources } from '../training/check-sources.node.ts';
import { openClipStream } from '../training/data/clip-stream.node.ts';
import type { Clip } from '../training/data/types.ts';
import type { Exchange } from '../training/exchange.ts';
import { exportEncoder } from '../training/export-encoder.node.ts';
import { createProbe } from '../training/probe.node.ts';
import type { Command } from './command.ts';
import { note, print } from './output.ts';
import { type PretrainSettings, pretrainOptionSpecs, pretrainSettings } from './pretrain-settings.ts';
import { resumeCommand } from './resume-command.ts';
import { createStatusLine, pageFile, type StatusLine, trainInFolder } from './training-run.ts';

const encoderFile = (folder: string): string => join(folder, 'encoder.safetensors');

/** Batches of clips from worker threads; warnings go past the progress line. */
export async function* clipsOf(
  { data, seed, workers }: Pick<PretrainSettings, 'data' | 'seed' | 'workers'>,
  from: number,
  batch: number,
  stride: number,
  status: StatusLine,
): AsyncGenerator<{ clips: readonly Clip[] }> {
  const stream = await openClipStream(data, { seed, from, batch, stride, workers });
  let told = 0;
  for await (const next of stream) {
    for (const warning of stream.warnings.slice(told)) status.note(warning);
    told = stream.warnings.length;
    yield next;
  }
}

/** What its processes must agree on; each may have its own recordings, folder and checkpoints. */
async function joinPeers(
  { peers, config, resume }: PretrainSettings,
  status: StatusLine,
): Promise<Exchange | undefined> {
  if (!peers) return undefined;
  const { recipe, size, seed, accumulate, settings, steps, syncEvery } = config;
  const shared = { recipe, size, seed, accumulate, settings, steps, syncEvery };
  // Not loaded by those who train alone.
  const { connectExchange } = await import('../training/exchange-nats.node.ts');
  return connectExchange({ ...peers, settings: shared, resume, note: (line) => status.note(line) });
}

export const pretrainCommand: Command = {
  summary: 'train an encoder on recordings without labels',
  usage: 'echo|fisher|eat --data LIST --run DIR [options]',
  details:
    'LIST names folders, archives (.zip, .tar) and `simulator`, separated by commas, each with a weight: rec/=2,simulator=1.\nThe run folder holds settings, log, curves (index.html), the last two checkpoints, and encoder.safetensors for --encoder.\nCtrl-C stops after the current step, with a checkpoint; --resume goes on to the same numbers.',
  examples: [
    'thrum pretrain echo --size tiny --data recordings/,simulator=2 --run runs/echo-tiny --steps 20000',
    'thrum pretrain echo --size tiny --data recordings/,simulator=2 --run runs/echo-tiny --steps 20000 --resume',
  ],
  options: pretrainOptionSpecs,
  async run(args, options) {
    const settings = pretrainSettings(args, options);
    const { title, folder, recipe, data, seed, config, provider, resume } = settings;
    if (settings.warmUpSteps >= config.steps) {
      note(
        `the warm-up takes ${settings.warmUpSteps} of ${config.steps} steps: the learning rate never reaches its peak; --warm-up N shortens it`,
      );
    }
    // Else a wrong path would leave a run behind, which must be removed before the next try.
    if (!resume) await checkSources(data, recipe, seed);
    const probe = settings.probe === undefined ? undefined : await createProbe(settings.probe, settings.architecture);
    const status = createStatusLine();
    const exchange = await joinPeers(settings, status);
    let finished = false;
    try {
      const end = await trainInFolder<Clip>({
        title,
        folder,
        config,
        resume,
        recipe,
        seed,
        accumulate: settings.accumulate,
        saveEvery: settings.saveEvery,
        clips: (from, batch, stride) => clipsOf(settings, from, batch, stride, status),
        publish: (state) => exportEncoder(state, settings.architecture, encoderFile(folder), { weights: 'student' }),
        ...(probe && { probe }),
        ...(exchange && { exchange, syncEvery: settings.syncEvery }),
        ...(provider && { runtime: { provider } }),
        status,
      });
      finished = end.reason === 'finished';
      if (!finished) {
        print(`${title}: stopped after step ${end.state.step} with a checkpoint; go on with`);
        print(`  ${resumeCommand(['pretrain', args[0]], options)}`);
        return end.status ?? 1;
      }
      print(
        `${title}: ${end.state.step} steps done; use it with --encoder ${encoderFile(folder)}, curves in ${pageFile(folder)}`,
      );
      return 0;
    } finally {
      status.clear();
      await exchange?.close(finished);
    }
  },
};

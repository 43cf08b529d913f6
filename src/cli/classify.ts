// thrum classify: labels of recordings, by an encoder that fine-tuning has made a classifier of.
import { embedFiles } from '../encoders/embed-pool.node.ts';
import { labelProbabilities } from '../encoders/label-probabilities.ts';
import { loadEncoder } from '../encoders/load.node.ts';
import type { Labels } from '../encoders/types.ts';
import { collectFiles } from '../signal/collect-files.node.ts';
import { type Command, flag, InputError, required, requireFiles } from './command.ts';
import { createProgress, note, print, reportFailures } from './output.ts';
import { encoderFrom, partFrom, readOptionSpecs, readOptionsFrom, workersFrom } from './recording-options.ts';

/** Labels with their probabilities, the likeliest first. */
export function probabilities(logits: Float32Array, labels: Labels): { label: string; probability: number }[] {
  return labelProbabilities(logits, labels)
    .map((probability, c) => ({ label: labels.names[c], probability }))
    .sort((a, b) => b.probability - a.probability);
}

/** Labels shown of a recording; of those that exclude each other the likeliest and the next. */
const SHOWN = 3;

const rowOf = (name: string, ranked: readonly { label: string; probability: number }[]): string =>
  [
    name,
    ...ranked.slice(0, SHOWN).map(({ label, probability }) => `${label} ${(100 * probability).toFixed(1)} %`),
  ].join('  ');

export const classifyCommand: Command = {
  summary: 'label recordings with what finetune classify has made',
  usage: 'FILES… --model FILE [options]',
  examples: ['thrum classify recordings/today --model runs/esc50/encoder.safetensors'],
  options: {
    model: { value: 'FILE', short: 'm', description: 'encoder.safetensors of a run of thrum finetune classify' },
    ...readOptionSpecs,
    provider: { value: 'NAME', description: 'where the model runs: cpu, webgpu or cuda' },
    workers: { value: 'N', description: 'worker threads (default: all cores; 0 works on the main thread)' },
    json: { description: 'print one JSON object per recording' },
  },
  async run(paths, options) {
    requireFiles(paths);
    const spec = encoderFrom(options, required(options, 'model', 'FILE'));
    const model = await loadEncoder(spec);
    const { labels } = model;
    await model.release();
    if (!labels) {
      throw new InputError(`${spec.encoder} is no classifier; make one with thrum finetune classify`);
    }
    const files = collectFiles(paths);
    const jobs = files.map((path) => ({
      path,
      read: readOptionsFrom(options),
      preparation: { channel: 0, segmentSeconds: null, part: partFrom(options) },
      detail: 'none' as const,
    }));
    const progress = createProgress('listened to');
    const failed = [];
    let done = 0;
    for await (const { recordings, failures } of embedFiles(spec, jobs, { workers: workersFrom(options) })) {
      failed.push(...failures);
      for (const { name, segments, constant } of recordings) {
        const ranked = probabilities(segments[0].logits as Float32Array, labels);
        const row = { recording: name, labels: ranked, ...(constant && { constant }) };
        print(flag(options, 'json') ? JSON.stringify(row) : rowOf(name, ranked));
        if (constant) note(`${name}: every sample is the same (silence, or a dead sensor)`);
      }
      progress.update(++done, files.length);
    }
    progress.end();
    return reportFailures(failed, files.length);
  },
};

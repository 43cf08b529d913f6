// Clip number n of a run, whoever asks: every thread that has the same data makes the same samples.
import { InputError, inputMessage } from '../../signal/errors.ts';
import { resample } from '../../signal/resample.ts';
import type { Random } from '../../signal/simulate/random.ts';
import { applyGain, cutClip, hearThrough } from './clip.ts';
import { createItemReader, type ListedSource } from './clip-source.node.ts';
import type { Response } from './responses.node.ts';
import { type ClipPlan, clipPlan, epochItem, type Seed } from './sampler.ts';
import { simulateClip } from './simulated-clip.ts';
import type { Clip, DataSpec } from './types.ts';

/** All that a run's clips depend on; plain data, for worker threads. */
export type MakerData = {
  settings: Pick<DataSpec, 'clipSeconds' | 'gainDecibels' | 'speedFactor'>;
  seed: Seed;
  sources: readonly ListedSource[];
  responses: { recorded: readonly Response[]; probability: number };
};

/** A file that gave no clip, and why. */
export type Refusal = { file: string; message: string };

/** `refused`: the files whose place this clip took. */
export type MadeClip = { clip: Clip; refused: Refusal[] };

type FileList = Extract<ListedSource, { kind: 'files' }>;

const MAX_RESAMPLED = 64;

/** Responses at the rate of a clip; the last few dozen are kept. */
function createResponder({ recorded, probability }: MakerData['responses']) {
  const resampled = new Map<string, Float32Array>();
  const atRate = (index: number, rate: number): Float32Array => {
    const key = `${index}@${rate}`;
    const known = resampled.get(key);
    if (known) return known;
    const samples = resample(recorded[index].samples, recorded[index].sampleRate, rate);
    if (resampled.size >= MAX_RESAMPLED) resampled.clear();
    resampled.set(key, samples);
    return samples;
  };
  return (clip: Clip, random: Random): Clip => {
    if (!(random.uniform() < probability)) return clip;
    const usable = Array.from(recorded.keys()).filter((i) => recorded[i].sampleRate >= clip.sampleRate);
    if (usable.length === 0) return clip;
    return { ...clip, samples: hearThrough(clip.samples, atRate(random.pick(usable), clip.sampleRate)) };
  };
}

/**
 * Makes clips by their number, in any order. A file that cannot be read, or is silent where it is heard, gives its place
 * to the file after it in the epoch.
 * @throws InputError (the promise) when no file of a source gives a clip.
 */
export function createClipMaker({ settings, seed, sources, responses }: MakerData): (n: number) => Promise<MadeClip> {
  const sampled = sources.map(({ weight, items }) => ({ weight, count: items?.length ?? null }));
  const read = createItemReader();
  const respond = createResponder(responses);
  const fromFiles = async ({ items, sampleRate }: FileList, plan: ClipPlan): Promise<MadeClip> => {
    const refused: Refusal[] = [];
    for (let k = 0; k < items.length; k++) {
      const position = (plan.position + k) % items.length;
      const item = items[epochItem(seed, plan.source, items.length, plan.epoch, position)];
      try {
        const recordings = await read(item, sampleRate);
        const random = plan.random.fork(`try ${k}`);
        return { clip: cutClip(random.fork('record').pick(recordings), settings, random), refused };
      } catch (error) {
        refused.push({ file: item.name, message: inputMessage(error) });
      }
    }
    throw new InputError(
      `openClipStream: expected a readable recording among ${items.length}, found none; the last one: ${refused.at(-1)?.message}`,
    );
  };
  return async (n) => {
    const plan = clipPlan(n, seed, sampled);
    const source = sources[plan.source];
    const { clip, refused } =
      source.kind === 'files'
        ? await fromFiles(source, plan)
        : { clip: simulateClip(source, settings.clipSeconds, plan.random.fork('simulated')), refused: [] };
    const heard = respond(clip, plan.random.fork('response'));
    applyGain(heard.samples, settings.gainDecibels, plan.random.fork('gain'));
    return { clip: heard, refused };
  };
}

// Clip number n of a run, whoever asks: every thread that has the same data makes the same samples.
import { basename } from 'node:path';
import { InputError, inputMessage } from '../../signal/errors.ts';
import { resample } from '../../signal/resample.ts';
import { createRandom, type Random } from '../../signal/simulate/random.ts';
import { applyGain, cutClip, hearThrough } from './clip.ts';
import { createItemReader, type ListedSource } from './clip-source.node.ts';
import type { Response } from './responses.node.ts';
import { type ClipPlan, clipPlan, epochItem, type Seed } from './sampler.ts';
import { simulateClip } from './simulated-clip.ts';
import type { Clip, DataSpec, Made, Maker, Refusal, SimulatorSource } from './types.ts';

/** All that a run's clips depend on; plain data, for worker threads. */
export type MakerData = {
  settings: Pick<DataSpec, 'clipSeconds' | 'gainDecibels' | 'speedFactor' | 'views'>;
  seed: Seed;
  sources: readonly ListedSource[];
  responses: { recorded: readonly Response[]; probability: number };
};

export type MadeClip = Made<Clip>;

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

type Group = { key: string; items: FileList['items'] };

/** Files of a source that are of the same thing, by the name of each. */
function groupsOf({ items, same }: FileList): ReadonlyMap<string, Group> {
  if (same === undefined) return new Map();
  const pattern = new RegExp(same);
  const groups = new Map<string, FileList['items']>();
  for (const item of items) {
    const key = pattern
      .exec(basename(item.name))
      ?.slice(1)
      .find((group) => group !== undefined);
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return new Map([...groups].flatMap(([key, own]) => own.map((item) => [item.name, { key, items: own }] as const)));
}

/**
 * Makes clips by their number, in any order. A file that cannot be read, or is silent where it is heard, gives its place
 * to the file after it in the epoch.
 * @throws InputError (the promise) when no file of a source gives a clip.
 */
export function createClipMaker({ settings, seed, sources, responses }: MakerData): Maker<Clip> {
  const sampled = sources.map(({ weight, items }) => ({ weight, count: items?.length ?? null }));
  const read = createItemReader();
  const respond = createResponder(responses);
  const views = settings.views ?? 1;
  const groups = sources.map((source) => (source.kind === 'files' && views > 1 ? groupsOf(source) : undefined));
  /** One clip of a file, or of one of the files that are the same thing. */
  const cut = async (list: FileList, plan: ClipPlan, k: number, take: Random): Promise<Clip> => {
    const { items, sampleRate } = list;
    const position = (plan.position + k) % items.length;
    const thing = items[epochItem(seed, plan.source, items.length, plan.epoch, position)];
    const group = groups[plan.source]?.get(thing.name);
    const random = take.fork(`try ${k}`);
    const item = group ? random.fork('file').pick(group.items) : thing;
    try {
      const clip = cutClip(random.fork('record').pick(await read(item, sampleRate)), settings, random);
      return views === 1 ? clip : { ...clip, thing: `${plan.source}: ${group?.key ?? thing.name}` };
    } catch (error) {
      throw new InputError(inputMessage(error), { cause: item.name });
    }
  };
  /** A thing of which any view fails is passed over for all of them: views of two things would be no pair. */
  const fromFiles = async (list: FileList, plan: ClipPlan, takes: readonly Random[], view: number) => {
    const refused: Refusal[] = [];
    for (let k = 0; k < list.items.length; k++) {
      try {
        const made: Clip[] = [];
        for (const take of takes) made.push(await cut(list, plan, k, take));
        return { clip: made[view], refused };
      } catch (error) {
        refused.push({ file: String((error as InputError).cause), message: inputMessage(error) });
      }
    }
    throw new InputError(
      `openClipStream: expected a readable recording among ${list.items.length}, found none; the last one: ${refused.at(-1)?.message}`,
    );
  };
  const simulated = (source: SimulatorSource, plan: ClipPlan, take: Random): Clip => {
    const state = plan.random.fork('simulated');
    if (views === 1) return simulateClip(source, settings.clipSeconds, state);
    const individual = createRandom(seed)
      .fork(`source ${plan.source}`)
      .fork(`machine ${Math.floor(plan.item / 2)}`);
    const clip = simulateClip(source, settings.clipSeconds, { individual, state, take });
    return { ...clip, thing: `${plan.source}: ${plan.item}` };
  };
  return async (n) => {
    const plan = clipPlan(Math.floor(n / views), seed, sampled);
    const takes = views === 1 ? [plan.random] : Array.from({ length: views }, (_, v) => plan.random.fork(`view ${v}`));
    const take = takes[n % views];
    const source = sources[plan.source];
    const { clip, refused } =
      source.kind === 'files'
        ? await fromFiles(source, plan, takes, n % views)
        : { clip: simulated(source, plan, take), refused: [] };
    const heard = respond(clip, take.fork('response'));
    applyGain(heard.samples, settings.gainDecibels, take.fork('gain'));
    return { clip: heard, refused };
  };
}

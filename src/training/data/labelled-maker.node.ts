// Labelled crop number n of a run, whoever asks: every thread that has the same data makes the same samples.
import { InputError, inputMessage } from '../../signal/errors.ts';
import type { Recording } from '../../signal/recording.ts';
import { resample } from '../../signal/resample.ts';
import type { Random } from '../../signal/simulate/random.ts';
import { applyGain, checkRate, cutAtSpeed, roll, variance } from './clip.ts';
import { createItemReader } from './clip-source.node.ts';
import { labelledClasses } from './labelled-classes.ts';
import type { LabelledCrop, LabelledItem, LabelledSettings } from './labelled-types.ts';
import { type ClipPlan, clipPlan, epochItem, type Seed } from './sampler.ts';
import type { Made, Maker, Refusal } from './types.ts';

/** All that a run's crops depend on; plain data, for worker threads. */
export type LabelledData = { settings: LabelledSettings; seed: Seed; items: readonly LabelledItem[] };

const atRate =
  (sampleRate: number | undefined) =>
  (recording: Recording): Recording => {
    if (sampleRate === undefined || recording.sampleRate === sampleRate) return recording;
    checkRate(recording);
    const channels = recording.channels.map((samples) => resample(samples, recording.sampleRate, sampleRate));
    return { ...recording, channels, sampleRate };
  };

/** The one with the number that an item gives, counted from `first`, or one that is drawn. */
function choose<T>(of: readonly T[], number: number | undefined, first: 0 | 1, what: string, random: Random): T {
  if (number === undefined) return random.pick(of);
  if (number - first in of) return of[number - first];
  throw new InputError(`expected ${what} ${number}, found ${of.length} counted from ${first}; name another`);
}

/** Adds white noise so that the ratio of powers about the mean is `decibels`; in place. */
function addNoise(samples: Float32Array, decibels: number, random: Random): void {
  const deviation = Math.sqrt(variance(samples) * 10 ** (-decibels / 10));
  for (let i = 0; i < samples.length; i++) samples[i] += random.gaussian(0, deviation);
}

/** What the sampler draws from: all items, or the items of every label. */
export const labelledSources = ({ settings, items }: Pick<LabelledData, 'settings' | 'items'>): number[][] => {
  const all = Array.from(items.keys());
  if (!settings.balanced) return [all];
  const sources = new Map<string, number[]>();
  for (const i of all) {
    const own = sources.get(items[i].label);
    if (own) own.push(i);
    else sources.set(items[i].label, [i]);
  }
  return [...sources.values()];
};

export const sampledSources = (sources: readonly number[][]) =>
  sources.map(({ length }) => ({ weight: 1, count: length }));

/**
 * Makes crops by their number, in any order. A file that cannot be read, or is silent where it is heard, gives its place
 * to the next one of its label in the epoch.
 * @throws InputError (the promise) when no item of a label gives a crop.
 */
export function createLabelledMaker({ settings, seed, items }: LabelledData): Maker<LabelledCrop> {
  const { cropSeconds, sampleRate, gainDecibels = 0, noise, rollProbability = 0, speeds } = settings;
  const factors = speeds?.factors ?? [1];
  const sources = labelledSources({ settings, items });
  const sampled = sampledSources(sources);
  const classes = labelledClasses(items, speeds);
  const read = createItemReader(undefined, atRate(sampleRate));

  const cut = async (item: LabelledItem, factor: number, random: Random) => {
    const { path, record, channel, read: told } = item;
    const recordings = await read({ name: path, file: path, variable: told?.variable }, told?.sampleRate);
    const recording = choose(recordings, record, 0, 'recording', random.fork('record'));
    checkRate(recording);
    const samples = choose(recording.channels, channel, 1, 'channel', random.fork('channel'));
    const wanted = Math.round(cropSeconds * recording.sampleRate);
    if (!(wanted >= 2)) {
      throw new InputError(
        `${path}: expected crops of at least 2 samples, got ${cropSeconds} s at ${recording.sampleRate} Hz; make them longer`,
      );
    }
    const speed = { factor, keepPitch: speeds?.keepPitch };
    return {
      samples: cutAtSpeed(samples, wanted, speed, recording.name, random.fork('place')),
      sampleRate: recording.sampleRate,
    };
  };

  /** Items of one label: the one whose turn it is, then those that follow it in the epoch. */
  function* candidates({ source, epoch, position }: ClipPlan): Iterable<number> {
    const members = sources[source];
    const at = (k: number) => members[epochItem(seed, source, members.length, epoch, (position + k) % members.length)];
    const { label } = items[at(0)];
    for (let k = 0; k < members.length; k++) if (items[at(k)].label === label) yield at(k);
  }

  const firstGood = async (plan: ClipPlan, factor: number) => {
    const refused: Refusal[] = [];
    for (const item of candidates(plan)) {
      try {
        return { item, refused, ...(await cut(items[item], factor, plan.random.fork(`try ${refused.length}`))) };
      } catch (error) {
        refused.push({ file: items[item].path, message: inputMessage(error) });
      }
    }
    const { label } = items[sources[plan.source][plan.item]];
    throw new InputError(
      `openLabelledStream: expected a readable recording of ${label} among ${refused.length}, found none; the last one: ${refused.at(-1)?.message}`,
    );
  };

  return async (n): Promise<Made<LabelledCrop>> => {
    const plan = clipPlan(n, seed, sampled);
    const { random } = plan;
    const speed = random.fork('speed').integer(0, factors.length - 1);
    const { item, refused, samples: heard, sampleRate } = await firstGood(plan, factors[speed]);
    const shift = random.fork('roll');
    const samples = shift.uniform() < rollProbability ? roll(heard, shift.integer(0, heard.length - 1)) : heard;
    const added = random.fork('noise');
    if (noise && added.uniform() < noise.probability) addNoise(samples, added.uniform(...noise.ratio), added);
    applyGain(samples, gainDecibels, random.fork('gain'));
    const { label } = items[item];
    return {
      clip: { samples, sampleRate, item, speed, label, classIndex: classes.indexOf(label, speed) },
      refused,
    };
  };
}

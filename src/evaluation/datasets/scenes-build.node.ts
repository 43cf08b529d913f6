// The set of scenes from real recordings: ESC-50 and measured microphones, read, heard through each other, cut and listed.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { convolve } from '../../signal/convolve.ts';
import { InputError } from '../../signal/errors.ts';
import { createRealFft } from '../../signal/fft.ts';
import { readRecordingFile } from '../../signal/read-file.node.ts';
import { writeWav } from '../../signal/readers/wav-write.ts';
import type { Recording } from '../../signal/recording.ts';
import { resample } from '../../signal/resample.ts';
import { checkFinite } from '../../signal/segments.ts';
import { responseAt } from '../../training/scene-augment.ts';
import { groupBy } from '../group-by.ts';
import { esc50 } from './esc50.ts';
import { locate } from './find.node.ts';
import { esc50Scenes, isNearSilent, measuredDevices, planScenes, type SourceSecond } from './scenes-plan.ts';
import { scenesReadme } from './scenes-readme.ts';
import { type DividedClip, type SceneDevice, sceneClipName, sceneClipPath, sceneLists } from './tau-layout.ts';
import type { GeneratedFile, Sample } from './types.ts';

export type ScenesSources = {
  /** Folder with ESC-50 in it, or that of the data set itself. */
  esc50: string;
  /** Folder with the responses that `measuredDevices` names. */
  responses: string;
  /** Of the order in which devices and subsets are dealt out; 0 by default. */
  seed?: number;
};

const RATE = 16_000;
/** Hz: in this band every response lets as much pass as the clean device. */
const LEVEL_BAND = [500, 2000] as const;
/** Factor on all clips, so that a device that lifts some frequencies does not exceed full scale. */
const HEADROOM = 0.5;

const mono = async (path: string): Promise<Recording> => {
  const [recording] = await readRecordingFile(path);
  checkFinite(recording);
  return recording;
};

/** A response scaled to a mean power gain of 1 in the band, as microphones are turned up to one level at about 1 kHz. */
function levelled(response: Float32Array): Float32Array {
  // At least some 4 Hz apart, however short the response is.
  const size = 2 ** Math.ceil(Math.log2(Math.max(4096, response.length)));
  const fft = createRealFft(size);
  const [padded, re, im] = [new Float64Array(size), new Float64Array(fft.bins), new Float64Array(fft.bins)];
  padded.set(response);
  fft.forward(padded, re, im);
  let [power, count] = [0, 0];
  const [low, high] = LEVEL_BAND.map((hz) => Math.round((hz * size) / RATE));
  for (let k = low; k < high; k++) {
    power += re[k] ** 2 + im[k] ** 2;
    count++;
  }
  return response.map((value) => value / Math.sqrt(power / count));
}

async function readDevices(folder: string): Promise<Map<SceneDevice, Float32Array>> {
  const missing = measuredDevices.filter(({ file }) => !existsSync(join(folder, file))).map(({ file }) => file);
  if (missing.length > 0) {
    throw new InputError(
      `buildScenes: expected the responses ${missing.join(', ')} in ${folder}, found none; unpack MicIRP's files there`,
    );
  }
  const devices = new Map<SceneDevice, Float32Array>();
  for (const { device, file } of measuredDevices) {
    const { channels, sampleRate } = await mono(join(folder, file));
    devices.set(device, levelled(responseAt({ samples: channels[0], sampleRate }, RATE)));
  }
  return devices;
}

type Source = { sample: Sample; samples: Float32Array };

/** The recordings of the ten classes at 16 kHz. */
async function readSources(root: string): Promise<Source[]> {
  const located = locate(root, esc50);
  const samples = (located?.scan.samples ?? []).filter(({ label }) => esc50Scenes.includes(label));
  const absent = esc50Scenes.filter((scene) => !samples.some(({ label }) => label === scene));
  if (!located || absent.length > 0) {
    throw new InputError(
      `buildScenes: expected recordings of ESC-50 of ${absent.join(', ')} in ${root}, found none; name the folder that it unpacks to`,
    );
  }
  const sources: Source[] = [];
  for (const sample of samples) {
    const { channels, sampleRate } = await mono(join(located.root, sample.path));
    sources.push({ sample, samples: resample(channels[0], sampleRate, RATE) });
  }
  return sources;
}

/** `100032/0`: a cut of a recording. */
const cutOf = ({ location, segment }: Pick<SourceSecond, 'location' | 'segment'>): string => `${location}/${segment}`;

const segmentOf = ({ attributes }: Sample): string => String(attributes.cut.charCodeAt(0) - 'A'.charCodeAt(0));

/** The whole seconds of a recording, those that say too little left out. */
const secondsOf = ({ sample, samples }: Source): SourceSecond[] =>
  Array.from({ length: Math.floor(samples.length / RATE) }, (_, i) => i)
    .filter((i) => !isNearSilent(samples.subarray(i * RATE, (i + 1) * RATE)))
    .map((i) => ({
      scene: sample.label,
      location: sample.take,
      segment: segmentOf(sample),
      second: String(i),
      fold: sample.fold ?? 0,
    }));

/** Clips of one recording heard by one device: the whole recording goes through it, so that a second has a past. */
function heardClips(samples: Float32Array, response: Float32Array | undefined, clips: readonly DividedClip[]) {
  const heard = response ? convolve(samples, response, samples.length) : samples;
  return clips.map((clip) => {
    const start = Number(clip.second) * RATE;
    return { clip, second: Float32Array.from(heard.subarray(start, start + RATE), (value) => HEADROOM * value) };
  });
}

const exceeds = (samples: Float32Array): boolean => samples.some((value) => Math.abs(value) >= 1);

/**
 * The files of the set in the layout of TAU, 16-bit WAV of 1 s at 16 kHz, and a README that says how it was made and under
 * which licences. The same for the same sources and seed.
 * @throws InputError where ESC-50 or a response is missing or cannot be read
 */
export async function* buildScenes({ esc50: root, responses, seed = 0 }: ScenesSources): AsyncGenerator<GeneratedFile> {
  const devices = await readDevices(responses);
  const sources = await readSources(root);
  const seconds = sources.flatMap(secondsOf);
  const clips = planScenes(seconds, seed);
  const byCut = groupBy(clips, cutOf);
  let clipped = 0;
  for (const { sample, samples } of sources) {
    const own = byCut.get(cutOf({ location: sample.take, segment: segmentOf(sample) })) ?? [];
    const ofScene = own.filter(({ scene }) => scene === sample.label);
    for (const [device, heardBy] of groupBy(ofScene, (clip) => clip.device)) {
      for (const { clip, second } of heardClips(samples, devices.get(device as SceneDevice), heardBy)) {
        if (exceeds(second)) clipped++;
        const bytes = writeWav({ channels: [second], sampleRate: RATE, name: sceneClipName(clip) });
        yield { path: sceneClipPath(clip), bytes };
      }
    }
  }
  yield* sceneLists(clips);
  const whole = sources.reduce((sum, { samples }) => sum + Math.floor(samples.length / RATE), 0);
  yield scenesReadme({ clips, recordings: sources.length, silent: whole - seconds.length, clipped, seed });
}

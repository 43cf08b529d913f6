// Small made-up sets of scenes in the layout of TAU Urban Acoustic Scenes 2022 Mobile.
import { InputError } from '../../signal/errors.ts';
import { writeWav } from '../../signal/readers/wav-write.ts';
import { sceneTexture, throughMadeUpDevice } from './scene-textures.ts';
import { type DividedClip, type SceneDevice, sceneClipPath, sceneLists, subsetAt } from './tau-layout.ts';
import type { GeneratedFile, GenerateOptions } from './types.ts';

export type MadeUpScenes = {
  scenes: readonly string[];
  /** Of test clips: every one is heard by all of them. */
  devices: readonly SceneDevice[];
  /** Of training clips in turn. */
  trainDevices: readonly SceneDevice[];
  city: string;
  sampleRate: number;
};

/** A test clip for so many training clips of a scene. */
const TRAIN_PER_TEST = 5;

/**
 * `perClass` training clips of every scene (10 by default) and a fifth as many for testing, each of `seconds` (1 by
 * default) and from a location of its own.
 * @throws InputError for a number of clips that is not whole or below 1
 */
export function* generateScenes(set: MadeUpScenes, options: GenerateOptions = {}): Iterable<GeneratedFile> {
  const { seed = 0, perClass = 10, seconds = 1 } = options;
  if (!(Number.isInteger(perClass) && perClass >= 1)) {
    throw new InputError(`generate: expected perClass of 1 or more, got ${perClass}`);
  }
  const { scenes, devices, trainDevices, city, sampleRate } = set;
  const clips: DividedClip[] = [];
  const tests = Math.ceil(perClass / TRAIN_PER_TEST);
  for (const [sceneIndex, scene] of scenes.entries()) {
    for (let i = 0; i < perClass + tests; i++) {
      const location = String(1000 + sceneIndex * (perClass + tests) + i);
      const place = { scene, city, location, segment: String(sceneIndex), second: '0' };
      const texture = sceneTexture({ sceneIndex, seed: `${seed}/${scene}/${i}`, seconds, sampleRate });
      const heardBy = i < perClass ? [trainDevices[i % trainDevices.length]] : devices;
      for (const device of heardBy) {
        const side =
          i < perClass ? { split: 'train' as const, subset: subsetAt(i, perClass) } : { split: 'test' as const };
        const clip: DividedClip = { ...place, device, ...side };
        clips.push(clip);
        const name = sceneClipPath(clip);
        const recording = { channels: [throughMadeUpDevice(texture, device)], sampleRate, name };
        yield { path: name, bytes: writeWav(recording) };
      }
    }
  }
  yield* sceneLists(clips);
}

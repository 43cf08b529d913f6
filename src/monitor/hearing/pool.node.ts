// The pool of hearing: scores, fits and pictures on threads of their own, so that the asking thread stays free.

import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import type { EmbedResult } from '../../encoders/embed-file.node.ts';
import { packSound, soundName } from './sound.node.ts';
import type { SharedDetector, Sound } from './sound.ts';
import type { Answers, Task, ThreadSettings } from './tasks.ts';
import { createThreads, type ThreadJob, type Threads } from './threads.node.ts';
import type { HearingPool } from './types.ts';

export { PoolClosedError, QueueFullError } from './errors.ts';

export type HearingPoolOptions = {
  /** One by default for each processor. */
  threads?: number;
  /** Jobs that may wait for a thread. */
  capacity?: number;
  /** A sound that takes longer to be heard (or embedded, or pictured) is refused. */
  jobSeconds?: number;
  /** Where weights lie that detectors know by the name of a file; models of this machine are found besides. */
  folder?: string;
  /**
   * Whether detectors may name weights by a path that leads anywhere. Only for detectors of one's own: one that a stranger
   * sent could name any file of this machine.
   */
  anywhere?: boolean;
  /**
   * What detectors may take of memory (768 MiB): a third for files that all threads see, the rest for what threads have
   * prepared, each its part. The one in use stays in any case.
   */
  detectorBytes?: number;
};

const DETECTOR_BYTES = 768 * 2 ** 20;

type Content<K extends Task['kind']> = Omit<Extract<Task, { kind: K }>, 'kind'>;

/**
 * Starts a pool; its threads start with the first jobs. Sounds and detectors stay the caller's: they are copied once when
 * their turn comes, so they must not change before. A fit is embedded by all threads, in turn with other jobs.
 */
export function createHearingPool(options: HearingPoolOptions = {}): HearingPool {
  const { threads = availableParallelism(), capacity = 64, jobSeconds, folder = '.', anywhere = false } = options;
  const { detectorBytes = DETECTOR_BYTES } = options;
  const path = createRequire(import.meta.url).resolve('#worker/hearing');
  const data: ThreadSettings = { folder, anywhere, detectorBytes: (detectorBytes * 2) / 3 / threads };
  return hearingOn(createThreads({ path, data, threads, capacity }), { threads, jobSeconds, detectorBytes });
}

/** The same on threads that are there: each answers what `createAnswers` does. */
export function hearingOn(
  pool: Threads,
  {
    threads,
    jobSeconds = 120,
    detectorBytes = DETECTOR_BYTES,
  }: { threads: number; jobSeconds?: number; detectorBytes?: number },
): HearingPool {
  /** Detectors in shared memory, for all threads; those used last. */
  const shared = new Map<string, Uint8Array>();
  let sharedBytes = 0;
  const share = ({ key, bytes }: SharedDetector): SharedDetector => {
    let kept = shared.get(key);
    if (!kept) {
      kept = new Uint8Array(new SharedArrayBuffer(bytes.length));
      kept.set(bytes);
      sharedBytes += bytes.length;
    }
    shared.delete(key);
    shared.set(key, kept);
    for (const [oldest, { length }] of shared) {
      if (sharedBytes <= detectorBytes / 3 || shared.size === 1) break;
      shared.delete(oldest);
      sharedBytes -= length;
    }
    return { key, bytes: kept };
  };

  const ask = <K extends Task['kind']>(
    kind: K,
    content: Content<K>,
    job: Omit<ThreadJob, 'message'>,
    sound?: Sound,
  ): Promise<Answers[K]> => {
    const message = async () => {
      const packed = sound && (await packSound(sound));
      return { content: { kind, ...content, ...(packed && { sound: packed.sound }) }, transfer: packed?.transfer };
    };
    return pool.run({ ...job, message }) as Promise<Answers[K]>;
  };

  /** Embeds sounds, no more at a time than there are threads: other jobs take turns with them. */
  const embedAll = async (
    sounds: readonly Sound[],
    names: readonly string[],
    as: Content<'embed'>['as'],
    onProgress?: (done: number, total: number) => void,
  ): Promise<EmbedResult[]> => {
    const results: EmbedResult[] = [];
    let next = 0;
    let done = 0;
    const lane = async (): Promise<void> => {
      while (next < sounds.length) {
        const i = next++;
        const sound = sounds[i];
        const name = names[i] ?? soundName(sound);
        const job = { name: `fit: ${name}`, seconds: jobSeconds, part: true };
        results[i] = await ask('embed', { sound, name, as }, job, sound);
        onProgress?.(++done, sounds.length);
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(threads, sounds.length) }, lane));
    } finally {
      next = sounds.length;
    }
    return results;
  };

  return {
    hear: ({ detector, ...rest }, { signal } = {}) =>
      ask(
        'hear',
        { ...rest, detector: share(detector) },
        { name: `hear: ${soundName(rest.sound)}`, seconds: jobSeconds, signal },
        rest.sound,
      ),
    async extend(bytes, additions) {
      pool.admit();
      const detector = share({ key: await keyOf(bytes), bytes });
      const sounds = additions.map(({ sound }) => sound);
      const results = await embedAll(
        sounds,
        additions.map(({ name }) => name),
        { detector },
      );
      const labels = additions.map(({ label }) => label);
      return ask('extend', { detector, results, labels }, { name: 'extend', part: true });
    },
    async fit({ sounds, names, labels, ...plan }, onProgress) {
      pool.admit();
      const results = await embedAll(sounds, names, { plan }, onProgress);
      return ask('fit', { plan, results, labels }, { name: 'fit', part: true });
    },
    picture: (sound, detector, atSeconds = 0) =>
      ask(
        'picture',
        { sound, atSeconds, ...(detector && { detector: share(detector) }) },
        { name: `picture: ${soundName(sound)}`, seconds: jobSeconds },
        sound,
      ),
    inspect: (sound) => ask('inspect', { sound }, { name: `inspect: ${soundName(sound)}`, seconds: jobSeconds }, sound),
    playable: (sound) =>
      ask('playable', { sound }, { name: `playable: ${soundName(sound)}`, seconds: jobSeconds }, sound),
    describe: async (bytes, change) =>
      ask(
        'describe',
        { detector: share({ key: await keyOf(bytes), bytes }), ...(change && { change }) },
        { name: 'describe: detector', seconds: jobSeconds },
      ),
    archive: ({ sound, detector, ...rest }, { signal } = {}) =>
      ask(
        'archive',
        { sound, ...rest, ...(detector && { detector: share(detector) }) },
        { name: `archive: ${rest.name}`, seconds: jobSeconds, signal },
        sound,
      ),
    load: pool.load,
    ping: pool.ping,
    close: pool.close,
  };
}

/** A name for bytes that come without one. */
async function keyOf(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)));
  return `sha256-${Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

// What a thread keeps between two jobs: encoders, and detectors ready to score.

import { existsSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { createByteCache } from '../../detection/byte-cache.ts';
import type { Detector } from '../../detection/detector.ts';
import { readDetector } from '../../detection/detector-file.ts';
import { encoderOf } from '../../detection/encoder-place.node.ts';
import { preparedBytes } from '../../detection/shards.node.ts';
import { loadEncoder } from '../../encoders/load.node.ts';
import type { Encoder } from '../../encoders/types.ts';
import { InputError } from '../../signal/errors.ts';
import { type PreparedDetector, prepareDetector } from './hear.ts';
import type { SharedDetector } from './sound.ts';
import type { ThreadSettings } from './tasks.ts';

const MOST_ENCODERS = 3;

export type Prepared = {
  encoder(name: string): Promise<Encoder>;
  detector(shared: SharedDetector): Promise<PreparedDetector>;
  /** The encoder it was fitted with. @throws InputError where it is not on this machine */
  encoderFor(detector: Detector): Promise<Encoder>;
  /** Bytes that the detectors take. */
  held(): number;
};

/** Keeps the values used last; the one that leaves is handed to `leave`. A failure is not kept. */
function createKept<T>(most: number, leave: (value: T) => Promise<void> = async () => {}) {
  const kept = new Map<string, T>();
  return async (key: string, make: () => Promise<T>): Promise<T> => {
    const known = kept.get(key);
    kept.delete(key);
    const value = known ?? (await make());
    kept.set(key, value);
    const [oldest] = kept;
    if (kept.size > most) {
      kept.delete(oldest[0]);
      await leave(oldest[1]);
    }
    return value;
  };
}

/** A detector from a stranger must not open any file of this machine: of a path, only its last part counts. */
function insideOf(folder: string, name: string): string {
  if (extname(name) === '' && !/[\\/]/.test(name)) return name;
  const last = basename(name.replaceAll('\\', '/'));
  const beside = join(folder, last);
  return existsSync(beside) ? beside : last;
}

/** What a thread keeps; for one job at a time. */
export function createPrepared({ folder, anywhere, detectorBytes }: ThreadSettings): Prepared {
  const encoders = createKept<Encoder>(MOST_ENCODERS, (encoder) => encoder.release());
  const detectors = createByteCache<PreparedDetector>(detectorBytes);
  // Each thread of the pool has one processor.
  const encoder = (name: string) => encoders(name, () => loadEncoder({ encoder: name, threads: 1 }));
  return {
    encoder: (name) => encoder(anywhere ? name : insideOf(folder, name)),
    detector: ({ key, bytes }) =>
      detectors.get(key, async () => {
        // Shared memory is neither hashed nor decoded; the copy is the thread's own.
        const detector = await readDetector(new Uint8Array(bytes), 'detector');
        return { value: prepareDetector(detector), bytes: preparedBytes(detector, bytes.length) };
      }),
    held: detectors.held,
    async encoderFor(detector) {
      const { id, file, fingerprint } = detector.encoder;
      const found = await encoder(anywhere ? encoderOf(detector, folder) : insideOf(folder, file ?? id));
      if (found.fingerprint !== fingerprint) {
        throw new InputError(
          `hear: the detector was fitted with ${id} (${fingerprint}), but ${found.id} on this machine is ${found.fingerprint}; use the same weights, or fit again`,
        );
      }
      return found;
    },
  };
}

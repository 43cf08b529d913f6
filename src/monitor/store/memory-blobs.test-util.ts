// Blobs in memory, for tests of what stands on them; a store in memory is `openStore(':memory:')`.
import type { Blobs } from './types.ts';

/** Copies on the way in and out: nobody changes what is kept. */
export function createMemoryBlobs(): Blobs & { keys(): string[] } {
  const kept = new Map<string, Uint8Array>();
  return {
    put: async (key, bytes) => void kept.set(key, bytes.slice()),
    get: async (key) => kept.get(key)?.slice(),
    remove: async (key) => void kept.delete(key),
    close: async () => {},
    keys: () => [...kept.keys()],
  };
}

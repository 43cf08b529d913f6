// What the user has called normal: embeddings of stretches, and how far another one is from the nearest of them.
import { distance } from '../../detection/knn.ts';
import type { Normal, Span } from './messages.ts';

/** An embedding with the sound and the place in it that it is of. */
export type Stretch = Span & { sound: number; vector: Float32Array };

export type NormalSounds = {
  add(stretches: readonly Stretch[]): void;
  clear(): void;
  /**
   * Cosine distance to the nearest normal stretch that does not overlap with this one; undefined where there is none.
   * Embeddings of several widths (of ECHO, for several sampling rates) do not compare.
   */
  distanceOf(stretch: Stretch): number | undefined;
  state(): Normal;
};

/** More are not kept: every new stretch is compared with all of them. */
const MOST = 500;
/** From so many on, their own distances say something: a new normal one lies beyond all n of them once in n + 1 times. */
const ENOUGH = 5;

const overlaps = (a: Stretch, b: Stretch): boolean => a.sound === b.sound && a.start < b.end && b.start < a.end;

/** An empty collection. When it is full, the newest stretches stay. */
export function createNormalSounds(): NormalSounds {
  let known: Stretch[] = [];
  let limit: number | undefined;

  const distanceOf = (stretch: Stretch): number | undefined => {
    let nearest = Number.POSITIVE_INFINITY;
    for (const normal of known) {
      if (overlaps(stretch, normal) || stretch.vector.length !== normal.vector.length) continue;
      nearest = Math.min(nearest, distance(stretch.vector, normal.vector, 'cosine'));
    }
    return Number.isFinite(nearest) ? nearest : undefined;
  };

  return {
    add(stretches) {
      const fresh = stretches.filter((one) => !known.some((old) => old.sound === one.sound && old.start === one.start));
      known = [...known, ...fresh].slice(-MOST);
      const own = known.flatMap((stretch) => distanceOf(stretch) ?? []);
      limit = own.length >= ENOUGH ? Math.max(...own) : undefined;
    },
    clear() {
      known = [];
      limit = undefined;
    },
    distanceOf,
    state: () => ({ count: known.length, ...(limit !== undefined && { limit }) }),
  };
}

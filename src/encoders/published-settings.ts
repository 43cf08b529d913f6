// Finds settings in the nested configuration that comes with published weights.

type Kinds = { count: number; boolean: boolean };

const isKind: Record<keyof Kinds, (value: unknown) => boolean> = {
  count: (value) => Number.isSafeInteger(value) && Number(value) >= 1,
  boolean: (value) => typeof value === 'boolean',
};

/**
 * The first value stored under one of `keys` that is a boolean, or a count (a whole number from 1 on), anywhere in nested
 * settings; an earlier key goes before a later one. Undefined if there is none.
 */
export function findSetting<K extends keyof Kinds>(
  settings: unknown,
  kind: K,
  ...keys: readonly string[]
): Kinds[K] | undefined {
  for (const key of keys) {
    const value = find(settings, kind, key, 0);
    if (value !== undefined) return value as Kinds[K];
  }
  return undefined;
}

/** Counts by the names of hints, each found under its keys; those that no setting says are left out. */
export function findCounts<K extends string>(
  settings: unknown,
  keys: Readonly<Record<K, readonly string[]>>,
): Partial<Record<K, number>> {
  const found: Partial<Record<K, number>> = {};
  for (const hint of Object.keys(keys) as K[]) {
    const count = findSetting(settings, 'count', ...keys[hint]);
    if (count !== undefined) found[hint] = count;
  }
  return found;
}

/** How deep settings may nest. */
const MAX_DEPTH = 8;

function find(settings: unknown, kind: keyof Kinds, key: string, depth: number): unknown {
  if (typeof settings !== 'object' || settings === null || depth > MAX_DEPTH) return undefined;
  const own = (settings as Record<string, unknown>)[key];
  if (Object.hasOwn(settings, key) && isKind[kind](own)) return own;
  for (const value of Object.values(settings)) {
    const inner = find(value, kind, key, depth + 1);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

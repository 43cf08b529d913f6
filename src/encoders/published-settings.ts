// Finds settings in the nested configuration that comes with published weights.

type Kinds = { number: number; boolean: boolean; string: string };

/**
 * The first value of type `kind` stored under one of `keys`, anywhere in nested settings; an earlier key goes before a
 * later one. Undefined if there is none.
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

/** How deep settings may nest. */
const MAX_DEPTH = 8;

function find(settings: unknown, kind: keyof Kinds, key: string, depth: number): unknown {
  if (typeof settings !== 'object' || settings === null || depth > MAX_DEPTH) return undefined;
  const own = (settings as Record<string, unknown>)[key];
  if (Object.hasOwn(settings, key) && typeof own === kind) return own;
  for (const value of Object.values(settings)) {
    const inner = find(value, kind, key, depth + 1);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

// Of which layers of ECHO an embedding is made.
import { InputError } from '../signal/errors.ts';

/** What of ECHO's configuration says so. */
type PooledConfig = { pool?: string; depth: number };

export type EchoPool = {
  /** 0: patch embeddings, without positions; else tokens after so many blocks. */
  layer: number;
  weight: number;
}[];

/**
 * Reads `pool` of a configuration: layers from low to high, each with its weight; undefined where CLS is the embedding.
 * @throws InputError for a text that is none, and where no block is asked for
 */
export function echoPool({ pool, depth }: PooledConfig): EchoPool | undefined {
  if (pool === undefined) return undefined;
  const parts = pool.split(',').map((part) => {
    const [, layer, weight] = /^(\d+):(\d+(?:\.\d+)?)$/.exec(part.trim()) ?? [];
    return { layer: Number(layer), weight: Number(weight) };
  });
  const rising = parts.every(({ layer }, i) => i === 0 || layer > parts[i - 1].layer);
  if (!rising || parts.some(({ weight }) => !(weight > 0)) || !((parts.at(-1)?.layer ?? 0) >= 1)) {
    throw new InputError(
      `loadEncoder: expected layers from low to high with weights, such as 0:2,${depth}:1, as pool, got ${pool}`,
    );
  }
  return parts;
}

/** Values that a band has in the embedding, before its level. */
export const bandWidth = (config: PooledConfig & { width: number }): number =>
  (echoPool(config)?.length ?? 1) * config.width;

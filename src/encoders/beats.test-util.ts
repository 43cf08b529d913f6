// The small BEATs of the reference numbers.
import type { BeatsConfig } from './beats-transformer.ts';

export const small: BeatsConfig = {
  width: 64,
  depth: 3,
  heads: 4,
  hidden: 128,
  patchWidth: 32,
  buckets: 320,
  maxDistance: 800,
  convKernel: 128,
  convGroups: 16,
};

// An encoder that hears many recordings together: one alone is a batch of one.
import type { Encoder } from './types.ts';

/** Completes an encoder. */
export const batchEncoder = (encoder: Omit<Encoder, 'embed'>): Encoder => ({
  ...encoder,
  embed: async (recording, options) => (await encoder.embedMany([recording], options))[0],
});

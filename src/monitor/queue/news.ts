// What processes of a fleet tell each other: that something new is in the store, and that they live. Names and numbers
// only: whoever hears it reads the rest in the store, and what is lost on the way is found there with the next look.
import { z } from 'zod';
import type { Ingested } from '../ingest.ts';

const count = z.number().int().min(0).max(1e6);
const newsSchema = z.object({
  version: z.literal(1),
  machine: z.string().min(1).max(64),
  /** Of the recording. */
  hash: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** The version that scored it. */
  by: z.object({ name: z.string().max(64), version: z.number().int() }).optional(),
  scores: count,
  anomalous: count,
  /** Alarms that it raised and cleared. */
  changes: z
    .array(
      z.object({
        kind: z.enum(['fault', 'drift', 'sensor']),
        change: z.enum(['raised', 'cleared']),
        atMs: z.number(),
      }),
    )
    .max(100),
  /** A recording of the machine has become a dead letter. */
  buried: z.boolean(),
});
/** `left`: it has stopped, and is not to be waited for. */
const beatSchema = z.object({ version: z.literal(1), id: z.string().min(1).max(64), left: z.boolean() });

export type News = z.infer<typeof newsSchema>;
export type Beat = z.infer<typeof beatSchema>;

/** A worker says that it lives this often; one that has missed three times is counted no more. */
export const BEAT_MS = 5000;

/** The news of a result. */
export function newsOf({ recording, scores, changes }: Ingested): News {
  const [first] = scores;
  return {
    version: 1,
    machine: recording.machine,
    hash: recording.hash,
    ...(first && { by: { name: first.detector, version: first.version } }),
    scores: scores.length,
    anomalous: scores.filter(({ anomalous }) => anomalous).length,
    changes: changes.map(({ kind, change, atMs }) => ({ kind, change, atMs })),
    buried: false,
  };
}

/** The news that a recording of a machine is a dead letter. */
export const buriedNews = (machine: string): News => ({
  ...{ version: 1, machine, scores: 0, anomalous: 0, changes: [], buried: true },
});

function read<T>(schema: z.ZodType<T>, text: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Undefined for what is no news of this version. */
export const readNews = (text: string): News | undefined => read(newsSchema, text);
export const readBeat = (text: string): Beat | undefined => read(beatSchema, text);

// The state of a machine's alarms as it is stored between two recordings.
import { z } from 'zod';
import { InputError } from '../../signal/errors.ts';
import { type Flow, type Item, newFlow } from './flow.ts';
import type { AlarmKind, AlarmState } from './types.ts';

/** Whether an alarm is open, as it was told; `arrival`: the observation that decided. */
export type Told = { open: boolean; arrival: number };

/**
 * - `tail`: the last observations, in order of their times; a late one still finds its place among them.
 * - `base`: what came before; it stands as it was decided.
 */
export type Memory = { base: Flow; tail: Item[]; arrivals: number; told: Record<AlarmKind, Told> };

const untold: Told = { open: false, arrival: -1 };
export const newMemory: Memory = {
  base: newFlow,
  tail: [],
  arrivals: 0,
  told: { fault: untold, drift: untold, sensor: untold },
};

const runSchema = z.object({
  marks: z.array(z.object({ startMs: z.number(), endMs: z.number(), hit: z.boolean(), calm: z.boolean() })),
  sinceMs: z.number().optional(),
});
const driftSchema = z.object({
  sample: z.object({ fromMs: z.number(), count: z.number(), values: z.array(z.number()) }).optional(),
  reference: z.object({ level: z.number(), spread: z.number() }).optional(),
  levels: z.array(z.object({ fromMs: z.number(), level: z.number() })),
  shift: z.number(),
});
const itemSchema = z.object({
  startMs: z.number(),
  endMs: z.number(),
  // A constant recording may have no score; JSON knows no NaN.
  score: z.number(),
  threshold: z.number(),
  anomalous: z.boolean(),
  constant: z.boolean(),
  key: z.string(),
  arrival: z.number(),
});
const toldSchema = z.object({ open: z.boolean(), arrival: z.number() });
const stateSchema = z.object({
  version: z.literal(1),
  base: z.object({ scores: runSchema, samples: runSchema, drift: driftSchema, keys: z.array(z.string()) }),
  tail: z.array(itemSchema),
  arrivals: z.number(),
  told: z.object({ fault: toldSchema, drift: toldSchema, sensor: toldSchema }),
});

/** Plain JSON; a copy, so that it stays as it is. */
export const writeState = (memory: Memory): AlarmState => ({ version: 1, ...structuredClone(memory) });

/** @throws InputError for a state of another version, or none at all */
export function readState(state: AlarmState): Memory {
  const read = stateSchema.safeParse(state);
  if (!read.success) {
    const { path, message } = read.error.issues[0];
    throw new InputError(
      `createAlarms: expected a state of version 1, got ${path.join('.') || 'it'}: ${message}; begin without a state`,
    );
  }
  const { base, tail, arrivals, told } = read.data;
  return { base, tail, arrivals, told };
}

/**
 * The state for another version of the detector, whose scores are not comparable: what was seen is forgotten, and what
 * is usual is learned anew. Alarms that are open stay so until the new scores clear them.
 * @throws InputError as `createAlarms` does
 */
export function renewState(state: AlarmState): AlarmState {
  const { arrivals, told } = readState(state);
  return writeState({ ...newMemory, arrivals, told });
}

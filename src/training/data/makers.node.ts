// What a thread can make by number: clips for pre-training, and labelled crops for fine-tuning.
import { createClipMaker, type MakerData } from './clip-maker.node.ts';
import { createLabelledMaker, type LabelledData } from './labelled-maker.node.ts';
import type { LabelledCrop } from './labelled-types.ts';
import type { Clip, Maker } from './types.ts';

/** What each kind of job needs (plain data, for worker threads) and makes. */
export type Jobs = {
  clips: { data: MakerData; clip: Clip };
  labelled: { data: LabelledData; clip: LabelledCrop };
};

export type Job<K extends keyof Jobs = keyof Jobs> = { kind: K; data: Jobs[K]['data'] };

const makers: { [K in keyof Jobs]: (data: Jobs[K]['data']) => Maker<Jobs[K]['clip']> } = {
  clips: createClipMaker,
  labelled: createLabelledMaker,
};

/** The maker of a job. */
export const createMaker = <K extends keyof Jobs>({ kind, data }: Job<K>): Maker<Jobs[K]['clip']> => makers[kind](data);

// Options that all commands have which train in a run folder.
import type { OptionSpecs } from './command.ts';

export const runOptionSpecs = {
  run: { value: 'DIR', description: 'folder of the run' },
  resume: { description: 'go on with the run in the folder' },
} satisfies OptionSpecs;

export const accumulateOptionSpec = { value: 'N', description: 'batches per step, gradients averaged (default 1)' };

export const seedOptionSpec = { value: 'N', description: 'seed of everything (default 0)' };

// Options of detectors that have a bank for each machine.
import { dirname, resolve, sep } from 'node:path';
import { labelsFromFolders, type Naming, namesFromTable } from '../detection/labels.node.ts';
import { openShards, type Shards } from '../detection/shards.node.ts';
import { number, type OptionSpecs, type Options, text } from './command.ts';

export const machinesOptionSpec = {
  value: 'WHAT',
  description: 'a detector for each machine: `folder` (a folder per machine), or a table of file and machine',
} satisfies OptionSpecs[string];

export const shardOptionSpecs = {
  machines: {
    value: 'FILE',
    description: 'detectors of many machines: table of file and machine (default: the folder with the name of one)',
  },
  'detector-memory': { value: 'BYTES', description: 'detectors of many machines: memory for them (256 MiB)' },
} satisfies OptionSpecs;

/** Machines to fit: the first folder below the one that holds all files, or what a table says. */
export function machinesToFit(source: string, files: readonly string[]): Naming {
  if (source !== 'folder') return namesFromTable(source, files);
  const labels = labelsFromFolders(files);
  return (path) => labels(path)?.split('/')[0];
}

/** Machines of files to score: what a table says, or the innermost folder with the name of a machine. */
export function machinesToScore(options: Options, shards: Shards, files: readonly string[]): Naming {
  const table = text(options, 'machines');
  if (table !== undefined) return namesFromTable(table, files);
  return (path) =>
    dirname(resolve(path))
      .split(sep)
      .findLast((name) => shards.machines.has(name));
}

export const shardsFrom = (options: Options, folder: string): Shards =>
  openShards(folder, { maxBytes: number(options, 'detector-memory', { min: 1, integer: true }) });

// Scores for files of many machines, each by the detector of its machine.
import type { EmbedJob } from '../encoders/embed-file.node.ts';
import { embedFiles } from '../encoders/embed-pool.node.ts';
import { InputError, inputMessage } from '../signal/errors.ts';
import type { Naming } from './labels.node.ts';
import { type FileResult, type ScoreFilesOptions, scoreEmbedded } from './score-files.node.ts';
import type { Shard, Shards } from './shards.node.ts';

/**
 * Scores files, machine by machine, in memory bounded by that of `shards`. Files without a machine, and of machines that
 * have no detector, come back as failures.
 */
export async function* scoreShards(
  paths: readonly string[],
  shards: Shards,
  machineOf: Naming,
  options: ScoreFilesOptions,
): AsyncGenerator<FileResult> {
  const known: { path: string; machine: string; shard: Shard }[] = [];
  for (const path of paths) {
    const machine = machineOf(path);
    const shard = machine === undefined ? undefined : shards.machines.get(machine);
    if (machine !== undefined && shard) known.push({ path, machine, shard });
    else {
      const why = machine === undefined ? 'no machine is named for it' : `the detector has no machine ${machine}`;
      yield { path, scored: [], failures: [{ file: path, message: `${path}: ${why}` }] };
    }
  }
  // One machine after the other: each of them is read once.
  const sorted = known.toSorted((a, b) => (a.machine < b.machine ? -1 : a.machine > b.machine ? 1 : 0));
  const { read, part, resample, perSegment, workers, encoder } = options;
  const jobs = sorted.map(
    ({ path, shard }): EmbedJob => ({ path, read, preparation: { ...shard.signal, resample, part }, detail: 'none' }),
  );
  let at = 0;
  for await (const embedded of embedFiles(encoder, jobs, { workers })) {
    const { machine } = sorted[at++];
    try {
      const judges = await shards.judges(machine);
      if (!judges.scorer && !judges.diagnose)
        throw new InputError(`score: ${machine} has neither normal recordings nor labels`);
      yield await scoreEmbedded(embedded, judges, perSegment);
    } catch (error) {
      const failures = [
        ...embedded.failures,
        { file: embedded.path, message: `${embedded.path}: ${inputMessage(error)}` },
      ];
      yield { path: embedded.path, scored: [], failures };
    }
  }
}

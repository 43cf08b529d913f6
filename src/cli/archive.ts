// What embed and score share where workers do the work: options, the run over the queue, and its outcome.
import { createHash } from 'node:crypto';
import type { ArchivePlan } from '../monitor/hearing/archive-job.ts';
import { runArchive } from '../monitor/queue/archive-run.node.ts';
import { openBlobs } from '../monitor/store/open-blobs.node.ts';
import { flag, type OptionSpecs, type Options, required, text, UsageError } from './command.ts';
import { createProgress, note } from './output.ts';
import { partFrom, readOptionsFrom } from './recording-options.ts';
import { untilSignal } from './until-signal.ts';

export const archiveOptionSpecs = {
  queue: { value: 'URLS', description: 'let `thrum worker`s on these servers of NATS do it; --out is a folder then' },
  blobs: { value: 'URL', description: 'with --queue: store of the workers for large files (default: on the servers)' },
  shared: { description: 'with --queue: workers see the files under the same paths (thrum worker --archives)' },
} satisfies OptionSpecs;

/** What both kinds of plan say of the files. */
export function filesPlan(options: Options): Pick<ArchivePlan, 'read' | 'part'> {
  const part = partFrom(options);
  return {
    read: readOptionsFrom(options),
    ...(part && { part: { ...part, to: Number.isFinite(part.to) ? part.to : null } }),
  };
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** @throws UsageError for options that say how this machine would do it, and for those of --queue without it */
export function checkArchiveOptions(options: Options, unused: readonly string[]): void {
  const queued = text(options, 'queue') !== undefined;
  const wrong = (queued ? unused : ['blobs', 'shared']).find((name) => options[name] !== undefined);
  if (wrong !== undefined) throw new UsageError(`--${wrong} has no use ${queued ? 'with' : 'without'} --queue`);
}

/** Runs a plan over the queue; returns the exit status. A first signal ends it well, a second one at once. */
export async function runPlan(
  files: readonly string[],
  options: Options,
  plan: ArchivePlan,
  detector?: Uint8Array,
): Promise<number> {
  const folder = required(options, 'out', 'DIR');
  const servers = required(options, 'queue', 'URLS').split(',');
  const blobsUrl = text(options, 'blobs');
  const blobs = blobsUrl === undefined ? undefined : await openBlobs(blobsUrl);
  const stopping = new AbortController();
  void untilSignal().then(() => stopping.abort());
  const progress = createProgress(plan.kind === 'embed' ? 'embedded' : 'scored');
  try {
    const { failed, interrupted, rows, parts, ...done } = await runArchive({
      ...{ servers, files, plan, detector, folder, blobs, shared: flag(options, 'shared') },
      signal: stopping.signal,
      onProgress: progress.update,
      log: note,
    });
    progress.end();
    note(`${folder}: ${rows} rows of ${done.files} files in ${parts} partitions`);
    if (failed > 0)
      note(`${failed} of ${files.length} files could not be used, or not all of them: ${folder}/failed.csv`);
    if (interrupted) note('interrupted; give the same command again to go on');
    return interrupted ? 130 : failed > 0 ? 1 : 0;
  } finally {
    progress.end();
    await blobs?.close();
  }
}

// thrum embed: recordings as vectors, for any other tool.
import { extname } from 'node:path';
import type { EmbedJob, Failure } from '../encoders/embed-file.node.ts';
import { embedFiles } from '../encoders/embed-pool.node.ts';
import { type EmbeddingRow, embeddingRows } from '../encoders/embedding-rows.ts';
import { DEFAULT_ENCODER, identifyEncoder } from '../encoders/load.node.ts';
import { collectFiles } from '../signal/collect-files.node.ts';
import { archiveOptionSpecs, checkArchiveOptions, filesPlan, runPlan } from './archive.ts';
import { type Command, choice, flag, number, type Options, requireFiles, text, UsageError } from './command.ts';
import { EMBEDDING_FORMATS, encodeEmbeddings } from './embedding-file.ts';
import { checkWritable, createProgress, note, reportFailures, writeFileSafely } from './output.ts';
import {
  channelFrom,
  channelOptionSpec,
  encoderFrom,
  encoderOptionSpecs,
  partFrom,
  readOptionSpecs,
  readOptionsFrom,
  workersFrom,
} from './recording-options.ts';

async function embedOnQueue(paths: readonly string[], options: Options): Promise<number> {
  if ((choice(options, 'format', EMBEDDING_FORMATS) ?? 'parquet') !== 'parquet') {
    throw new UsageError('--queue writes Parquet only; leave --format out');
  }
  const { encoder: name } = encoderFrom(options, DEFAULT_ENCODER);
  const { fingerprint } = await identifyEncoder({ encoder: name });
  const rate = number(options, 'resample', { above: 0 });
  return runPlan(collectFiles(paths), options, {
    kind: 'embed',
    encoder: { name, fingerprint },
    channel: channelFrom(options),
    segmentSeconds: number(options, 'segment', { above: 0 }) ?? null,
    frames: flag(options, 'frames'),
    ...(rate !== undefined && { sampleRate: rate }),
    ...filesPlan(options),
  });
}

export const embedCommand: Command = {
  summary: 'turn recordings into embeddings',
  usage: 'FILES… [--encoder ID] [--format F] [--out FILE] [options]',
  details:
    'With --queue, any number of thrum worker processes share the work, and --out is a folder of Parquet files. Given again, the\nsame command goes on where it was.',
  examples: [
    'thrum embed recordings/ --encoder echo-small --format npz --out embeddings.npz',
    'thrum embed archive/ --encoder echo-small --queue nats://broker:4222 --out embeddings/',
  ],
  options: {
    out: { value: 'FILE', short: 'o', description: 'file to write (default: standard output, jsonl only)' },
    format: { value: 'F', description: 'jsonl, npz or parquet (default: by the name of the file, else jsonl)' },
    frames: { description: 'features over time instead of one vector per segment' },
    segment: { value: 'SECONDS', description: 'cut recordings into pieces of this length (default: whole recordings)' },
    channel: channelOptionSpec,
    resample: { value: 'HZ', description: 'convert all recordings to this rate' },
    ...readOptionSpecs,
    ...encoderOptionSpecs,
    ...archiveOptionSpecs,
  },
  async run(paths, options) {
    requireFiles(paths);
    checkArchiveOptions(options, ['provider', 'workers']);
    if (text(options, 'queue') !== undefined) return embedOnQueue(paths, options);
    const out = text(options, 'out');
    const byName = EMBEDDING_FORMATS.find((format) => out?.endsWith(`.${format}`));
    const asked = choice(options, 'format', EMBEDDING_FORMATS);
    const format = asked ?? byName ?? 'jsonl';
    if (out === undefined && format !== 'jsonl') throw new UsageError(`--format ${format} needs --out FILE`);
    if (out !== undefined && extname(out) !== '' && !byName && !asked) {
      throw new UsageError(`--out: expected a name ending in ${EMBEDDING_FORMATS.join(', ')}, or --format; got ${out}`);
    }
    if (out !== undefined) checkWritable(out);
    const files = collectFiles(paths);
    const frames = flag(options, 'frames');
    const rate = number(options, 'resample', { above: 0 });
    const preparation = {
      channel: channelFrom(options),
      segmentSeconds: number(options, 'segment', { above: 0 }) ?? null,
      part: partFrom(options),
      ...(rate !== undefined && { sampleRate: rate, resample: true }),
    };
    const jobs = files.map(
      (path): EmbedJob => ({ path, read: readOptionsFrom(options), preparation, detail: frames ? 'values' : 'none' }),
    );
    const rows: EmbeddingRow[] = [];
    const failures: Failure[] = [];
    const progress = createProgress('embedded');
    let done = 0;
    let count = 0;
    const encoder = encoderFrom(options, DEFAULT_ENCODER);
    await identifyEncoder(encoder);
    for await (const result of embedFiles(encoder, jobs, { workers: workersFrom(options) })) {
      failures.push(...result.failures);
      const found = result.recordings.flatMap((recording) => embeddingRows(recording, frames));
      if (frames && found.length === 0 && result.recordings.length > 0) {
        failures.push({
          file: result.path,
          message: `${result.path}: this encoder has no features over time; leave --frames out`,
        });
      }
      count += found.length;
      // Lines go out as they come; the other formats need all rows to know their sizes.
      if (out === undefined) process.stdout.write(encodeEmbeddings(found, 'jsonl'));
      else rows.push(...found);
      progress.update(++done, files.length);
    }
    progress.end();
    if (out !== undefined && rows.length > 0) {
      writeFileSafely(out, encodeEmbeddings(rows, format));
      note(`${count} embeddings of ${rows[0].vector.length} values written to ${out}`);
    } else if (out !== undefined) note(`nothing could be embedded, ${out} is as it was`);
    return reportFailures(failures, files.length);
  },
};

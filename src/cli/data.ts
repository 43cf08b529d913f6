// thrum data check: what is in a folder of recordings, and what is wrong with it.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { collectFiles } from '../signal/collect-files.node.ts';
import { InputError } from '../signal/errors.ts';
import { readRecordingFile } from '../signal/read-file.node.ts';
import { duration } from '../signal/recording.ts';
import { checkFinite, isConstant } from '../signal/segments.ts';
import { type Command, flag, requireFiles, UsageError } from './command.ts';
import { createProgress, note, print } from './output.ts';
import { readOptionSpecs, readOptionsFrom } from './recording-options.ts';

type Kind = { sampleRate: number; channels: number; count: number; seconds: number };

type Survey = {
  files: number;
  recordings: number;
  kinds: Kind[];
  unreadable: { file: string; message: string }[];
  duplicates: { file: string; same: string }[];
  constant: string[];
};

async function survey(files: readonly string[], read: ReturnType<typeof readOptionsFrom>): Promise<Survey> {
  const result: Survey = {
    files: files.length,
    recordings: 0,
    kinds: [],
    unreadable: [],
    duplicates: [],
    constant: [],
  };
  const kinds = new Map<string, Kind>();
  const seen = new Map<string, string>();
  const progress = createProgress('checked');
  for (const [i, file] of files.entries()) {
    progress.update(i, files.length);
    try {
      const recordings = await readRecordingFile(file, read);
      const hash = createHash('sha256').update(readFileSync(file)).digest('hex');
      const same = seen.get(hash);
      if (same) result.duplicates.push({ file, same });
      else seen.set(hash, file);
      for (const recording of recordings) checkFinite(recording);
      for (const recording of recordings) {
        const { sampleRate, channels, name } = recording;
        const key = `${sampleRate}/${channels.length}`;
        const kind = kinds.get(key) ?? { sampleRate, channels: channels.length, count: 0, seconds: 0 };
        kinds.set(key, { ...kind, count: kind.count + 1, seconds: kind.seconds + duration(recording) });
        result.recordings++;
        if (isConstant(recording)) result.constant.push(name);
      }
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      result.unreadable.push({ file, message: error.message.replace(/\s*\n\s*/g, ' ') });
    }
  }
  progress.end();
  result.kinds = [...kinds.values()].sort((a, b) => b.count - a.count);
  return result;
}

export const dataCommand: Command = {
  summary: 'check what is in a folder of recordings',
  usage: 'check FOLDER… [options]',
  examples: ['thrum data check recordings/', 'thrum data check cwru/ --rate 12000 --json'],
  options: { ...readOptionSpecs, json: { description: 'print JSON' } },
  async run([action, ...paths], options) {
    if (action !== 'check') throw new UsageError(`expected check, got ${action ?? 'nothing'}`);
    requireFiles(paths);
    const result = await survey(collectFiles(paths), readOptionsFrom(options));
    if (flag(options, 'json')) print(JSON.stringify(result));
    else {
      print(`${result.files} files, ${result.recordings} recordings`);
      for (const { count, sampleRate, channels, seconds } of result.kinds) {
        print(
          `  ${count} at ${sampleRate} Hz, ${channels} ${channels === 1 ? 'channel' : 'channels'}, ${(seconds / 60).toFixed(1)} min`,
        );
      }
      if (result.kinds.length > 1)
        note('several kinds: a detector takes one rate and one number of channels (--resample, --channel)');
      for (const { file, same } of result.duplicates) print(`duplicate: ${file} has the same content as ${same}`);
      for (const name of result.constant) print(`silent: ${name}: every sample is the same`);
      for (const { message } of result.unreadable) print(`unreadable: ${message}`);
    }
    return result.unreadable.length > 0 ? 1 : 0;
  },
};

// What options of thrum data generate scenes ask for, and which are wrong usage.
import { describe, expect, it } from 'vitest';
import { InputError, readArguments, UsageError } from './command.ts';
import { dataCommand } from './data.ts';

const sources = ['--esc50', 'nowhere', '--responses', 'nowhere', '--out', 'new'];

describe('thrum data generate with sources', () => {
  it.each<[string, string[], RegExp]>([
    ['another set', ['fsdd', ...sources], /^--esc50: expected generate scenes alone$/],
    ['two sets', ['scenes', 'fsdd', ...sources], /^--esc50: expected generate scenes alone$/],
    ['one source', ['scenes', '--responses', 'nowhere', '--out', 'new'], /^expected --esc50 DIR with --responses$/],
    ['no place', ['scenes', ...sources.slice(0, 4)], /^expected --out DIR$/],
    ['a length', ['scenes', ...sources, '--seconds', '2'], /^--seconds: expected without --esc50: /],
  ])('refuses %s', async (_, args, message) => {
    const { files, options } = readArguments(dataCommand, ['generate', ...args]);
    const run = dataCommand.run(files, options);
    await expect(run).rejects.toThrow(UsageError);
    await expect(run).rejects.toThrow(message);
  });

  it('names what is missing before it writes', async () => {
    const { files, options } = readArguments(dataCommand, ['generate', 'scenes', ...sources]);
    const run = dataCommand.run(files, options);
    await expect(run).rejects.toThrow(InputError);
    await expect(run).rejects.toThrow(/^buildScenes: expected the responses Shure315_flat\.wav/);
  });
});

// Pre-training as a user does it: a tiny run to its end, the same run interrupted, and what is refused.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  complaints,
  hum,
  jsonLines,
  mainScript,
  output,
  refusal,
  scratchFolder,
  thrum,
  writeHums,
  writeRecording,
} from './run-cli.ts';

const { folder, at } = scratchFolder();
const here = { cwd: folder };

writeHums(at('rec'), 3);
writeRecording(at('rec', 'high.wav'), [hum(1, 25_600, 9, 3000)], 25_600);
// Left out by its name: reading it would be a warning.
writeFileSync(at('rec', 'test.wav'), 'minutes of a meeting\n');
writeFileSync(at('text.wav'), 'minutes of a meeting\n');
writeRecording(at('slow.wav'), [hum(20, 50, 4, 3)], 50);
writeHums(at('a=2'), 1);

const tiny = ['--size', 'tiny', '--batch', '2', '--patches', '4', '--warm-up', '2', '--learning-rate', '0.01'];
const data = ['--data', 'rec/,simulator=2', '--include', '^(hum|high)'];
const pretrain = (run: string, ...more: string[]) => [
  ...['pretrain', 'echo', ...data, '--run', run, ...tiny, '--steps', '5', '--save-every', '2', ...more],
];

/** Everything logged, but for what a clock says. */
const logOf = (run: string) =>
  readFileSync(at(run, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => ({ ...JSON.parse(line), seconds: 0, clipsPerSecond: 0 }));

/** Starts a run, and sends it a signal as soon as the checkpoint of step 2 is there. */
async function interrupted(run: string, signal: 'SIGINT' | 'SIGKILL') {
  const child = spawn(process.execPath, [mainScript, ...pretrain(run)], { ...here, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => {
    said.stdout += text;
  });
  child.stderr.on('data', (text) => {
    said.stderr += text;
  });
  const ended = once(child, 'close');
  while (child.exitCode === null && !existsSync(at(run, 'checkpoint-00000002.safetensors'))) await sleep(5);
  child.kill(signal);
  const [status] = await ended;
  return { ...said, status: status as number | null };
}

/** The end of an interrupted run is that of the one that was never interrupted. */
function expectAsWhole(run: string): void {
  const encoder = readFileSync(at(run, 'encoder.safetensors'));
  expect(encoder.equals(readFileSync(at('whole', 'encoder.safetensors')))).toBe(true);
  expect(logOf(run)).toEqual(logOf('whole'));
}

let whole: ReturnType<typeof thrum>;
beforeAll(() => {
  whole = thrum(pretrain('whole'), here);
});

describe('a run', () => {
  it('ends with one line and a folder of what it found', () => {
    expect(output(whole)).toMatch(/^echo-tiny: 5 steps done; use it with --encoder whole\/encoder\.safetensors, .*\n$/);
    expect(whole.stderr).toBe('');
    expect(readdirSync(at('whole')).sort()).toEqual([
      'checkpoint-00000004.safetensors',
      'checkpoint-00000005.safetensors',
      'config.json',
      'encoder.safetensors',
      'index.html',
      'metrics.jsonl',
    ]);
    expect(logOf('whole').map(({ step }) => step)).toEqual([2, 4, 5]);
  });

  it('makes an encoder that other commands take', () => {
    const encoder = at('whole', 'encoder.safetensors');
    const [{ embedding }] = jsonLines<{ embedding: number[] }>(
      thrum(['embed', 'rec/hum00.wav', '--encoder', encoder, '--workers', '0'], here),
    );
    // Bins of 40 Hz up to 4 kHz: 101 of them, in four bands.
    expect(embedding).toHaveLength(4 * 192);
    expect(embedding.every(Number.isFinite)).toBe(true);
    expect(new Set(embedding).size).toBeGreaterThan(100);
    expect(JSON.parse(output(thrum(['models', 'info', encoder], here)))).toMatchObject({
      family: 'echo',
      config: { width: 192, depth: 12, heads: 3 },
    });
  });

  it('that is done does no more, and says so again', () => {
    const before = readFileSync(at('whole', 'metrics.jsonl'), 'utf8');
    expect(output(thrum(pretrain('whole', '--resume'), here))).toBe(whole.stdout);
    expect(readFileSync(at('whole', 'metrics.jsonl'), 'utf8')).toBe(before);
  });
});

// Windows has no signals that a process could hear.
describe.skipIf(process.platform === 'win32')('an interrupted run', () => {
  it('stopped by Ctrl-C names the command that goes on, which ends alike', async () => {
    const stopped = await interrupted('stopped', 'SIGINT');
    expect(complaints(stopped, 130)).toEqual([expect.stringContaining('stopping after this step')]);
    const [, command] = /stopped after step [34] with a checkpoint; go on with\n {2}thrum (.*)\n$/.exec(
      stopped.stdout,
    ) as RegExpExecArray;
    const words = command.split(' ').map((word) => word.replace(/^'(.*)'$/, '$1'));
    expect(words.slice(0, 2)).toEqual(['pretrain', 'echo']);
    expect([...words].sort()).toEqual(pretrain('stopped', '--resume').sort());
    output(thrum(words, here));
    expectAsWhole('stopped');
  });

  it('killed ends alike, too, with clips made on the main thread', async () => {
    expect((await interrupted('killed', 'SIGKILL')).status).toBeNull();
    expect(existsSync(at('killed', 'run.lock'))).toBe(true);
    output(thrum(pretrain('killed', '--resume', '--workers', '0'), here));
    expectAsWhole('killed');
  });
});

describe('refused', () => {
  const echo = (source: string, ...more: string[]) => ['echo', '--data', source, '--run', 'new', ...tiny, ...more];
  const usage: [string, string[], RegExp][] = [
    ['no recipe', ['--data', 'rec', '--run', 'new'], /expected one of echo, fisher, eat, got nothing/],
    ['an unknown recipe', ['mae', '--data', 'rec', '--run', 'new'], /expected one of echo, fisher, eat, got mae/],
    ['no data', ['echo', '--run', 'new'], /expected --data LIST/],
    ['no folder', ['echo', '--data', 'rec'], /expected --run DIR/],
    ['an unknown size', echo('rec', '--size', 'huge'), /--size: expected one of tiny, small, base, large, got huge/],
    ['a size of another recipe', ['fisher', ...echo('rec', '--size', 'base').slice(1)], /expected one of tiny, mini/],
    ['a weight of 0', echo('rec=0'), /--data: expected a weight above 0, got 0 \(rec\)/],
    ['an empty name', echo('rec,,simulator'), /--data: expected names separated by single commas/],
    ['a filter without files', echo('simulator', '--include', 'a'), /--include: expected files in --data/],
    [
      'more patches than FISHER reads',
      ['fisher', ...echo('rec', '--patches', '65').slice(1)],
      /--patches: .* at most 64/,
    ],
  ];
  it.each(usage)('%s: wrong usage', (_, args, message) => {
    expect(refusal(thrum(['pretrain', ...args], here), 2)).toMatch(message);
  });

  const input: [string, string[], RegExp][] = [
    ['a folder that is not there', echo('nowhere=2'), /nowhere: no such file or folder/],
    ['files that cannot be read', echo('text.wav'), /expected a readable recording among 1, found none/],
    ['a filter that nothing passes', echo('rec', '--include', '^x'), /whose name matches \^x, found none of 5 \(rec\)/],
    ['a filter that is none', echo('rec', '--include', '('), /expected a regular expression as include, got \(/],
    [
      'a rate too low',
      echo('slow.wav'),
      /found none; the last one: slow\.wav: expected a rate of at least 100 Hz, got 50 Hz/,
    ],
    ['a run that is not there', echo('rec', '--resume'), /expected a run in new, found no such folder/],
    ['a file as the folder', echo('rec', '--run', 'text.wav'), /text\.wav/],
    ['a folder with a run', pretrain('whole').slice(1), /found config\.json in whole; resume that run/],
    ['other settings', pretrain('whole', '--resume', '--seed', '1').slice(1), /expected seed 0 as the run .*, got 1/],
    // Not `a` with a weight: the folder is there.
    ['another path', pretrain('whole', '--resume', '--data', 'a=2,simulator=2').slice(1), /"rec\/" .* got "a=2"/],
    ['fewer steps', pretrain('whole', '--resume', '--steps', '4').slice(1), /steps may grow, not shrink/],
  ];
  it.each(input)('%s: one line, and no folder is left', (_, args, message) => {
    expect(refusal(thrum(['pretrain', ...args], here), 1)).toMatch(message);
    expect(existsSync(at('new'))).toBe(false);
  });

  it('a folder that another run holds', () => {
    const holder = { pid: process.pid, host: hostname() };
    writeFileSync(at('whole', 'run.lock'), JSON.stringify(holder));
    expect(refusal(thrum(pretrain('whole', '--resume'), here), 1)).toMatch(
      new RegExp(`expected whole free, but process ${process.pid} on .* holds it`),
    );
    rmSync(at('whole', 'run.lock'));
  });
});

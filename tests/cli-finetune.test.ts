// Fine-tuning as a user does it: for anomalous sound and for labels, to the end, interrupted, and what is refused.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeTiny } from '../src/training/tuned.test-util.ts';
import {
  complaints,
  hum,
  jsonLines,
  mainScript,
  output,
  refusal,
  scratchFolder,
  thrum,
  writeRecording,
} from './run-cli.ts';

const { folder, at } = scratchFolder();
const here = { cwd: folder };

writeTiny('echo', at('tiny.safetensors'));
writeTiny('wav2vec2', at('speech.safetensors'));
for (let i = 0; i < 4; i++) {
  writeRecording(at('rec', 'low', `${i}.wav`), [hum(0.7, 8000, i + 1, 300)]);
  writeRecording(at('rec', 'high', `${i}.wav`), [hum(0.7, 8000, i + 9, 2000)]);
}
cpSync(at('rec'), at('mixed'), { recursive: true });
writeFileSync(at('mixed', 'low', 'text.wav'), 'minutes of a meeting\n');
const table = (header: string, row: (i: number) => string[]): string =>
  `${[header, ...[0, 1, 2, 3].flatMap(row)].join('\n')}\n`;
writeFileSync(
  at('several.csv'),
  table('file,label', (i) => [`rec/low/${i}.wav,low;steady`, `rec/high/${i}.wav,high${i % 2 ? ';steady' : ''}`]),
);
writeFileSync(
  at('attributes.csv'),
  table('file_name,d1p,d1v,machine,domain', (i) => [
    `rec/low/${i}.wav,spd,3,my fan,source`,
    `rec/high/${i}.wav,spd,7,my fan,${i % 2 ? 'source' : 'target'}`,
  ]),
);
for (const side of ['a', 'b']) {
  writeRecording(at('one', side === 'a' ? 'a' : '', `${side}.wav`), [hum(0.7, 8000, 3)]);
  writeRecording(at('silent', side, '1.wav'), [new Float32Array(4000)]);
  writeRecording(at('broken', side, '1.wav'), [hum(0.5, 8000, 3)]);
  const bytes = readFileSync(at('broken', side, '1.wav'));
  // No writer lets NaN through.
  writeFileSync(at('broken', side, '1.wav'), bytes.fill(Buffer.of(0, 0, 0xc0, 0x7f), bytes.length - 16_000));
}

const quick = ['--encoder', 'tiny.safetensors', '--batch', '4', '--crop', '0.4'];
const asd = (run: string, ...more: string[]) => [
  ...['finetune', 'asd', '--data', 'small/dcase2023', '--run', run, ...quick, '--width', '16'],
  ...['--steps', '40', '--save-every', '5', '--segment-pooling', '--segment-steps', '10', ...more],
];
const classify = (run: string, ...more: string[]) => ['finetune', 'classify', '--run', run, ...quick, ...more];
const onHums = (run: string, ...more: string[]) => classify(run, '--data', 'rec', ...more);
/** What a few steps are enough for. */
const easily = ['--tune', 'head', '--pooling', 'attentive', '--layers', 'mix', '--learning-rate', '0.03'];

const filesOf = (...names: string[]): string[] => readdirSync(at(...names)).sort();
const bytesOf = (...names: string[]): Buffer => readFileSync(at(...names));
const logOf = (...names: string[]) =>
  readFileSync(at(...names, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => ({ ...JSON.parse(line), seconds: 0, clipsPerSecond: 0 }));

/** Starts a run, and sends it a signal as soon as a folder in it holds a checkpoint. */
async function interrupted(args: string[], signal: 'SIGINT' | 'SIGKILL', ...where: string[]) {
  const child = spawn(process.execPath, [mainScript, ...args], { ...here, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => {
    said.stdout += text;
  });
  child.stderr.on('data', (text) => {
    said.stderr += text;
  });
  const ended = once(child, 'close');
  const begun = () => existsSync(at(...where)) && filesOf(...where).some((name) => /^checkpoint-\d+\.safe/.test(name));
  while (child.exitCode === null && !begun()) await sleep(5);
  child.kill(signal);
  const [status] = await ended;
  return { ...said, status: status as number | null };
}

let whole: ReturnType<typeof thrum>;
beforeAll(() => {
  const data = ['data', 'generate', 'dcase2023', '--set', 'development', '--train', '6+2', '--per-class', '1'];
  output(thrum([...data, '--seconds', '2', '--out', 'small'], here));
  const machines = filesOf('small', 'dcase2023', 'dev_data');
  expect(machines).toHaveLength(7);
  for (const machine of machines) {
    if (machine !== 'fan' && machine !== 'valve')
      rmSync(at('small', 'dcase2023', 'dev_data', machine), { recursive: true });
  }
  whole = thrum(asd('whole'), here);
});

describe('finetune asd', () => {
  it('ends with an encoder that pools, and a detector for every machine', () => {
    // Attributes of each machine, at three speeds each.
    const [first, ...lines] = output(whole).trimEnd().split('\n');
    expect(first).toMatch(/^finetune asd: 16 recordings of \d+ classes; encoder whole\/pooling\/encoder\.safetensors$/);
    expect(Number(/of (\d+) classes/.exec(first)?.[1]) % 3).toBe(0);
    expect(lines).toEqual(
      ['fan', 'valve'].map((machine) => `  thrum score FILES… --detector whole/pooling/detectors/${machine}.thrum`),
    );
    expect(whole.stderr).toBe('');
    const run = ['checkpoint-00000035', 'checkpoint-00000040', 'encoder'].map((name) => `${name}.safetensors`);
    const others = ['config.json', 'index.html', 'metrics.jsonl'];
    expect(filesOf('whole')).toEqual([...run, ...others, 'pooling', 'segments.safetensors'].sort());
    expect(filesOf('whole', 'pooling', 'detectors')).toEqual(['fan.thrum', 'valve.thrum']);
    expect(logOf('whole').map(({ step }) => step)).toEqual(Array.from({ length: 8 }, (_, i) => 5 * (i + 1)));
    expect(logOf('whole', 'pooling').at(-1)?.step).toBe(10);
  });

  it('makes detectors that score, with the encoder beside them', () => {
    const test = 'small/dcase2023/dev_data/fan/test';
    const rows = jsonLines<{ recording: string; score: number; pValue: number }>(
      thrum(['score', test, '--detector', 'whole/pooling/detectors/fan.thrum', '--json', '--workers', '0'], here),
    );
    expect(rows.map(({ recording }) => recording)).toEqual(filesOf(test).map((name) => `${test}/${name}`));
    expect(rows.every(({ score, pValue }) => score > 0 && pValue > 0 && pValue <= 1)).toBe(true);
    const info = output(thrum(['models', 'info', 'whole/pooling/encoder.safetensors'], here));
    expect(JSON.parse(info)).toMatchObject({
      family: 'tuned',
      config: { base: { family: 'echo' }, embedding: 16, pooling: 'attentive', segments: { heads: 8 } },
    });
  });

  it('that is done does no more, and says so again', () => {
    const before = bytesOf('whole', 'metrics.jsonl');
    expect(output(thrum(asd('whole', '--resume'), here))).toBe(whole.stdout);
    expect(bytesOf('whole', 'metrics.jsonl')).toEqual(before);
    cpSync(at('whole'), at('longer'), { recursive: true });
    expect(refusal(thrum(asd('longer', '--resume', '--steps', '41'), here), 1)).toMatch(
      /expected the encoder that longer\/pooling began with, found one trained further since; remove longer\/pooling/,
    );
  });

  it('takes a table of attributes, and says what it learned as JSON', () => {
    const args = ['finetune', 'asd', '--labels', 'attributes.csv', '--run', 'table', ...quick, '--speeds', '1'];
    const learn = ['--steps', '2', '--tune', 'low-rank', '--rank', '2', '--loss', 'adacos', '--json'];
    const [result] = jsonLines<Record<string, unknown>>(thrum([...args, ...learn], here));
    expect(result).toMatchObject({
      classes: 2,
      recordings: 8,
      encoder: 'table/encoder.safetensors',
      detectors: ['table/detectors/my_fan.thrum'],
    });
    const layers = result.layers as number[];
    expect(layers).toHaveLength(3);
    expect(layers.reduce((sum, share) => sum + share)).toBeCloseTo(1, 6);
    const rows = jsonLines<{ score: number }>(
      thrum(['score', 'rec', '--detector', 'table/detectors/my_fan.thrum', '--json', '--workers', '0'], here),
    );
    expect(rows).toHaveLength(8);
  });
});

// Windows has no signals that a process could hear.
describe.skipIf(process.platform === 'win32')('an interrupted run', () => {
  it('stopped by Ctrl-C names the command that goes on; killed while it pools, it ends alike', async () => {
    const stopped = await interrupted(asd('broken off'), 'SIGINT', 'broken off');
    expect(complaints(stopped, 130)).toEqual([expect.stringContaining('stopping after this step')]);
    const [, command] = /stopped after step \d+ with a checkpoint; go on with\n {2}thrum (.*)\n$/.exec(
      stopped.stdout,
    ) as RegExpExecArray;
    const words = [...command.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);
    expect([...words].sort()).toEqual(asd('broken off', '--resume').sort());
    expect((await interrupted(words, 'SIGKILL', 'broken off', 'pooling')).status).toBeNull();
    output(thrum(words, here));
    for (const names of [['encoder.safetensors'], ['pooling', 'encoder.safetensors']]) {
      expect(bytesOf('broken off', ...names).equals(bytesOf('whole', ...names))).toBe(true);
    }
    expect(logOf('broken off')).toEqual(logOf('whole'));
    expect(logOf('broken off', 'pooling')).toEqual(logOf('whole', 'pooling'));
  });

  it('of labels ends alike after kill -9, with crops made on the main thread', async () => {
    const options = ['--steps', '40', '--save-every', '5', '--drop-path', '0.2', '--mixup', '0.4'];
    output(thrum(onHums('labels', ...options), here));
    expect((await interrupted(onHums('killed', ...options), 'SIGKILL', 'killed')).status).toBeNull();
    output(thrum(onHums('killed', ...options, '--resume', '--workers', '0'), here));
    expect(bytesOf('killed', 'encoder.safetensors').equals(bytesOf('labels', 'encoder.safetensors'))).toBe(true);
    expect(logOf('killed')).toEqual(logOf('labels'));
  });
});

type Heard = { recording: string; labels: { label: string; probability: number }[] };

describe('finetune classify', () => {
  it('learns a folder per label, passes bad files over, and is asked about others', () => {
    const run = classify('folders', '--data', 'mixed', '--test', 'rec', ...easily, '--steps', '40');
    const trained = thrum(run, here);
    expect(complaints(trained, 0)).toEqual([expect.stringMatching(/^note: .*text\.wav.*$/)]);
    expect(trained.stdout).toBe(
      'accuracy 100.00 % on 8 recordings\nfinetune classify: encoder folders/encoder.safetensors\n',
    );
    const result = JSON.parse(readFileSync(at('folders', 'result.json'), 'utf8'));
    expect(result).toMatchObject({ recordings: 8, figures: { accuracy: { value: 1 } } });
    expect(result.asked[0]).toEqual({ file: 'rec/high/0.wav', truth: 'high', predicted: 'high' });
  });

  it('makes a model that labels recordings, one by one', () => {
    writeFileSync(at('bad.wav'), 'minutes of a meeting\n');
    const args = ['classify', 'rec/low', 'bad.wav', 'rec/high/1.wav', '--model', 'folders/encoder.safetensors'];
    const shown = thrum([...args, '--workers', '0'], here);
    expect(complaints(shown, 1)).toEqual([
      expect.stringMatching(/^failed: .*bad\.wav/),
      'note: 1 of 6 inputs could not be used',
    ]);
    const rows = shown.stdout.trimEnd().split('\n');
    expect(rows).toHaveLength(5);
    expect(rows[4]).toMatch(/^rec\/high\/1\.wav {2}high \d+\.\d % {2}low \d+\.\d %$/);
    const heard = jsonLines<Heard>(thrum([...args, '--json', '--workers', '0'], here), 1);
    for (const { recording, labels } of heard) {
      expect(labels.map(({ label }) => label).sort()).toEqual(['high', 'low']);
      expect(recording).toContain(labels[0].label);
      expect(labels[0].probability + labels[1].probability).toBeCloseTo(1, 9);
    }
  });

  it('may go on for more steps than it was begun with', () => {
    complaints(thrum(classify('folders', '--data', 'mixed', ...easily, '--steps', '50', '--resume'), here), 0);
    expect(logOf('folders').at(-1)?.step).toBe(50);
  });

  it('trains on all but a part, each part once', () => {
    const folds = onHums('folds', '--folds', '2', '--steps', '2');
    const printed = output(thrum(folds, here));
    expect(printed).toMatch(
      /^fold 1: accuracy \S+ % on 4 recordings\nfold 2: accuracy \S+ % on 4 .*\nmean over folds \S+ %\n.*: a run per fold in folds\n$/,
    );
    const asked = ['fold-1', 'fold-2'].flatMap((fold) => {
      const { asked: own } = JSON.parse(readFileSync(at('folds', fold, 'result.json'), 'utf8'));
      return own.map(({ file }: { file: string }) => file);
    });
    expect(asked.sort()).toEqual(['high', 'low'].flatMap((label) => [0, 1, 2, 3].map((i) => `rec/${label}/${i}.wav`)));
    expect(output(thrum([...folds, '--resume'], here))).toBe(printed);
  });

  it('learns several labels of a recording at once', () => {
    // A label that was not learned is no class.
    writeFileSync(at('asked.csv'), 'file,label\nrec/low/1.wav,low;steady\nrec/high/0.wav,high;new\n');
    const args = classify('several', '--labels', 'several.csv', '--several', '--test', 'asked.csv', '--steps', '60');
    expect(output(thrum([...args, ...easily], here))).toMatch(/^mean average precision 100\.00 % on 2 recordings\n/);
    const [{ labels }] = jsonLines<Heard>(
      thrum(['classify', 'rec/low/0.wav', '--model', 'several/encoder.safetensors', '--json', '--workers', '0'], here),
    );
    const found = Object.fromEntries(labels.map(({ label, probability }) => [label, probability]));
    expect(Object.keys(found).sort()).toEqual(['high', 'low', 'steady']);
    expect(found.low).toBeGreaterThan(0.5);
    expect(found.steady).toBeGreaterThan(0.5);
    expect(found.high).toBeLessThan(0.5);
  });

  it('knows data sets with a division of their own', () => {
    output(thrum(['data', 'generate', 'esc50', '--per-class', '2', '--seconds', '0.4', '--out', 'small'], here));
    output(thrum(['data', 'generate', 'fsdd', '--per-class', '31', '--seconds', '0.1', '--out', 'small'], here));
    // Takes from 5 on are for learning.
    for (const name of filesOf('small', 'fsdd', 'recordings')) {
      if (/_[1-4]\.wav$/.test(name)) rmSync(at('small', 'fsdd', 'recordings', name));
    }
    const few = ['--steps', '1', '--tune', 'head'];
    const folds = thrum(classify('esc50', '--data', 'small/esc50', '--test-fold', '1', ...few), here);
    expect(output(folds)).toMatch(/^accuracy \S+ % on 50 recordings\n/);
    const { asked } = JSON.parse(readFileSync(at('esc50', 'result.json'), 'utf8'));
    expect(asked.every(({ file }: { file: string }) => /esc50.audio.1-/.test(file))).toBe(true);
    const digits = thrum(classify('fsdd', '--data', 'small/fsdd', '--encoder', 'speech.safetensors', ...few), here);
    expect(output(digits)).toMatch(/^accuracy \S+ % on 60 recordings\n/);
  });
});

describe('refused', () => {
  const on = (kind: string, data: string, ...more: string[]) => [
    kind,
    '--data',
    data,
    '--run',
    'new',
    ...quick,
    ...more,
  ];
  const usage: [string, string[], RegExp][] = [
    ['no kind', ['--data', 'rec', '--run', 'new'], /expected one of asd, classify, ablation, got nothing/],
    ['a folder and a table', on('asd', 'rec', '--labels', 'several.csv'), /--labels: expected without --data/],
    ['options of the other kind', on('classify', 'rec', '--width', '8'), /--width: expected with finetune asd or ablation, not with classify/],
  ];
  it.each(usage)('%s: wrong usage', (_, args, message) => {
    expect(refusal(thrum(['finetune', ...args], here), 2)).toMatch(message);
  });

  const input: [string, string[], RegExp][] = [
    ['a folder that is not there', on('asd', 'nowhere'), /nowhere: no such file or folder/],
    ['one class', on('asd', 'rec/low'), /expected one folder per label, but all files lie in/],
    ['a recording beside the folders', on('classify', 'one'), /expected a folder per label, found .*b\.wav outside/],
    [
      'crops too short',
      on('asd', 'rec', '--crop', '0.01'),
      /expected crops of at least 0\.025 s for tiny\.safetensors/,
    ],
    ['an unknown encoder', on('asd', 'rec', '--encoder', 'nothing'), /no encoder or file named nothing/],
    ['an encoder without weights', on('asd', 'rec', '--encoder', 'spectral'), /expected an encoder with weights/],
    ['silence', on('classify', 'silent'), /expected a readable recording of \w among 1, found none/],
    ['no numbers', on('asd', 'broken'), /found a sample that is NaN/],
    ['a rank too high', on('asd', 'rec', '--tune', 'low-rank', '--rank', '32'), /expected a rank below the size of/],
    ['speeds too high', on('asd', 'rec', '--speeds', '1,20'), /expected different speeds from 0\.1 to 10/],
    [
      'a class token of none',
      on('classify', 'rec', '--encoder', 'speech.safetensors', '--pooling', 'cls'),
      /but speech\.\S+ has none/,
    ],
    ['a fold of none', on('classify', 'rec', '--test-fold', '1'), /expected a data set with folds for --test-fold/],
    ['a run that is not there', on('classify', 'rec', '--resume'), /expected a run in new, found no such folder/],
    ['a table that is not there', ['asd', '--labels', 'no.csv', '--run', 'new'], /cannot read no\.csv/],
  ];
  it.each(input)('%s: one line, and no folder is left', (_, args, message) => {
    expect(refusal(thrum(['finetune', ...args], here), 1)).toMatch(message);
    expect(existsSync(at('new'))).toBe(false);
  });

  it('other settings, and a model that is no classifier', () => {
    expect(refusal(thrum(asd('whole', '--resume', '--seed', '1'), here), 1)).toMatch(/expected seed 0 .*, got 1/);
    expect(refusal(thrum(asd('whole'), here), 1)).toMatch(/found config\.json in whole; resume that run/);
    expect(refusal(thrum(['classify', 'rec', '--model', 'tiny.safetensors'], here), 1)).toMatch(/is no classifier/);
    expect(refusal(thrum(['classify', 'rec'], here), 2)).toMatch(/expected --model FILE/);
  });
});

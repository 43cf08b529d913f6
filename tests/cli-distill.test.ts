// Distillation as a user does it: a student of labels and a student of embeddings, to the end, interrupted, and what is refused.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { randomWeights } from '../src/encoders/build.ts';
import { echoArchitecture } from '../src/encoders/echo-family.ts';
import { toFloat32 } from '../src/graph/stored-tensor.ts';
import { tinyBandTeacher } from '../src/training/recipes/distil.test-util.ts';
import { writeTiny, writeTuned } from '../src/training/tuned.test-util.ts';
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
for (let i = 0; i < 4; i++) {
  writeRecording(at('rec', 'low', `${i}.wav`), [hum(1.2, 16_000, i + 1, 300)], 16_000);
  writeRecording(at('rec', 'high', `${i}.wav`), [hum(1.2, 16_000, i + 9, 2000)], 16_000);
}
for (const [i, label] of ['low', 'high'].entries()) {
  writeRecording(at('unheard', label, 'x.wav'), [hum(2.2, 16_000, i + 30, [330, 1900][i])], 16_000);
}

const small = ['--width', '0.25', '--batch', '4', '--save-every', '2', '--workers', '1'];
const classify = (run: string, ...more: string[]) => [
  ...['distill', '--task', 'classify', '--teacher', 'tiny.safetensors', '--data', 'rec', '--run', run, ...small],
  ...['--steps', '6', '--qat-steps', '4', ...more],
];

const filesOf = (...names: string[]): string[] => readdirSync(at(...names)).sort();
const bytesOf = (...names: string[]): Buffer => readFileSync(at(...names));
const logOf = (...names: string[]) =>
  readFileSync(at(...names, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => ({ ...JSON.parse(line), seconds: 0, clipsPerSecond: 0 }));

/** Starts a run, and sends it Ctrl-C as soon as a folder in it holds a checkpoint. */
async function interrupted(args: string[], ...where: string[]) {
  const child = spawn(process.execPath, [mainScript, ...args], { ...here, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  const ended = once(child, 'close');
  const begun = () => existsSync(at(...where)) && filesOf(...where).some((name) => /^checkpoint-\d+\.safe/.test(name));
  while (child.exitCode === null && !begun()) await sleep(5);
  child.kill('SIGINT');
  const [status] = await ended;
  return { stdout, status: status as number | null };
}

type Answers = { float: { figures: { accuracy: { value: number } } }; int8?: Answers['float'] };
let whole: ReturnType<typeof thrum>;
beforeAll(() => {
  whole = thrum(classify('whole', '--test', 'unheard', '--mixup', '0.3', '--freq-mixstyle', '0.4', '--json'), here);
});

describe('distill --task classify', () => {
  it('ends with a student in floats and in 8 bits, asked about what it has not heard', () => {
    const [result] = jsonLines<{ float: string; int8: string; results: Answers }>(whole);
    expect(result).toMatchObject({
      ...{ folder: 'whole', float: 'whole/student.safetensors', int8: 'whole/quantised/student-int8.safetensors' },
      results: { float: { recordings: 2 }, int8: { recordings: 2 } },
    });
    const run = (...more: string[]) =>
      ['config.json', 'index.html', 'metrics.jsonl', 'student.safetensors', ...more].sort();
    const saved = (...steps: string[]) => steps.map((step) => `checkpoint-000000${step}.safetensors`);
    expect(filesOf('whole')).toEqual(run(...saved('04', '06'), 'quantised', 'result.json'));
    expect(filesOf('whole', 'quantised')).toEqual(run(...saved('02', '04'), 'student-int8.safetensors'));
    expect(JSON.parse(bytesOf('whole', 'result.json').toString())).toEqual(result.results);
    expect(logOf('whole').at(-1)).toMatchObject({ step: 6 });
    expect(Object.keys(logOf('whole', 'quantised')[0])).toEqual(
      expect.arrayContaining(['accuracy', 'classLoss', 'frontLoss', 'layerLoss', 'headLoss']),
    );
    const { config } = JSON.parse(bytesOf('whole', 'config.json').toString());
    const { mean, deviation } = config.student.frontEnd;
    expect(Math.abs(mean)).toBeLessThan(5);
    expect(deviation).toBeGreaterThan(1.5);
    expect(config.student).toMatchObject({ outputs: 2, labels: { names: ['high', 'low'] }, form: 'float' });
  });

  it('makes students that all commands hear with', () => {
    for (const [file, form] of [
      ['student.safetensors', 'float'],
      ['quantised/student.safetensors', 'folded'],
      ['quantised/student-int8.safetensors', 'int8'],
    ]) {
      const info = JSON.parse(output(thrum(['models', 'info', `whole/${file}`], here)));
      expect(info).toMatchObject({ family: 'student', config: { form } });
    }
    const args = ['classify', 'unheard/low/x.wav', '--model', 'whole/quantised/student-int8.safetensors', '--json'];
    const [{ labels }] = jsonLines<{ labels: { label: string }[] }>(thrum(args, here));
    expect(labels.map(({ label }) => label).sort()).toEqual(['high', 'low']);
  });

  it('interrupted in both phases goes on to the same numbers', async () => {
    const args = classify('halves', '--mixup', '0.3', '--freq-mixstyle', '0.4');
    for (const [where, again] of [
      [['halves'], []],
      [['halves', 'quantised'], ['--resume']],
    ]) {
      const { stdout, status } = await interrupted([...args, ...again], ...where);
      expect(status).toBe(130);
      expect(stdout).toMatch(
        /^distill classify: stopped after step \d+ with a checkpoint; go on with\n {2}thrum distill /,
      );
    }
    output(thrum([...args, '--resume'], here));
    for (const part of ['.', 'quantised']) {
      expect(logOf('halves', part)).toEqual(logOf('whole', part));
      expect(bytesOf('halves', part, 'student.safetensors')).toEqual(bytesOf('whole', part, 'student.safetensors'));
    }
    const int8 = ['quantised', 'student-int8.safetensors'];
    expect(bytesOf('halves', ...int8)).toEqual(bytesOf('whole', ...int8));
  });

  it('refuses to go on in 8 bits from another student', () => {
    cpSync(at('whole'), at('longer'), { recursive: true });
    const args = classify('longer', '--mixup', '0.3', '--freq-mixstyle', '0.4', '--resume', '--steps', '7');
    expect(refusal(thrum(args, here), 1)).toMatch(
      /expected the student that longer\/quantised began with, found one trained further since; remove longer\/quantised/,
    );
  });

  it('learns labels alone, without 8 bits', () => {
    const args = ['distill', '--task', 'classify', '--teacher', 'none', '--data', 'rec', '--run', 'alone', ...small];
    expect(output(thrum([...args, '--steps', '2', '--without', 'quantisation'], here))).toBe(
      'distill classify: alone/student.safetensors\n',
    );
    expect(filesOf('alone')).not.toContain('quantised');
    expect(Object.keys(logOf('alone')[0])).not.toContain('layerLoss');
  });
});

describe('distill --task embedding', () => {
  it('makes an encoder of sub-bands', () => {
    const architecture = echoArchitecture({ ...tinyBandTeacher.config, bandBins: 32, patchFrames: 16 });
    const weights = Array.from(randomWeights(architecture, 3), ([name, tensor]) => [name, toFloat32(tensor)] as const);
    writeTuned({ architecture, values: new Map(weights) }, at('ear.safetensors'));
    const args = ['distill', '--task', 'embedding', '--teacher', 'ear.safetensors', '--data', 'simulator=2,rec=1'];
    const more = ['--run', 'ear', ...small, '--bands', '2', '--steps', '2', '--qat-steps', '2'];
    expect(output(thrum([...args, ...more], here))).toBe(
      'distill embedding: use it with --encoder ear/quantised/student-int8.safetensors\n',
    );
    const args8 = ['embed', 'rec/low/0.wav', '--encoder', 'ear/quantised/student-int8.safetensors'];
    const [{ embedding }] = jsonLines<{ embedding: number[] }>(thrum(args8, here));
    // 16 kHz: 201 bins are 7 bands, of 32 values and a level each.
    expect(embedding).toHaveLength(7 * 33);
    const info = JSON.parse(output(thrum(['models', 'info', 'ear/student.safetensors'], here)));
    expect(info.config).toMatchObject({ outputs: 32, frontEnd: { kind: 'bands', levelWeight: 0.5 } });
  });
});

describe('what cannot be distilled', () => {
  it('is refused before it leaves a run behind', () => {
    const args = classify('never');
    const with_ = (name: string, value: string) => args.map((word, i) => (args[i - 1] === name ? value : word));
    expect(refusal(thrum(with_('--data', 'nothing'), here), 1)).toMatch(/nothing: no such file or folder/);
    expect(refusal(thrum(with_('--teacher', 'spectral'), here), 1)).toMatch(/expected an encoder with weights/);
    const embedding = [
      'distill',
      '--task',
      'embedding',
      '--teacher',
      'tiny.safetensors',
      '--data',
      'rec',
      '--run',
      'never',
    ];
    expect(refusal(thrum(embedding, here), 1)).toMatch(/expected an ECHO that does not hear the level/);
    expect(existsSync(at('never'))).toBe(false);
    expect(complaints(thrum([...args, '--bands', '2'], here), 2)[0]).toMatch(/--bands: expected with --task embedding/);
  });
});

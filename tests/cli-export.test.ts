// thrum export: files that are whole or not there, what it says of them, and what it refuses.
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { writeFilesTogether } from '../src/cli/output.ts';
import { hintsOf } from '../src/encoders/stored-hints.ts';
import { students, tensorsOf } from '../src/encoders/student.test-util.ts';
import { studentFile } from '../src/encoders/student-tensors.ts';
import { tinyEncoder } from '../src/encoders/tiny-encoders.test-util.ts';
import { writeSafetensors } from '../src/graph/safetensors.ts';
import { complaints, jsonLines, output, refusal, scratchFolder, thrum, writeHums } from './run-cli.ts';

const { folder, at } = scratchFolder();
const here = { cwd: folder };
writeHums(at('normal'), 3);
mkdirSync(at('made'));

/** A tiny encoder as a weights file. */
function weightsFile(name: string): string {
  const { architecture, weights } = tinyEncoder(name);
  const { family, config } = architecture;
  const file = `${name}.safetensors`;
  writeFileSync(
    at(file),
    writeSafetensors(weights, { thrum: JSON.stringify({ family, config, hints: hintsOf(architecture) }) }),
  );
  return file;
}
const [ear, wave] = [weightsFile('echo'), weightsFile('wav2vec2')];
const student = 'student.safetensors';
writeFileSync(at(student), studentFile({ config: students.classifier, tensors: tensorsOf(students.classifier) }));

const run = (...args: string[]) => thrum(['export', ...args], here);
const settingsOf = (file: string) => JSON.parse(readFileSync(at(file), 'utf8'));

type Row = { out: string; format: string; bytes: number; quality?: { recordings: number; meanCosine: number } };

describe('a transformer', () => {
  const row = (...args: string[]): Row => jsonLines<Row>(run(ear, '--json', ...args))[0];
  const float = row('--format', 'onnx', '--out', 'made/ear.onnx');

  it('writes the model, a JSON and golden numbers', () => {
    expect(readdirSync(at('made')).sort()).toEqual(['ear.json', 'ear.onnx', 'ear.onnx.golden.safetensors']);
    expect(float.bytes).toBe(readFileSync(at('made/ear.onnx')).length);
    expect(settingsOf('made/ear.json')).toMatchObject({ family: 'echo', export: { encoder: ear, format: 'onnx' } });
    expect(output(run('--verify', 'made/ear.onnx'))).toMatch(/^made\/ear\.onnx: as the golden numbers/);
  });

  it('halves and whole numbers: smaller, judged on the recordings, verified', () => {
    const half = row('--format', 'onnx-fp16', '--out', 'half.onnx', '--calibrate', 'normal');
    expect(half.bytes).toBeLessThan(float.bytes);
    expect(half.quality).toMatchObject({ recordings: 3, meanCosine: expect.closeTo(1, 4) });
    const args = [
      '--format',
      'onnx-int8',
      '--out',
      'whole.onnx',
      '--calibrate',
      'normal/hum00.wav',
      'normal/hum01.wav',
    ];
    const said = output(run(ear, ...args, '--verify'));
    expect(said).toMatch(
      /whole\.onnx: echo\.safetensors as onnx-int8, .*\non 2 recordings: cosine 0\.99.*\nwhole\.onnx: as the/,
    );
    expect(settingsOf('whole.json').export).toMatchObject({ activations: 'float', tolerance: 0.01 });
  });

  it('is refused where it loses too much, and written with --force', () => {
    const args = [ear, '--format', 'onnx-int8', '--out', 'bad.onnx', '--calibrate', 'normal', '--tolerance', '0'];
    expect(refusal(run(...args), 1)).toMatch(/onnx-int8 of echo\.safetensors loses .* more than the tolerance of 0/);
    expect(readdirSync(folder).filter((name) => name.startsWith('bad'))).toEqual([]);
    const [note] = complaints(run(...args, '--force'), 0);
    expect(note).toMatch(/it loses more than the tolerance of 0; written because of --force/);
    expect(settingsOf('bad.json').export.forced).toBe(true);
  });

  it('a model of waveforms is an encoder again', () => {
    output(run(wave, '--format', 'onnx-fp16', '--out', 'wave.onnx', '--calibrate', 'normal'));
    const embed = (encoder: string) =>
      jsonLines<{ embedding: number[] }>(thrum(['embed', 'normal/hum00.wav', '--encoder', encoder], here))[0].embedding;
    const [before, after] = [embed(wave), embed('wave.onnx')];
    for (const [i, value] of before.entries()) expect(after[i]).toBeCloseTo(value, 2);
    expect(refusal(thrum(['embed', 'normal', '--encoder', 'made/ear.onnx'], here), 1)).toMatch(/use the weights/);
  });
});

describe('a student', () => {
  it('int8 weights are an encoder again; C is verified where there is a compiler', () => {
    const options = ['--calibrate', 'normal', '--tolerance', '1', '--verify'];
    output(run(student, '--format', 'safetensors-int8', '--out', 'small.safetensors', ...options));
    expect(output(thrum(['classify', 'normal/hum00.wav', '--model', 'small.safetensors'], here))).toMatch(/hum00\.wav/);
    expect(output(run(student, '--format', 'c', '--out', '8 bit-ear.c', ...options))).toMatch(/8 bit-ear\.c: student/);
    expect(readFileSync(at('8 bit-ear.c'), 'utf8')).toContain('m_8_bit_ear_classify(');
  });
});

describe('bad input: one line, and nothing is written', () => {
  const filesNow = () => readdirSync(folder).sort();
  it.each([
    [2, [ear], /expected --format, one of onnx/],
    [2, [ear, '--format', 'tflite', '--out', 'x.onnx'], /--format: expected one of onnx, .* got tflite/],
    [2, [ear, '--format', 'onnx'], /expected --out FILE/],
    [2, [ear, '--format', 'onnx', '--out', 'x.c'], /expected a name ending in \.onnx for onnx, got x\.c/],
    [2, [ear, '--format', 'onnx', '--out', 'x.onnx', '--activations', 'int8'], /expected --format onnx-int8/],
    [2, [], /expected an encoder/],
    [1, ['spectral', '--format', 'onnx', '--out', 'x.onnx'], /expected an encoder with weights, got spectral/],
    [1, ['nothing', '--format', 'onnx', '--out', 'x.onnx'], /no encoder or file named nothing/],
    [1, [ear, '--format', 'onnx-int8', '--out', 'x.onnx'], /expected recordings on which onnx-int8 is compared/],
    [1, [student, '--format', 'c', '--out', 'x.c'], /expected recordings/],
    [1, [ear, '--format', 'c', '--out', 'x.c', '--calibrate', 'normal'], /expected a student for c/],
    [1, [ear, '--format', 'onnx', '--out', 'no/such/x.onnx'], /cannot write no\/such\/x\.onnx: there is no folder/],
    [1, [ear, '--format', 'onnx-fp16', '--out', 'x.onnx', '--calibrate', 'nowhere'], /nowhere/],
    [1, ['--verify', ear], /expected golden numbers in echo\.safetensors\.golden/],
  ] as const)('%i: %j', (status, args, message) => {
    const files = filesNow();
    expect(refusal(run(...args), status)).toMatch(message);
    expect(filesNow()).toEqual(files);
  });

  it('a second file that cannot be written leaves the first unwritten', () => {
    mkdirSync(at('x.json'), { recursive: true });
    expect(refusal(run(ear, '--format', 'onnx', '--out', 'x.onnx'), 1)).toMatch(/cannot write x\.json: it is a folder/);
    expect(filesNow().filter((name) => name.startsWith('x.'))).toEqual(['x.json']);
  });
});

describe('writeFilesTogether', () => {
  const old = at('together', 'old.txt');
  mkdirSync(at('together'));
  writeFileSync(old, 'old');
  const names = () => readdirSync(at('together')).sort();

  it('all or none: a folder that is missing, a name too long', () => {
    const missing = at('together', 'no', 'x.txt');
    expect(() =>
      writeFilesTogether([
        [old, 'new'],
        [missing, 'x'],
      ]),
    ).toThrow(/cannot write .*no.x\.txt/);
    if (process.platform === 'linux') {
      expect(() =>
        writeFilesTogether([
          [old, 'new'],
          [at('together', 'y'.repeat(300)), 'x'],
        ]),
      ).toThrow(/cannot write/);
    }
    expect(names()).toEqual(['old.txt']);
    expect(readFileSync(old, 'utf8')).toBe('old');
  });

  it('links stay links', () => {
    symlinkSync('old.txt', at('together', 'link.txt'));
    writeFilesTogether([
      [at('together', 'link.txt'), 'new'],
      [at('together', 'b.txt'), 'b'],
    ]);
    expect(readFileSync(old, 'utf8')).toBe('new');
    expect(lstatSync(at('together', 'link.txt')).isSymbolicLink()).toBe(true);
    expect(names()).toEqual(['b.txt', 'link.txt', 'old.txt']);
  });
});

describe('a page', () => {
  it('has the weights inside, and asks for nothing from outside', () => {
    expect(output(run(student, '--format', 'page', '--out', 'made/student.html'))).toMatch(
      /^made\/student\.html: student\.safetensors as a page, \d\.\d\d MB; open it in a browser\n$/,
    );
    const page = readFileSync(at('made', 'student.html'), 'utf8');
    expect(page).toContain('<title>');
    expect(page).not.toMatch(/(src|href)="https?:/);
  });

  it('needs weights', () => {
    expect(refusal(run('spectral', '--format', 'page', '--out', 'made/none.html'), 1)).toMatch(
      /^thrum: export: expected the weights of an encoder in a safetensors file for a page, got spectral; /,
    );
  });
});

// The command line: help, wrong usage, and the commands that read no recordings.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { writeTiny } from '../src/training/tuned.test-util.ts';
import { goldenPath } from './golden.ts';
import { complaints, jsonLines, output, projectRoot, refusal, scratchFolder, thrum, writeHums } from './run-cli.ts';

const { folder, at } = scratchFolder();
const hums = writeHums(at('hums'), 4);

const commands = ['fit', 'score', 'diagnose', 'embed', 'simulate', 'threshold', 'models', 'data', 'doctor'];

describe('thrum --help', () => {
  it('names every command', () => {
    const text = output(thrum(['--help']));
    expect(text).toMatch(/^Usage: thrum COMMAND/m);
    for (const command of commands) expect(text).toMatch(new RegExp(`^ {2}${command} +\\w`, 'm'));
  });

  it.each(commands)('%s: usage, options and examples', (command) => {
    const text = output(thrum([command, '--help']));
    expect(text).toMatch(new RegExp(`^thrum ${command}: \\w`));
    expect(text).toMatch(new RegExp(`^Usage: thrum ${command} `, 'm'));
    expect(text).toMatch(/^Examples?:\n {2}thrum /m);
    expect(text).toContain('--help');
  });

  it('help COMMAND is the same page', () => {
    expect(output(thrum(['help', 'threshold']))).toBe(output(thrum(['threshold', '-h'])));
  });

  it('shows the version of the package', () => {
    const { version } = JSON.parse(readFileSync(`${projectRoot}/package.json`, 'utf8')) as { version: string };
    expect(output(thrum(['--version']))).toBe(`${version}\n`);
  });
});

describe('wrong usage: one line, status 2', () => {
  const [file] = hums;
  it.each<[string, string[], RegExp]>([
    ['an unknown command', ['listen'], /no command listen; the commands are fit, score/],
    ['an unknown option', ['score', file, '--loud'], /Unknown option '--loud'; see thrum score --help/],
    ['an option without its value', ['fit', file, '--out'], /--out/],
    ['an empty value', ['fit', file, '--out', ''], /--out: expected FILE, got nothing/],
    ['no files', ['fit', '--out', 'a.thrum'], /expected at least one file or folder/],
    ['no --out', ['fit', file], /expected --out FILE/],
    ['no --detector', ['score', file], /expected --detector FILE/],
    ['no number', ['embed', file, '--segment', 'long'], /--segment: expected a number \(above 0\), got long/],
    ['a number out of range', ['embed', file, '--workers', '1000'], /--workers: .*at most 256.*got 1000/],
    ['a negative number', ['embed', file, '--segment', '-1'], /starts with a dash is given as --segment=-1/],
    ['two dots in a number', ['embed', file, '--rate', '1.2.3'], /--rate: expected a number/],
    ['a part that ends before it starts', ['embed', file, '--part', '50%-40%'], /--part: expected a range such as/],
    ['a part in two units', ['embed', file, '--part', '10%-20s'], /--part: expected a range such as/],
    ['channel 0', ['embed', file, '--channel', '0'], /--channel: expected 1, 2, …, mean or all, got 0/],
    ['an unknown metric', ['fit', file, '--out', 'a', '--metric', 'l3'], /--metric: expected one of cosine, euclidean/],
    ['an unknown format', ['embed', file, '--format', 'xml'], /--format: expected one of jsonl, npz, parquet/],
    ['a format with nowhere to go', ['embed', file, '--format', 'npz'], /--format npz needs --out FILE/],
    ['a name of no known format', ['embed', file, '--out', 'a.csv'], /--out: expected a name ending in jsonl, npz/],
    ['an unknown machine', ['simulate', 'x', '--machine', 'cow'], /--machine: expected one of bearing/],
    ['an unknown fault', ['simulate', 'x', '-m', 'pump', '--fault', 'rust'], /--fault: expected normal, all, or some/],
    ['two thresholds', ['threshold', 'a', '--score', '2', '--false-alarm-rate', '0.1'], /not both/],
    ['a rate above 1', ['threshold', 'a', '--false-alarm-rate', '1.5'], /below 1/],
    ['no data action', ['data'], /expected check, list or generate, got nothing/],
    ['an unknown models action', ['models', 'eat'], /expected list, info, import or pull, got eat/],
    ['a model that nobody published', ['models', 'pull', 'gpt'], /expected one of echo-small/],
  ])('%s', (_, args, line) => {
    expect(refusal(thrum(args, { cwd: folder }), 2)).toMatch(line);
  });

  it('no command at all shows what there is', () => {
    expect(output(thrum([]), 2)).toContain('Usage: thrum COMMAND');
  });

  it('leaves nothing behind', () => {
    refusal(thrum(['simulate', at('nothing'), '-m', 'pump', '--seconds', 'x']), 2);
    refusal(thrum(['simulate', at('nothing'), '-m', 'pump', '--noise', '1000']), 1);
    expect(existsSync(at('nothing'))).toBe(false);
  });

  it('reads rates with units', () => {
    const rateOf = (rate: string) =>
      jsonLines<{ sample_rate: number }>(thrum(['embed', hums[0], '--resample', rate]))[0].sample_rate;
    expect(rateOf('4k')).toBe(4000);
    expect(rateOf('4.096KHz')).toBe(4096);
  });
});

describe('thrum doctor', () => {
  it('finds what a detector needs, without noise from drivers', () => {
    const outcome = thrum(['doctor']);
    expect(complaints(outcome, 0)).toEqual([]);
    expect(outcome.stdout).toMatch(/^ok +onnx runtime, cpu: computes$/m);
    expect(outcome.stdout).toMatch(/^ok +spectral encoder: embeds/m);
  });
});

describe('thrum models', () => {
  mkdirSync(at('home'));
  const env = { THRUM_MODELS: at('models'), HOME: at('home'), XDG_CACHE_HOME: at('home', 'cache') };
  const mini = goldenPath('echo/mini64.weights.safetensors');
  const run = (...args: string[]) => thrum(['models', ...args], { env });

  it('lists encoders', () => {
    const [models] = jsonLines<{ id: string; weights: string }[]>(run('list', '--json'));
    expect(models).toContainEqual({ id: 'spectral', family: 'spectral', parameters: 0, weights: 'needs none' });
    const text = output(run('list'));
    for (const { id } of models) expect(text).toMatch(new RegExp(`^${id} `, 'm'));
  });

  it('describes one, by name or by file', () => {
    const [small] = jsonLines<object>(run('info', 'echo-small', '--json'));
    expect(small).toMatchObject({ family: 'echo', weights: null, published: { id: 'echo-small' } });
    const [own] = jsonLines<object>(run('info', mini, '--json'));
    expect(own).toMatchObject({ family: 'echo', config: { width: 64, depth: 2 }, weights: mini });
    expect(refusal(run('info', 'echo-gigantic'), 1)).toMatch(/no encoder echo-gigantic; thrum models list/);
  });

  it('scores with a detector whose encoder was given by its path, from anywhere', () => {
    const weights = at('elsewhere', 'tiny.safetensors');
    mkdirSync(at('elsewhere'), { recursive: true });
    writeTiny('echo', weights);
    const detector = at('far', 'hum.thrum');
    mkdirSync(at('far'), { recursive: true });
    output(thrum(['fit', at('hums'), '--encoder', weights, '--out', detector]));
    output(thrum(['score', hums[0], '--detector', detector], { cwd: at('far') }));
  });

  it('imports weights that --encoder then finds by name', () => {
    expect(output(run('import', mini, '--heads', '2', '--name', 'mini64'))).toMatch(/verified: embeds a trial signal/);
    expect(output(run('list'))).toContain(at('models', 'mini64.safetensors'));
    const embed = (encoder: string) => thrum(['embed', hums[0], '--encoder', encoder], { env });
    const [byName] = jsonLines<{ embedding: number[] }>(embed('mini64'));
    // One vector of the model's width per band.
    expect(byName.embedding.length % 64).toBe(0);
    expect(jsonLines(embed(at('models', 'mini64.safetensors')))).toEqual([byName]);

    const detector = at('mini.thrum');
    output(thrum(['fit', at('hums'), '--encoder', 'mini64', '--out', detector], { env }));
    const scores = jsonLines<{ score: number }>(thrum(['score', at('hums'), '-d', detector, '--json'], { env }));
    expect(scores.every(({ score }) => score > 0)).toBe(true);
    // ONNX Runtime would leave telemetry there.
    expect(readdirSync(at('home'))).toEqual([]);
    const elsewhere = { THRUM_MODELS: at('no-models') };
    expect(refusal(thrum(['score', at('hums'), '-d', detector], { env: elsewhere }), 1)).toMatch(/file named mini64/);
  });

  it('refuses names that are paths, and files that are no weights', () => {
    expect(refusal(run('import', mini, '--name', '../mini'), 2)).toMatch(/--name: expected letters, digits/);
    writeFileSync(at('text.safetensors'), 'weights');
    expect(refusal(run('import', at('text.safetensors')), 1)).toMatch(/text\.safetensors/);
    expect(refusal(run('import', at('absent.pth')), 1)).toMatch(/absent\.pth/);
  });

  it('says in one line that it cannot fetch weights', () => {
    const line = refusal(thrum(['models', 'pull', 'fisher-tiny'], { env: { ...env, NODE_OPTIONS: offline } }), 1);
    expect(line).toMatch(/could not be reached .*thrum models import FILE --name fisher-tiny/);
    expect(existsSync(at('models', 'fisher-tiny.safetensors'))).toBe(false);
  });
});

/** Loaded before the command line: every request fails as it does without a network. */
const offline = `--import=data:text/javascript,${encodeURIComponent("globalThis.fetch = async () => { throw new TypeError('fetch failed') };")}`;

// thrum doctor: whether everything works on this machine.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { findWeights, namedArchitectures } from '../encoders/load.node.ts';
import { modelFolders } from '../encoders/model-folders.node.ts';
import { createSpectral, spectralSettings } from '../encoders/spectral.ts';
import { linear } from '../graph/matmul.ts';
import { toOnnx } from '../graph/onnx.ts';
import { loadProgram } from '../graph/program.ts';
import { float32, type Provider } from '../graph/runtime.ts';
import { input } from '../graph/tensor.ts';
import { simulate } from '../signal/simulate/index.ts';
import { type Command, choice, flag } from './command.ts';
import { print } from './output.ts';
import { version } from './version.ts';

type Check = { name: string; ok: boolean; needed: boolean; found: string };

async function check(name: string, needed: boolean, test: () => Promise<string> | string): Promise<Check> {
  try {
    return { name, ok: true, needed, found: await test() };
  } catch (error) {
    return { name, ok: false, needed, found: (error as Error).message.split('\n')[0] };
  }
}

const PROVIDERS = ['cpu', 'webgpu', 'cuda'] as const satisfies readonly Provider[];

/** Tries a provider in a process of its own: drivers that are missing print pages, and some end the process. */
function tryElsewhere(provider: Provider): string {
  const main = process.argv[1];
  const result = spawnSync(process.execPath, [main, 'doctor', '--provider', provider], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (result.status !== 0) throw new Error(result.stdout.trim() || 'not available');
  return result.stdout.trim();
}

/** A small product on a provider, compared with the same sum in JavaScript. */
async function tryProvider(provider: Provider): Promise<string> {
  const [a, b] = [input('a', [2, 3]), input('b', [2, 3])];
  const program = await loadProgram(toOnnx({ outputs: { y: linear(a, b) } }).bytes, { provider });
  const numbers = Float32Array.from([1, 2, 3, 4, 5, 6]);
  const { y } = await program.run({ a: float32(numbers, [2, 3]), b: float32(numbers, [2, 3]) });
  await program.release();
  if (Array.from(y.data as Float32Array).join() !== '14,32,32,77') throw new Error(`wrong product ${y.data}`);
  return 'computes';
}

async function trySpectral(): Promise<string> {
  const { recording } = simulate({ machine: 'bearing', seed: 1, seconds: 1 });
  const { vector } = await createSpectral('spectral', spectralSettings.spectral).embed(recording);
  if (!vector.every(Number.isFinite)) throw new Error('an embedding is not finite');
  return `embeds a simulated bearing as ${vector.length} values`;
}

export const doctorCommand: Command = {
  summary: 'check that everything works on this machine',
  usage: '[--json]',
  examples: ['thrum doctor'],
  options: {
    provider: { value: 'NAME', description: 'try this provider alone: cpu, webgpu or cuda' },
    json: { description: 'print JSON' },
  },
  async run(_files, options) {
    const only = choice(options, 'provider', PROVIDERS);
    if (only) {
      const { ok, found } = await check(only, true, () => tryProvider(only));
      print(ok ? found : (found.split(': ').at(-1) ?? found));
      return ok ? 0 : 1;
    }
    const [major, minor] = process.versions.node.split('.').map(Number);
    const checks = [
      await check('node', true, () => {
        if (major < 20 || (major === 20 && minor < 19))
          throw new Error(`expected 20.19 or newer, got ${process.versions.node}; update Node`);
        return `${process.versions.node} on ${process.platform}-${process.arch}`;
      }),
      await check('machine', true, () => `${availableParallelism()} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`),
      await check('onnx runtime, cpu', true, () => tryProvider('cpu')),
      await check('onnx runtime, webgpu', false, () => tryElsewhere('webgpu')),
      await check('onnx runtime, cuda', false, () => tryElsewhere('cuda')),
      await check('spectral encoder', true, trySpectral),
      await check('weights', false, () => {
        const here = [...namedArchitectures.keys()].filter((id) => findWeights(id));
        const folders = modelFolders().filter((folder) => existsSync(folder));
        return here.length > 0
          ? here.join(', ')
          : `none here (looked in ${folders.join(', ') || 'no folder yet'}); the spectral encoder needs none`;
      }),
    ];
    if (flag(options, 'json')) print(JSON.stringify({ thrum: version(), checks }));
    else {
      print(`thrum ${version()}`);
      for (const { name, ok, needed, found } of checks)
        print(`${ok ? 'ok  ' : needed ? 'BAD ' : '-   '} ${name}: ${found}`);
    }
    return checks.some(({ ok, needed }) => needed && !ok) ? 1 : 0;
  },
};

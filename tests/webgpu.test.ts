// WebGPU in Node: the same embeddings and training steps as on the CPU. Runs on any Vulkan driver; without a GPU, on the software driver that
// comes with Debian's chromium (and libvulkan1).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeWav } from '../src/signal/readers/wav-write.ts';
import { simulate } from '../src/signal/simulate/index.ts';

const software = '/usr/lib/chromium/vk_swiftshader_icd.json';
const env = {
  ...process.env,
  ...(!process.env.VK_DRIVER_FILES && existsSync(software) && { VK_DRIVER_FILES: software }),
};

const thrum = (...args: string[]) =>
  spawnSync(process.execPath, ['dist/cli/main.js', ...args], { encoding: 'utf8', env, maxBuffer: 2 ** 26 });

const available = thrum('doctor', '--provider', 'webgpu').status === 0;

type Row = { embedding: number[] };

describe.skipIf(!available)('on WebGPU', () => {
  const folder = mkdtempSync(join(tmpdir(), 'thrum-webgpu-'));
  const wav = join(folder, 'fan.wav');
  // Two seconds: FISHER then reads 73 tokens at once, more than the runtime's fused attention gets right on WebGPU.
  writeFileSync(wav, writeWav(simulate({ machine: 'fan', seed: 1, seconds: 2, sampleRate: 16000 }).recording));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(['echo-tiny@random', 'fisher-tiny@random'])('%s embeds as on the CPU', (encoder) => {
    const rows = ['cpu', 'webgpu'].map((provider): Row => {
      const result = thrum('embed', wav, '--encoder', encoder, '--provider', provider);
      expect(result.status, result.stderr).toBe(0);
      return JSON.parse(result.stdout);
    });
    const [cpu, gpu] = rows.map(({ embedding }) => embedding);
    expect(gpu).toHaveLength(cpu.length);
    expect(Math.max(...gpu.map((value, i) => Math.abs(value - cpu[i])))).toBeLessThan(1e-4);
  }, 120_000);

  it('a step of pre-training is that of the CPU', () => {
    const logged = ['cpu', 'webgpu'].map((provider): Record<string, number> => {
      const run = join(folder, provider);
      const tiny = [
        '--patches',
        '4',
        '--batch',
        '2',
        '--steps',
        '2',
        '--warm-up',
        '1',
        '--depth',
        '1',
        '--workers',
        '0',
      ];
      const result = thrum('pretrain', 'echo', '--data', wav, '--run', run, '--provider', provider, ...tiny);
      expect(result.status, result.stderr).toBe(0);
      return JSON.parse(readFileSync(join(run, 'metrics.jsonl'), 'utf8').trim());
    });
    const [cpu, gpu] = logged;
    // The second step: its loss is that of weights that the first one changed.
    for (const key of ['loss', 'frameLoss', 'utteranceLoss', 'gradientNorm']) {
      expect(Math.abs(gpu[key] / cpu[key] - 1), key).toBeLessThan(1e-5);
    }
  }, 240_000);
});

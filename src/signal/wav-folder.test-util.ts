// A folder of small WAV files of simulated machines, for tests.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { writeWav } from './readers/wav-write.ts';
import type { Recording } from './recording.ts';
import { type SimulateOptions, simulate } from './simulate/index.ts';

export type WavFolder = {
  path(name: string): string;
  /** Writes any file and returns its path; folders in between are made. */
  write(name: string, content: Uint8Array | string): string;
  /** Writes a recording as 32-bit floats and returns its path. */
  record(name: string, recording: Pick<Recording, 'channels' | 'sampleRate'>): string;
  /** Writes half a second of a simulated bearing at 8 kHz and returns its path. */
  simulate(name: string, options: Partial<SimulateOptions> & Pick<SimulateOptions, 'seed'>): string;
  remove(): void;
};

/** A new folder below that of the system for temporary files. */
export function createWavFolder(): WavFolder {
  const root = mkdtempSync(join(tmpdir(), 'thrum-test-'));
  const write = (name: string, content: Uint8Array | string): string => {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  };
  const record = (name: string, { channels, sampleRate }: Pick<Recording, 'channels' | 'sampleRate'>): string =>
    write(name, writeWav({ channels, sampleRate, name }, { bits: 'float32' }));
  return {
    path: (name) => join(root, name),
    write,
    record,
    simulate: (name, options) =>
      record(name, simulate({ machine: 'bearing', sampleRate: 8000, seconds: 0.5, ...options }).recording),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** A float WAV whose sample `at` of the first channel is `value`, which `writeWav` would refuse. */
export function wavWithBadSample(samples: Float32Array, sampleRate: number, at: number, value: number): Uint8Array {
  const bytes = writeWav({ channels: [samples], sampleRate, name: 'bad' }, { bits: 'float32' });
  new DataView(bytes.buffer).setFloat32(bytes.length - 4 * (samples.length - at), value, true);
  return bytes;
}

// A C file compiled by the system's compiler and run on golden numbers.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../signal/errors.ts';

const FLAGS = ['-std=c99', '-O2'];

/** Reads the features of a window, writes the codes of the network's last layer. */
const harness = (name: string): string => `#include <stdio.h>
#include "model.c"

static float features[${name.toUpperCase()}_FEATURES], outputs[${name.toUpperCase()}_OUTPUTS];
static uint8_t codes[${name.toUpperCase()}_CODES];

int main(void)
{
  if (fread(features, sizeof *features, ${name.toUpperCase()}_FEATURES, stdin) != ${name.toUpperCase()}_FEATURES) return 1;
  ${name}_run(features, codes, outputs);
  return fwrite(codes, 1, ${name.toUpperCase()}_CODES, stdout) != ${name.toUpperCase()}_CODES;
}
`;

/** Whether there is a C compiler under the name that POSIX has for it. */
export const hasCompiler = (): boolean => spawnSync('cc', ['--version']).status === 0;

/**
 * Codes that the network in a C file makes of the features of a window.
 * @param name that begins every name of the file
 * @throws InputError for a file that does not compile or run
 */
export function runC(path: string, name: string, features: Float32Array): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'thrum-export-'));
  try {
    const source = join(folder, 'main.c');
    const program = join(folder, 'main');
    copyFileSync(path, join(folder, 'model.c'));
    writeFileSync(source, harness(name));
    const compiled = spawnSync('cc', [...FLAGS, source, '-o', program, '-lm'], { encoding: 'utf8' });
    if (compiled.status !== 0) {
      throw new InputError(`verify: cc could not compile ${path}: ${compiled.stderr.trim().split('\n')[0]}`);
    }
    const bytes = new Uint8Array(features.buffer, features.byteOffset, features.byteLength);
    const { status, stdout } = spawnSync(program, [], { input: bytes, maxBuffer: 2 ** 28 });
    if (status !== 0) throw new InputError(`verify: the program made of ${path} failed; export it again`);
    return new Uint8Array(stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

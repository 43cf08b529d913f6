// Compiles C files and runs what comes out, for tests.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const hasCompiler = spawnSync('gcc', ['--version']).status === 0;

/** Every warning is an error. */
const FLAGS = ['-std=c99', '-O2', '-Wall', '-Wextra', '-pedantic', '-Werror'];

/**
 * A program around the file `model.c` of a model called `model`: with `features` it makes features of the samples that it
 * reads, with `run` the codes of all layers and then the outputs of the features that it reads, with `embed` outputs of
 * samples.
 */
export const harness = `
#include <stdio.h>
#include <string.h>
#include "model.c"

static float samples[MODEL_WINDOW_SAMPLES], features[MODEL_FEATURES], outputs[MODEL_OUTPUTS];
static uint8_t codes[MODEL_CODES];

int main(int count, char **arguments)
{
  const char *what = count > 1 ? arguments[1] : "";
  if (!strcmp(what, "run")) {
    if (fread(features, sizeof *features, MODEL_FEATURES, stdin) != MODEL_FEATURES) return 1;
    model_trace = stdout;
    model_run(features, codes, outputs);
    fwrite(codes, 1, MODEL_CODES, stdout);
    fwrite(outputs, sizeof *outputs, MODEL_OUTPUTS, stdout);
    return 0;
  }
  if (fread(samples, sizeof *samples, MODEL_WINDOW_SAMPLES, stdin) != MODEL_WINDOW_SAMPLES) return 1;
  if (!strcmp(what, "features")) {
    model_features(samples, features);
    fwrite(features, sizeof *features, MODEL_FEATURES, stdout);
  } else {
#if MODEL_LABELS > 0
    model_classify(samples, outputs);
#else
    model_embed(samples, outputs);
#endif
    fwrite(outputs, sizeof *outputs, MODEL_OUTPUTS, stdout);
  }
  return 0;
}
`;

export type CFolder = {
  path(name: string): string;
  write(name: string, content: string | Uint8Array): string;
  /** Compiles files of the folder into a program of it; what the compiler says is the error. */
  compile(program: string, files: readonly string[], flags?: readonly string[]): void;
  /** Standard output of a program; what it writes to standard error is the error, and so is another exit status than 0. */
  run(program: string, options: readonly string[], input?: Uint8Array | Float32Array): Uint8Array;
  /** Exit status and both outputs as text. */
  try(program: string, options: readonly string[]): { status: number | null; stdout: string; stderr: string };
  remove(): void;
};

/** A new folder below that of the system for temporary files. */
export function createCFolder(): CFolder {
  const root = mkdtempSync(join(tmpdir(), 'thrum-c-'));
  const path = (name: string): string => join(root, name);
  return {
    path,
    write(name, content) {
      writeFileSync(path(name), content);
      return path(name);
    },
    compile(program, files, flags = []) {
      const options = [...FLAGS, ...flags, ...files, '-o', program, '-lm'];
      const { status, stderr } = spawnSync('gcc', options, { cwd: root, encoding: 'utf8' });
      if (status !== 0 || stderr !== '') throw new Error(`gcc ${options.join(' ')}: ${stderr}`);
    },
    run(program, options, input = new Uint8Array(0)) {
      const { status, stdout, stderr } = spawnSync(path(program), options, { input, maxBuffer: 2 ** 28 });
      if (status !== 0 || stderr.length > 0) throw new Error(`${program} ${options.join(' ')}: ${status} ${stderr}`);
      return new Uint8Array(stdout);
    },
    try(program, options) {
      const { status, stdout, stderr } = spawnSync(path(program), options, { encoding: 'utf8' });
      return { status, stdout, stderr };
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Bytes as float32 numbers. */
export const floatsOf = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.slice().buffer);

// Removes what ONNX Runtime and SQLite bring for other platforms: node keep-platform.mjs NODE_MODULES. Plain JavaScript: it runs where nothing is built.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const [folder] = process.argv.slice(2);
const { platform, arch } = process;
const list = (path) => (existsSync(path) ? readdirSync(path) : []);

const runtime = join(folder, 'onnxruntime-node', 'bin');
for (const abi of list(runtime)) {
  for (const system of list(join(runtime, abi))) {
    for (const processor of list(join(runtime, abi, system))) {
      if (system !== platform || processor !== arch) rmSync(join(runtime, abi, system, processor), { recursive: true });
    }
    if (list(join(runtime, abi, system)).length === 0) rmSync(join(runtime, abi, system), { recursive: true });
  }
  if (!list(join(runtime, abi)).includes(platform)) {
    console.error(`keep-platform: ONNX Runtime has no files for ${platform}/${arch}`);
    process.exitCode = 1;
  }
}

// npm does not look at the C library; the image has glibc.
const isGlibc = Boolean(process.report?.getReport().header.glibcVersionRuntime);
for (const name of list(join(folder, '@libsql'))) {
  if (/-(gnu|musl)\w*$/.test(name) && name.includes(isGlibc ? '-musl' : '-gnu')) {
    rmSync(join(folder, '@libsql', name), { recursive: true });
  }
}

// The Python process that peers are timed in: asked one thing at a time, over its standard input and output.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A Python with the peers: PEERS_PYTHON, or a virtual environment made here on first use. */
function peersPython(): string {
  const given = process.env.PEERS_PYTHON;
  if (given) return given;
  const folder = '.peers';
  const python = join(folder, 'bin', 'python');
  if (!existsSync(python)) {
    process.stdout.write('installing the peers into .peers (PyTorch and faiss from PyPI; this takes minutes)\n');
    for (const [command, ...args] of [
      ['python3', '-m', 'venv', folder],
      [python, '-m', 'pip', 'install', '--quiet', '-r', 'bench/peers/requirements.txt'],
    ]) {
      if (spawnSync(command, args, { stdio: 'inherit' }).status !== 0)
        throw new Error(`bench:peers: ${command} failed`);
    }
  }
  return python;
}

export type Answer = { ms: number; values: number[]; torch: string; faiss: string };

/** Asks the Python process one thing at a time. */
function createPeer(child: ChildProcess) {
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const queue: ((answer: Answer) => void)[] = [];
  lines.on('line', (text) => queue.shift()?.(JSON.parse(text)));
  child.on('exit', (code) => {
    if (code) throw new Error(`bench:peers: the Python process ended with ${code}`);
  });
  return (request: { kind: string; seconds?: number }): Promise<Answer> =>
    new Promise((resolve) => {
      queue.push(resolve);
      child.stdin?.write(`${JSON.stringify(request)}\n`);
    });
}

/** Starts a script of bench/peers on the inputs in `folder`. */
export function startPeer(script: string, folder: string, threads: number) {
  const child = spawn(peersPython(), [script, folder, String(threads)], { stdio: ['pipe', 'pipe', 'inherit'] });
  return { ask: createPeer(child), end: () => child.stdin?.end() };
}

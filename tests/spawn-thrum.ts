// thrum as a process of its own that goes on while a test does something else, and may be killed.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { until } from './fleet.ts';
import { mainScript } from './run-cli.ts';

export type Spawned = {
  child: ChildProcess;
  /** All that it has said so far. */
  said(): string;
  hasEnded(): boolean;
  /** Waits for its end, after a signal if one is given. @returns the exit status; null after a signal that killed it */
  end(signal?: NodeJS.Signals): Promise<number | null>;
};

/**
 * @param endings takes what kills it at the end of a test
 * @param ready what it says when it can be used; rejects where it ends before
 */
export async function spawnThrum(
  args: readonly string[],
  endings: (() => Promise<unknown>)[],
  ready?: string,
): Promise<Spawned> {
  const child = spawn(process.execPath, [mainScript, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  const end = async (signal?: NodeJS.Signals): Promise<number | null> => {
    if (signal) child.kill(signal);
    const [status] = await ended;
    return status as number | null;
  };
  endings.push(() => end('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  if (ready !== undefined) {
    await until(`${ready} (${args[0]})`, () => {
      if (hasEnded()) throw new Error(`thrum ${args[0]} ended: ${said}`);
      return said.includes(ready);
    });
  }
  return { child, said: () => said, hasEnded, end };
}

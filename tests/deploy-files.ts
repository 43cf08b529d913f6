// What tests of the files under deploy/ have in common: reading them, and checking the command lines in them.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { projectRoot } from './run-cli.ts';

export const pathOf = (name: string): string => join(projectRoot, 'deploy', name);
export const read = (name: string): string => readFileSync(pathOf(name), 'utf8');
export const has = (command: string, args: string[] = ['--version']): boolean => spawnSync(command, args).status === 0;
export const DEFAULT_PORT = 8470;

/** Options that take a value, as `thrum COMMAND --help` lists them. */
export const knownOptions: Record<string, readonly string[]> = {
  serve: ['host', 'port', 'data', 'store', 'blobs', 'threads', 'make-key', 'log', 'nats'],
  worker: ['nats', 'store', 'blobs', 'threads', 'replicas', 'max-bytes'],
};

/** Checks a command line of Thrum, and gives the values of its options. */
export function optionsOf([command, ...rest]: readonly string[]): Record<string, string> {
  expect(Object.keys(knownOptions)).toContain(command);
  const options: Record<string, string> = {};
  for (let i = 0; i < rest.length; i += 2) {
    const name = rest[i].replace(/^--/, '');
    expect(knownOptions[command], `${command} ${rest[i]}`).toContain(name);
    expect(rest[i + 1], `${rest[i]} has a value`).toBeTypeOf('string');
    options[name] = rest[i + 1];
  }
  return options;
}

/** Hosts and ports of servers that options name. */
export const serversIn = (options: Record<string, string>): string[] =>
  Object.values(options).flatMap((value) => {
    const [, host, port] = /^(?:nats|postgres):\/\/(?:[^@/]*@)?([\w-]+):(\d+)/.exec(value) ?? [];
    return host === undefined ? [] : [`${host}:${port}`];
  });

/** No password stands in a file: only references to variables do. */
export const expectNoPasswords = (text: string): void => {
  for (const [, password] of text.matchAll(/:\/\/[\w-]+:([^@\s"]+)@/g))
    expect(password).toMatch(/^\$[({]\w+|^PASSWORD$/);
};

export const isPinned = (image: string): boolean => /:\d[\w.-]*$/.test(image);

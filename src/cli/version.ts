// The version of this package.
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** From package.json, two folders up from dist/cli as from src/cli. */
export const version = (): string =>
  z.object({ version: z.string() }).parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))).version;

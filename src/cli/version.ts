// The version of this package.
import { createRequire } from 'node:module';
import { z } from 'zod';

const manifest = z.object({ version: z.string() });

/** From package.json, found by the package's own name: the same from src/ and from any place in dist/. */
export const version = (): string => manifest.parse(createRequire(import.meta.url)('thrum/package.json')).version;

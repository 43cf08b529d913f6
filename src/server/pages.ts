// The page: files of one folder, read from a list that was made at the start, so that no path leads out of it.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join, sep } from 'node:path';

export type Page = { type: string; etag: string; cacheControl: string; read(): Promise<Uint8Array> };
/** The file at a path such as `/assets/index-abc.js`; `/` is the page itself. */
export type Pages = { find(path: string): Page | undefined };

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.wav': 'audio/wav',
  '.thrum': 'application/octet-stream',
};

/** Vite writes a hash of their content into the names of assets: such a file never changes. */
const HASHED = /-[\w-]{8}\.\w+$/;

/** What every answer carries: the page runs its own code alone, is framed by nobody, and tells nobody where it was. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self' blob:",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), payment=()',
};

/** Where the built page lies; undefined where it was not built. */
export function pageFolder(): string | undefined {
  try {
    const index = createRequire(import.meta.url).resolve('#page/app');
    return existsSync(index) ? dirname(index) : undefined;
  } catch {
    return undefined;
  }
}

const MISSING = '<!doctype html><title>thrum</title><p>The page was not built; the API is at /api/openapi.json.</p>';

/** Lists the files below `folder`; the content of each is read when it is asked for. */
export function createPages(folder: string | undefined): Pages {
  const pages = new Map<string, Page>();
  for (const entry of folder ? readdirSync(folder, { recursive: true, withFileTypes: true }) : []) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const address = path
      .slice((folder as string).length)
      .split(sep)
      .join('/');
    const { size, mtimeMs } = statSync(path);
    const isPage = extname(path) === '.html';
    // A page is small and decides on all else: its content is its tag.
    const mark = isPage ? readFileSync(path) : `${size} ${mtimeMs}`;
    pages.set(address, {
      type: TYPES[extname(path)] ?? 'application/octet-stream',
      etag: `"${createHash('sha256').update(mark).digest('hex').slice(0, 32)}"`,
      cacheControl: HASHED.test(entry.name) ? 'public, max-age=31536000, immutable' : 'no-cache',
      read: () => readFile(path),
    });
  }
  const missing: Page = {
    type: TYPES['.html'],
    etag: '"none"',
    cacheControl: 'no-store',
    read: async () => new TextEncoder().encode(MISSING),
  };
  return { find: (path) => (path === '/' ? (pages.get('/index.html') ?? missing) : pages.get(path)) };
}

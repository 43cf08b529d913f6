import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../signal/errors.ts';
import { writeEncoder } from './model-page.fixture.ts';
import { modelPage } from './page.node.ts';
import { PARTS } from './parts.ts';

const folder = mkdtempSync(join(tmpdir(), 'thrum-model-page-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Bytes in a data block of the page. */
const blockOf = (page: string, id: string): Buffer => {
  const [, base64 = ''] =
    new RegExp(`<script type="text/plain" id="${id}">([A-Za-z0-9+/=]+)</script>`).exec(page) ?? [];
  return gunzipSync(Buffer.from(base64, 'base64'));
};

describe('modelPage', () => {
  let weights: Uint8Array;
  let page: string;
  beforeAll(() => {
    writeEncoder(join(folder, 'tiny.safetensors'));
    weights = readFileSync(join(folder, 'tiny.safetensors'));
    page = modelPage({ weights, title: 'Pump <house> & co', version: '1.2.3' });
  });

  it('holds weights, worker and runtime', () => {
    expect(blockOf(page, PARTS.weights).equals(weights)).toBe(true);
    expect(blockOf(page, PARTS.runtime).subarray(0, 4)).toEqual(Buffer.from('\0asm'));
    expect(blockOf(page, PARTS.worker).length).toBeGreaterThan(1e5);
  });

  it('is the same for the same weights', () => {
    expect(modelPage({ weights, title: 'Pump <house> & co', version: '1.2.3' }) === page).toBe(true);
  });

  it('lets nothing run but its own script, and asks for nothing', () => {
    const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)];
    expect(scripts).toHaveLength(1);
    const hash = createHash('sha256').update(scripts[0][1]).digest('base64');
    const [, policy] = /Content-Security-Policy" content="([^"]*)"/.exec(page) ?? [];
    expect(policy.replaceAll('&#39;', "'").split('; ')).toEqual([
      "default-src 'none'",
      `script-src 'sha256-${hash}' 'strict-dynamic' 'wasm-unsafe-eval'`,
      'worker-src blob:',
      'img-src data:',
      "style-src 'unsafe-inline'",
      "base-uri 'none'",
      "form-action 'none'",
    ]);
    const markup = page.replace(/<(script|style)[\s\S]*?<\/\1>/g, '');
    expect([...markup.matchAll(/\s(?:src|href|action)="(?!data:)[^"]*"/g)]).toEqual([]);
  });

  it('writes its title as text', () => {
    expect(page).toContain('<title>Pump &#60;house&#62; &#38; co</title>');
    expect(page).toContain('<h1 id="title">Pump &#60;house&#62; &#38; co</h1>');
    expect(page).not.toContain('<house>');
  });

  it('refuses what is no model', () => {
    expect(() => modelPage({ weights: weights.subarray(0, 1000), title: 'cut' })).toThrow(InputError);
    const nothing = new TextEncoder().encode('\0\0\0\0\0\0\0\0{}');
    nothing[0] = 2;
    expect(() => modelPage({ weights: nothing, title: 'empty' })).toThrow(/^loadEncoder: expected weights of/);
  });
});

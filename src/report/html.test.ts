import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToBase64, escapeHtml, html, jsonForScript, raw } from './html.ts';

describe('html', () => {
  it('escapes strings and keeps markup', () => {
    const name = `"><script>alert('x')</script>&.wav`;
    expect(html`<p title="${name}">${raw('<b>ok</b>')}</p>`.markup).toBe(
      '<p title="&#34;&#62;&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#38;.wav"><b>ok</b></p>',
    );
  });

  it('joins lists, writes numbers, and leaves out what is absent', () => {
    expect(html`${[html`<i>${1}</i>`, html`<i>${0}</i>`]}${false}${undefined}${''}`.markup).toBe('<i>1</i><i>0</i>');
  });

  it('leaves no character that ends text or an attribute', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const escaped = escapeHtml(text);
        expect(escaped).not.toMatch(/[<>"']/);
        expect(escaped.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))).toBe(text);
      }),
    );
  });
});

describe('jsonForScript', () => {
  it('cannot end its script element, and reads back the same', () => {
    const value = { name: '</script><!--<script>&amp;', list: [1, null] };
    const { markup } = jsonForScript(value);
    expect(markup).not.toMatch(/[<>&]/);
    expect(JSON.parse(markup)).toEqual(value);
  });
});

describe('bytesToBase64', () => {
  it.each([
    ['', ''],
    ['f', 'Zg=='],
    ['fo', 'Zm8='],
    ['foobar', 'Zm9vYmFy'],
  ])('encodes %j as in RFC 4648, section 10', (text, expected) => {
    expect(bytesToBase64(new TextEncoder().encode(text))).toBe(expected);
  });

  it('agrees with Buffer over more than one piece', () => {
    const bytes = Uint8Array.from({ length: 20_000 }, (_, i) => (i * 7919) & 255);
    expect(bytesToBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
  });
});

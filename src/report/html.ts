// Markup that cannot be broken by its contents: an escaping template tag, and JSON that is safe inside a script element.

/** Text that is HTML already. Made by `html` and `raw` only, so that every other string is escaped. */
export type Markup = { readonly markup: string };

type Interpolation = Markup | readonly Markup[] | string | number | false | undefined;

/**
 * Escapes text for element content and for quoted attribute values. Uses nothing outside of itself, as it also runs in
 * the reader's browser.
 */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** Marks a string as HTML. For constants and for markup built by escaping code; never for outside text. */
export const raw = (markup: string): Markup => ({ markup });

const interpolate = (value: Interpolation): string => {
  if (value === undefined || value === false) return '';
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  return 'markup' in value ? value.markup : value.map((part) => part.markup).join('');
};

/** Template tag: strings are escaped, markup is kept, lists of markup are joined, `undefined` and `false` vanish. */
export const html = (strings: TemplateStringsArray, ...values: Interpolation[]): Markup =>
  raw(strings.reduce((text, part, i) => text + interpolate(values[i - 1]) + part));

/**
 * JSON for `<script type="application/json">`. Every `<`, `>` and `&` becomes a JSON escape, so that no value can
 * end the element or open a comment in it (HTML standard, "restrictions for contents of script elements").
 */
export const jsonForScript = (value: unknown): Markup =>
  raw(JSON.stringify(value).replace(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`));

/** Base64 of bytes, without Node: the standard alphabet, padded (RFC 4648, section 4). */
export const bytesToBase64 = (bytes: Uint8Array): string => {
  // In pieces, because a call takes a limited number of arguments.
  const piece = 8192;
  let binary = '';
  for (let i = 0; i < bytes.length; i += piece) binary += String.fromCharCode(...bytes.subarray(i, i + piece));
  return btoa(binary);
};

// What every HTML page of this room shares: the frame around it, caveats, facts, and plots for wide and narrow screens.
import { html, type Markup, raw } from './html.ts';
import { style } from './style.ts';

/** A name and what it is. */
export type Fact = readonly [name: string, value: string];

export type Page = {
  /** Of the window; may say more than the heading of the page. */
  title: string;
  heading: string;
  /** Who made the page and when, at the right end of the heading. */
  made: string;
  version?: string;
  /** Address of the icon: `data:…`. */
  icon?: string;
  /** What the page may use beside its style sheet, as directives of a content security policy. Nothing by default. */
  allowed?: readonly string[];
  /** Style sheets besides the one all pages have. */
  styles?: readonly string[];
  body: Markup;
  scripts?: Markup;
};

/** For `allowed`: scripts that are part of the page. */
export const ownScripts = "script-src 'unsafe-inline'";
/** For `allowed`: images that are part of the page. */
export const ownImages = 'img-src data:';

/** Nothing may be loaded from anywhere, whatever a file name or a note contains. */
const contentPolicy = (allowed: readonly string[]): string =>
  ["default-src 'none'", ...allowed, "style-src 'unsafe-inline'", "base-uri 'none'", "form-action 'none'"].join('; ');

/** A page as a single string without any reference to the outside. */
export const renderPage = (page: Page): string => {
  const { title, heading, made, version, icon, allowed = [], styles = [], body, scripts } = page;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy(allowed)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${version !== undefined && html`<meta name="generator" content="thrum ${version}">\n`}<title>${title}</title>
${icon !== undefined && html`<link rel="icon" href="${icon}">\n`}<style>${raw([style, ...styles].join('\n'))}</style>
</head>
<body>
<header class="masthead"><span class="brand">thrum</span><span class="title">${heading}</span><span class="made">${made}</span></header>
<main>
${body}
</main>
${scripts && html`${scripts}\n`}</body>
</html>
`.markup;
};

/** What to know first; nothing where there is nothing. */
export const caveats = (lines: readonly string[]): Markup =>
  lines.length === 0
    ? html``
    : html`<aside class="notes" aria-label="Caveats"><h2>Before you rely on this</h2><ul>${lines.map((line) => html`<li>${line}</li>`)}</ul></aside>`;

/** Names and values side by side. */
export const factList = (facts: readonly Fact[]): Markup =>
  html`<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

/** The same plot for wide and for narrow screens, by its width in pixels: its text must stay readable on both. */
export const responsive = (plot: (width: number) => Markup, wide = 1080): Markup =>
  html`<div class="wide">${plot(wide)}</div><div class="narrow">${plot(400)}</div>`;

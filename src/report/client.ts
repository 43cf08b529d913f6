// The report's script: the functions that run in the reader's browser, embedded as their own source.
import { startFigures } from './client-figures.ts';
import { startTable } from './client-table.ts';
import { colourStops, colourTable } from './colour-map.ts';
import { escapeHtml, type Markup, raw } from './html.ts';
import { pageSize, rowHtml, sortRows } from './table.ts';

/**
 * The script element. Each embedded function uses nothing outside of itself, and is given what it needs, so that no
 * bundler can part it from a helper. `__name` is what some compilers (esbuild's keepNames) call in every function.
 */
export const clientScript = (): Markup =>
  raw(`<script>(() => {
'use strict';
const __name = (value) => value;
(${startTable})(${sortRows}, ${rowHtml}, ${escapeHtml}, ${pageSize});
(${startFigures})((${colourTable})(${JSON.stringify(colourStops)}));
})();</script>`);

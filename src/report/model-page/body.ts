// What stands on the page of a model before it hears anything. Its script fills in the rest.
import { html, type Markup } from '../html.ts';

/** `96 kB`, `1.2 MB`. */
const formatBytes = (bytes: number): string =>
  bytes < 999_500 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;

const microphoneIcon = html`<svg viewBox="0 0 24 24" aria-hidden="true"><rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3"/></svg>`;
const fileIcon = html`<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 15V4M7.5 8.5 12 4l4.5 4.5M4 15v3.5A1.5 1.5 0 0 0 5.5 20h13a1.5 1.5 0 0 0 1.5-1.5V15"/></svg>`;

/** The page's contents. `bytes` are those of the weights. */
export const modelPageBody = (title: string, bytes: number): Markup => html`
<section class="panel lead" aria-labelledby="title">
<h1 id="title">${title}</h1>
<p class="caption">A model of ${formatBytes(bytes)}. <span id="about">Getting it ready …</span></p>
<div class="drop" id="drop">
<p class="drop-words">Drop a recording here</p>
<div class="actions">
<button type="button" class="action" id="choose" disabled>${fileIcon}<span>Choose a file</span></button><input type="file" id="file" hidden>
<button type="button" class="action" id="microphone" aria-pressed="false" disabled>${microphoneIcon}<span>Use the microphone</span></button>
</div>
<p class="caption">WAV, FLAC, Ogg, MP3, or measurements as CSV, NumPy, MATLAB, HDF5, TDMS. Nothing leaves this device.</p>
</div>
<p id="problem" class="problem" role="alert" hidden></p>
<p id="status" class="status" role="status"></p>
</section>
<noscript><p class="problem">This page needs JavaScript, which this browser does not run.</p></noscript>
<section class="panel result" id="result" aria-label="What the model says" hidden>
<div class="heading"><div><h2 id="source"></h2><p id="verdict" class="verdict-line"></p></div>
<div id="level" class="loudness" role="meter" aria-label="Level of the microphone" aria-valuemin="-90" aria-valuemax="0" aria-valuenow="-90" hidden><i></i><span></span></div></div>
<div id="normal" class="normal-controls" hidden><button type="button" class="action" id="mark">Mark this as normal</button><button type="button" class="action" id="forget" hidden>Forget it</button><p id="normal-state" class="caption">Mark sounds of the machine in good order. What follows is measured by how far it lies from them.</p></div>
<div class="tracks" id="tracks"></div>
<p class="caption" id="foot"></p>
<details id="seconds" hidden><summary>As a table</summary><div class="table-frame"><table><thead><tr><th scope="col">from</th><th scope="col">to</th><th scope="col" id="column">label</th><th scope="col" class="number" id="figure">probability</th></tr></thead><tbody></tbody></table></div></details>
</section>`;

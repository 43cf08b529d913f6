// The report's style sheet: an instrument's face. Light and dark by the reader's setting; paper is always light.

/**
 * Verdicts are blue and vermilion, apart for every common kind of colour vision (Okabe and Ito 2008), and never told
 * by colour alone. All text meets a contrast of 4.5 : 1 (WCAG 2.2, 1.4.3) on its ground.
 */
const colours = `
:root{color-scheme:light dark;--page:#f3f5f6;--panel:#fff;--ink:#14191e;--soft:#525d67;--line:#d5dbe0;--faint:#e9edf0;
--normal:#0b62a4;--normal-soft:#dcebf7;--anomalous:#b23a05;--anomalous-soft:#fdeadf;--failed:#66489b;--failed-soft:#efe9f8;
--note:#fff7e0;--note-line:#d99a00;--wave:#47606f;--focus:#0b62a4}
@media screen and (prefers-color-scheme:dark){:root{--page:#0f1317;--panel:#171c21;--ink:#e6ebef;--soft:#9daab5;--line:#313a43;--faint:#262e36;
--normal:#6fb6f2;--normal-soft:#17324a;--anomalous:#ff9d63;--anomalous-soft:#43230f;--failed:#c6adf7;--failed-soft:#2f2544;
--note:#2b2412;--note-line:#c4912a;--wave:#93aab9;--focus:#8ec6f7}}
`;

const base = `
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:.75rem}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Liberation Sans",sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
main,.masthead{max-width:1160px;margin:0 auto;padding:0 20px}
h1,h2,h3,p,dl,dd,figure,ul{margin:0}
h2{font-size:.8rem;font-weight:650;letter-spacing:.07em;text-transform:uppercase;color:var(--soft);margin-bottom:.75rem}
a{color:inherit;text-decoration-color:var(--soft);text-underline-offset:.2em}
:focus-visible{outline:2px solid var(--focus);outline-offset:2px;border-radius:3px}
.panel,.detail,.verdict,.notes{background:var(--panel);border:1px solid var(--line);border-radius:6px;margin-bottom:16px}
.panel{padding:18px 20px}
.caption,caption{color:var(--soft);font-size:.87rem;line-height:1.5}
.masthead{display:flex;gap:.3rem 1.1rem;align-items:baseline;flex-wrap:wrap;padding-top:16px;padding-bottom:12px}
.brand{font-weight:750;letter-spacing:.01em;font-size:1.05rem}
.title{flex:1 1 auto}.made{color:var(--soft);font-size:.87rem}
.print-only,.narrow{display:none}.whole{white-space:nowrap}
.verdict{display:grid;grid-template-columns:auto 1fr;gap:4px 18px;padding:22px 20px 0;border-left:6px solid var(--state);align-items:start}
.verdict.anomalous{--state:var(--anomalous)}.verdict.normal{--state:var(--normal)}.verdict.failed{--state:var(--failed)}
.sign{width:46px;height:46px;margin-top:2px;fill:none;stroke:var(--state);stroke-width:3.4;stroke-linecap:round;stroke-linejoin:round}
h1{font-size:clamp(1.35rem,1rem + 1.7vw,2rem);line-height:1.2;font-weight:680;letter-spacing:-.012em;text-wrap:balance;margin-bottom:.45rem}
.verdict p{max-width:76ch}
.readouts{grid-column:1/-1;display:flex;flex-wrap:wrap;margin:18px -20px 0;border-top:1px solid var(--line)}
.readout-box{flex:1 1 7.5rem;padding:11px 20px 12px;border-right:1px solid var(--line);display:flex;flex-direction:column}
.readout-box:last-child{border-right:0}
.readout-box dd{font-size:1.4rem;font-weight:600;line-height:1.25}
.readout-box dt{color:var(--soft);font-size:.82rem}
.readout-box.anomalous dd{color:var(--anomalous)}.readout-box.failed dd{color:var(--failed)}
.notes{background:var(--note);border-color:var(--note-line);padding:14px 20px}
.notes h2{color:var(--ink);margin-bottom:.3rem}.notes ul{padding-left:1.15rem}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(12rem,1fr));gap:10px 24px}
.facts dt{color:var(--soft);font-size:.82rem}.about .caption{margin-top:14px;max-width:100ch}
`;

const plots = `
.plot{display:block;width:100%;height:auto;overflow:visible}
.plot text{font-size:13px;fill:var(--soft)}
.tick,.axis-label{text-anchor:middle}.tick-y{text-anchor:end}
.plot .threshold-label,.plot .alarm-label{fill:var(--ink);font-weight:600}
.plot .lane-label{fill:var(--ink);paint-order:stroke;stroke:var(--panel);stroke-width:4px;stroke-linejoin:round}
.grid{stroke:var(--faint)}.axis{stroke:var(--soft);fill:none}
.beyond{fill:var(--anomalous);opacity:.07}
.threshold{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:5 4}
.bar,.dot{fill:var(--wave)}.dot{opacity:.85}
.mark{stroke:var(--panel);stroke-width:1}.mark.normal{fill:var(--normal)}.mark.anomalous{fill:var(--anomalous)}
.mark.crowd{fill:none;stroke-width:1;stroke:var(--normal)}.mark.crowd.anomalous{stroke:var(--anomalous)}
.curve,.curve-raw{fill:none;stroke-linejoin:round}.curve{stroke-width:2}.curve-raw{stroke:var(--soft);opacity:.45}
.curve.normal{stroke:var(--normal)}.curve.anomalous{stroke:var(--anomalous)}
.alarm{stroke:var(--anomalous);stroke-width:1.5}
`;

const table = `
.table-controls{display:flex;flex-wrap:wrap;gap:8px 16px;align-items:center;margin-bottom:10px;font-size:.87rem}
.table-controls label{color:var(--soft);display:inline-flex;gap:.5rem;align-items:center}
.table-controls output{color:var(--soft);margin-left:auto}
input,select,button{font:inherit;color:var(--ink)}
.table-controls :is(input,select,button){background:var(--page);border:1px solid var(--line);border-radius:4px;padding:5px 9px}
.table-controls input{width:15rem;max-width:60vw}.table-controls input::placeholder{color:var(--soft);opacity:1}
.table-frame{overflow-x:auto;margin:0 -20px -18px}
table{border-collapse:collapse;width:100%;font-size:.92rem}
caption{caption-side:bottom;text-align:left;padding:10px 20px 14px}caption span{position:sticky;left:20px;display:inline-block;max-width:calc(min(100vw,1160px) - 90px)}
th,td{text-align:left;padding:5px 10px;font-weight:400;vertical-align:baseline}
th:first-child{padding-left:20px}td:last-child,thead th:last-child{padding-right:20px}
thead th{padding-block:0;border-bottom:1px solid var(--soft);white-space:nowrap}
thead button{background:none;border:0;padding:6px 0;font-weight:600;font-size:.87rem;cursor:pointer}
thead button::after{content:"↕";display:inline-block;width:1.1em;text-align:right;color:var(--soft);font-weight:400}
th[aria-sort=ascending] button::after{content:"↑";color:var(--ink)}th[aria-sort=descending] button::after{content:"↓";color:var(--ink)}
tbody tr{border-top:1px solid var(--faint)}tbody tr:first-child{border-top:0}
tbody th{min-width:15rem;max-width:28rem}
tbody tr[data-detail]{cursor:pointer}tbody tr:hover{background:var(--faint)}
.number{text-align:right;white-space:nowrap}.message{color:var(--soft)}
.score span:has(.level){display:flex;flex-direction:row-reverse;justify-content:space-between;align-items:center;gap:14px}
.level{flex:none;position:relative;width:64px;height:7px;background:var(--faint);border-radius:2px}
tr:hover .level{background:var(--line)}
.level i{display:block;height:100%;background:var(--normal);border-radius:2px}.anomalous .level i{background:var(--anomalous)}
.level::after{content:"";position:absolute;left:50%;top:-3px;bottom:-3px;border-left:1.5px solid var(--ink)}
.verdict-word{display:inline-block;white-space:nowrap;padding:0 8px;border-radius:9px;font-size:.85rem;font-weight:600}
.verdict-word.normal{color:var(--normal)}.verdict-word.normal::before{content:"● "}
.verdict-word.anomalous{color:var(--anomalous);background:var(--anomalous-soft)}.verdict-word.anomalous::before{content:"▲ "}
.verdict-word.failed{color:var(--failed);background:var(--failed-soft);margin-right:.5rem}.verdict-word.failed::before{content:"✕ "}
`;

const details = `
.details>h2{margin:26px 0 10px}
summary{cursor:pointer;display:flex;flex-wrap:wrap;gap:2px 12px;align-items:baseline;padding:11px 20px;list-style:none}
summary::-webkit-details-marker{display:none}
summary::before{content:"";width:7px;height:7px;border:solid var(--soft);border-width:0 2px 2px 0;transform:rotate(-45deg);align-self:center;margin-right:2px}
[open]>summary::before{transform:rotate(45deg)}
h3{font-size:1rem;font-weight:620}.summary-score{color:var(--soft);font-size:.9rem;margin-left:auto}
.detail-body{padding:6px 20px 18px}.detail .facts{margin-bottom:18px}
.legend{display:flex;flex-wrap:wrap;gap:4px 22px;align-items:center;color:var(--soft);font-size:.85rem;margin-bottom:4px;min-height:1.6rem}
.legend label{cursor:pointer}.legend input{margin:0 .25rem 0 0;vertical-align:-.1em;accent-color:var(--focus)}
.readout{margin-left:auto;color:var(--ink)}
.colour-bar i{display:inline-block;width:96px;height:9px;margin:0 .5rem;border-radius:2px;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.panels{--side:8.5rem;display:grid;grid-template-columns:3.4rem minmax(0,1fr) var(--side);font-size:.8rem;color:var(--soft);line-height:1}
.without-bands .panels{--side:3.4rem}
.panels>*{min-width:0}
.top-unit{text-align:right;padding:0 8px 6px 0}.bands-title{grid-column:3;padding:0 0 6px 10px}
.y-axis{grid-column:1;position:relative}.y-axis span{position:absolute;right:8px;transform:translateY(50%)}
.y-axis span::after{content:"";position:absolute;right:-8px;top:50%;width:4px;border-top:1px solid var(--soft)}
.track{grid-column:2;position:relative;overflow:hidden;background:var(--page);border:1px solid var(--line);border-width:0 0 1px}
.track svg{position:absolute;inset:0;width:100%;height:100%}
.spectrogram{height:320px;border:0;cursor:crosshair}.spectrogram canvas{display:block;width:100%;height:100%}
.marks path{fill:none;stroke:#fff;stroke-width:1.4;vector-effect:non-scaling-stroke}.marks .halo{stroke:#000;stroke-opacity:.75;stroke-width:3.6}
.figure:has(.marks-toggle:not(:checked)) .marks{display:none}
.bands{grid-column:3;position:relative}.bands svg{position:absolute;left:10px;top:0;width:calc(100% - 3.6rem);height:100%}
.without-bands .frequency+.track{grid-column:2}
.bands rect{fill:var(--anomalous)}.detail.normal .bands rect{fill:var(--normal)}
.bands span{position:absolute;right:0;transform:translateY(50%);color:var(--ink)}
.strip{height:52px;margin-top:16px}.strip-axis{margin-top:16px}
.strip-area{fill:var(--wave);opacity:.75}.strip-level{stroke:var(--ink);stroke-dasharray:4 3;vector-effect:non-scaling-stroke;fill:none}
.wave{height:96px;margin-top:12px}.wave-axis{margin-top:12px}.wave-area{fill:var(--wave);stroke:var(--wave);stroke-width:.7;vector-effect:non-scaling-stroke}
.unit:not(.top-unit){grid-column:3;align-self:center;padding:10px 0 0 10px}
.x-axis{grid-column:2;position:relative;height:22px}.x-axis span,.y-axis span,.bands span{white-space:nowrap}.x-axis span{position:absolute;top:8px;transform:translateX(-50%)}
.x-axis span::before{content:"";position:absolute;left:50%;top:-8px;height:4px;border-left:1px solid var(--soft)}
.panels .time-unit{align-self:start;padding:8px 0 0 16px}
.seekable{cursor:pointer}.spectrogram.seekable{cursor:crosshair}
.has-playhead .track::after{content:"";position:absolute;top:0;bottom:0;left:calc(var(--at,0)*100%);border-left:1.5px solid #fff;box-shadow:0 0 0 1px #0009}
.player{display:flex;flex-wrap:wrap;gap:6px 14px;align-items:center;margin-top:14px;color:var(--soft);font-size:.87rem}.player audio{height:38px;width:min(26rem,100%)}
.back{margin-top:12px;font-size:.87rem}
`;

const narrow = `
@media (max-width:1000px){.plot text{font-size:16px}}
@media (max-width:760px){
.plot text{font-size:13px}tbody th{min-width:10.5rem}caption span{left:14px}
main,.masthead{padding-left:12px;padding-right:12px}
.wide{display:none}.narrow{display:block;max-width:560px}
.verdict{grid-template-columns:1fr;padding:16px 14px 0}.sign{width:34px;height:34px}.readouts{margin:14px -14px 0}
.readout-box{flex-basis:33%;padding:9px 14px;border-bottom:1px solid var(--faint)}
.panel{padding:14px}.table-frame{margin:0 -14px -14px}th:first-child,caption{padding-left:14px}
.table-controls output{margin-left:0}.detail-body{padding:4px 14px 14px}summary{padding:11px 14px}.summary-score{margin-left:0}
.panels{--side:5.2rem;grid-template-columns:2.5rem minmax(0,1fr) var(--side);font-size:.75rem}.spectrogram{height:220px}
.x-axis span:nth-child(even){display:none}.bands svg{width:calc(100% - 3.1rem)}
}
`;

const print = `
@media print{
@page{margin:14mm 12mm}
body{font-size:9.5pt;background:#fff}main,.masthead{max-width:none;padding-inline:0}
.screen-only,.player,summary::before,.level{display:none!important}.print-only{display:inline}
.wide{display:block}.narrow{display:none}
.panel,.verdict,.notes,.detail,.figure,.facts{break-inside:avoid}#recordings{break-inside:auto}h2,h3,summary{break-after:avoid}
details::details-content{content-visibility:visible;block-size:auto;opacity:1}
.plot text{font-size:15px}table{font-size:8.5pt}th,td{padding:3px 6px}tbody th{min-width:8rem}
.table-frame{overflow:visible;margin:0}thead button::after{content:""}thead{display:table-header-group}tr{break-inside:avoid}
.spectrogram{height:250px}
canvas,.verdict-word{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
@media (prefers-reduced-motion:no-preference){html{scroll-behavior:smooth}}
`;

export const style = [colours, base, plots, table, details, narrow, print].join('').replace(/\n+/g, '\n').trim();

// The style sheet of a model's page, on top of the one that all pages have.
import { series } from './palette.ts';

const hues = (scheme: 0 | 1): string => series.map((pair, i) => `--c${i}:${pair[scheme]}`).join(';');

export const modelPageStyle = `
:root{${hues(0)}}
@media screen and (prefers-color-scheme:dark){:root{${hues(1)}}}
${series.map((_, i) => `.series-${i}{--own:var(--c${i})}`).join('')}
[hidden]{display:none!important}
main{max-width:960px;padding-bottom:24px}.masthead{max-width:960px}
.lead h1{margin-bottom:.2rem}
.drop{margin-top:16px;padding:30px 20px 22px;border:1.5px dashed var(--line);border-radius:8px;background:var(--page);text-align:center;transition:border-color .12s,background-color .12s}
.drop.over{border-color:var(--normal);background:var(--normal-soft)}
.drop-words{font-size:1.15rem;font-weight:600;margin-bottom:14px}
.actions{display:flex;flex-wrap:wrap;gap:10px;justify-content:center;margin-bottom:16px}
.action{display:inline-flex;align-items:center;gap:.55rem;min-height:44px;padding:8px 18px;border:1px solid var(--line);border-radius:6px;background:var(--panel);color:var(--ink);font:inherit;font-weight:600;cursor:pointer}
.action svg{width:20px;height:20px;fill:none;stroke:var(--normal);stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round}
.action:hover{border-color:var(--soft)}.action:disabled{opacity:.5;cursor:default}
.action[aria-pressed=true]{background:var(--anomalous-soft);border-color:var(--anomalous);color:var(--anomalous)}.action[aria-pressed=true] svg{stroke:var(--anomalous)}
.status{color:var(--soft);margin-top:12px;min-height:1.5em;text-align:center}
.problem{margin-top:12px;padding:10px 14px;border:1px solid var(--anomalous);border-radius:6px;background:var(--anomalous-soft);color:var(--ink)}
.heading{display:flex;flex-wrap:wrap;gap:8px 24px;align-items:flex-end;justify-content:space-between;margin-bottom:18px}
.heading h2{text-transform:none;letter-spacing:0;font-size:.9rem;font-weight:500;margin-bottom:.1rem}
.verdict-line{font-size:clamp(1.6rem,1.1rem + 2.2vw,2.3rem);font-weight:680;line-height:1.2;letter-spacing:-.012em;min-height:1.2em}
.verdict-line span{font-size:.55em;font-weight:500;letter-spacing:0;color:var(--soft);margin-left:.6em;white-space:nowrap}
.verdict-line.anomalous{color:var(--anomalous)}
.loudness{display:flex;align-items:center;gap:10px;font-size:.87rem;color:var(--soft);white-space:nowrap}
.loudness i{position:relative;overflow:hidden;width:150px;height:10px;border-radius:5px;background:var(--faint)}
.loudness i::after{content:"";position:absolute;inset:0;border-radius:5px;background:var(--normal);transform-origin:left;transform:scaleX(var(--at,0))}
.loudness.over i::after{background:var(--anomalous)}.loudness span{min-width:4em;text-align:right}
.normal-controls{display:flex;flex-wrap:wrap;gap:10px;align-items:center;margin-bottom:18px}.normal-controls p{flex:1 1 18rem}
.tracks{display:grid;grid-template-columns:minmax(4.5rem,7rem) minmax(0,1fr) 4.2rem;gap:0 12px;align-items:center;font-size:.9rem}
.track-name{text-align:right;font-weight:550;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.track-value{font-weight:600;white-space:nowrap}
.track-value b{display:block;height:4px;margin-top:3px;border-radius:2px;background:linear-gradient(var(--own),var(--own)) no-repeat left/calc(var(--at,0)*100%) 100%,var(--faint)}
.tracks canvas{display:block;width:100%}
.trace{height:40px;border-bottom:1px solid var(--faint);color:var(--own)}
.trace.tall{height:150px;border-bottom:1px solid var(--line)}.track-name.tall,.track-value.tall{align-self:start;padding-top:4px}
.sound{height:210px;image-rendering:auto;border-radius:3px 3px 0 0;background:#440154}
.hertz{position:relative;align-self:stretch;color:var(--soft);font-size:.8rem}
.hertz span{position:absolute;right:0;transform:translateY(50%);white-space:nowrap;line-height:1}
.lane{position:relative;height:30px;margin:2px 0 8px;border-radius:0 0 3px 3px;overflow:hidden;background:var(--faint)}
.lane span{position:absolute;top:0;bottom:0;padding:0 7px;line-height:30px;font-size:.82rem;font-weight:600;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;background:color-mix(in srgb,var(--own) 24%,var(--panel));border-left:3px solid var(--own)}
.lane span.tight{padding:0}
.clock{position:relative;height:24px;color:var(--soft);font-size:.8rem}
.clock span{position:absolute;top:5px;transform:translateX(-50%);white-space:nowrap;line-height:1.4}.clock span:first-child{transform:none}.clock span:last-child{transform:translateX(-100%)}
.clock span::before{content:"";position:absolute;top:-5px;left:50%;height:4px;border-left:1px solid var(--soft)}.clock span:first-child::before{left:0}.clock span:last-child::before{left:auto;right:0}
#foot{margin-top:12px}#foot:empty{display:none}
#seconds{margin:14px -20px -18px;border-top:1px solid var(--line)}#seconds .table-frame{margin:0;max-height:22rem;overflow:auto}
@media (max-width:760px){
main{padding-bottom:12px}.drop{padding:22px 12px 16px}.actions{flex-direction:column;align-items:stretch}.action{justify-content:center}
.tracks{grid-template-columns:minmax(3.4rem,5.6rem) minmax(0,1fr) 3.4rem;gap:0 8px;font-size:.85rem}.sound{height:150px}
#seconds{margin:14px -14px -14px}.loudness{width:100%}.loudness i{flex:1}
}
@media print{.drop,.status,.normal-controls,.loudness{display:none}}
`;

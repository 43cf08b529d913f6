// What the benchmark page adds to the report's style sheet: a wide table with fixed headings, bars, a coloured matrix, plots.

const table = `
main,.masthead{max-width:1500px}.scaling-plot{max-width:1000px}
#bench-table caption span{max-width:calc(min(100vw,1500px) - 90px)}
.bench-frame{overflow:auto;max-height:85vh}
#bench-table thead{position:sticky;top:0;z-index:2;background:var(--panel)}
#bench-table{border-collapse:separate;border-spacing:0;overflow-wrap:normal;font-size:.88rem}
#bench-table caption{caption-side:top;padding:0 20px 8px}#bench-table td{white-space:nowrap}#bench-table :is(th,td):not(:first-child,:last-child){padding-inline:6px}
#bench-table thead th{white-space:normal;vertical-align:bottom;border-bottom:0}
#bench-table thead tr:last-child th{border-bottom:1px solid var(--soft)}
#bench-table thead button{text-align:inherit;line-height:1.25}
#bench-table .group{color:var(--soft);font-size:.82rem;text-align:center;padding-top:2px}
#bench-table .first{border-left:1px solid var(--line)}
#bench-table tbody th,#bench-table thead th[data-column]:first-child{position:sticky;left:0;background:var(--panel);z-index:1;border-right:1px solid var(--line)}
#bench-table tbody th{min-width:8.5rem;white-space:nowrap}
#bench-table tbody :is(th,td){border-top:1px solid var(--faint)}
#bench-table tbody tr:hover th{background:var(--faint)}
#bench-table .mean{font-weight:600}
.own :is(th,td){background:var(--normal-soft)}#bench-table tbody .own th{background:var(--normal-soft);font-weight:650}
.source{color:var(--soft)}.own .source{color:var(--normal);font-weight:600}
.best{font-weight:700}.best::before{content:"★";color:var(--normal);font-size:.75em;margin-right:.2em;vertical-align:.12em}
.absent{color:var(--soft)}
.why{padding-left:1.3rem;margin-top:.4rem}.why li{margin-top:.15rem}
.table-frame.bench-frame{margin-bottom:0}
.bench-caption{border-top:1px solid var(--line);margin:0 -20px;padding:8px 20px 0}
`;

const details = `
.detail-body>.caption+.facts{margin-top:10px}.facts+.matrix{margin-top:16px}
.behind{border-collapse:collapse;width:auto;max-width:100%;margin-bottom:18px;font-size:.9rem}
.behind caption{caption-side:top;padding:0 0 6px;color:var(--ink);font-weight:600}
.behind :is(th,td){padding:4px 12px;white-space:nowrap}.behind :is(th,td):first-child{padding-left:0}
.behind thead th{padding-block:3px;font-weight:600;font-size:.87rem;vertical-align:bottom}
.behind tbody th{min-width:0}
.share-bar{min-width:7.5rem;background:linear-gradient(to right,var(--normal-soft) calc(var(--share)*100%),transparent 0) content-box}
.behind td.share-bar{padding-left:2px}
.matrix{overflow-x:auto}
.confusion td{text-align:center;min-width:2.6rem;border:1px solid var(--panel);background:color-mix(in srgb,var(--cell) calc(var(--share)*45%),var(--faint))}
.confusion .right{--cell:var(--normal)}.confusion .wrong{--cell:var(--anomalous)}
.confusion .none{color:var(--soft)}
.confusion thead th{text-align:center}.confusion .upright span{writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;max-height:11rem}
.side-by-side{display:flex;flex-wrap:wrap;gap:0 40px;align-items:flex-start}
.side-by-side>*{min-width:0;max-width:100%}
.audit.leak{color:var(--anomalous);font-weight:600}
.curve-figure{max-width:600px;margin-bottom:14px}
code,.hash{font-family:ui-monospace,"Cascadia Mono",Menlo,Consolas,"Liberation Mono",monospace;font-size:.87em}
.hash{white-space:normal!important}
.plain-list{padding-left:1.15rem}
`;

const plots = `
.plot .point-label{font-size:13px;fill:var(--ink);paint-order:stroke;stroke:var(--panel);stroke-width:3px;stroke-linejoin:round}
.plot .point-label.own{fill:var(--normal);font-weight:650}
.plot .leader{stroke:var(--soft);stroke-width:.8;opacity:.7}
.family{fill:none;stroke:var(--wave);opacity:.4}.family.own{stroke:var(--normal);opacity:.6}
.point{fill:var(--panel);stroke:var(--wave);stroke-width:1.8}.point.own{fill:var(--normal);stroke:var(--normal)}
.key{width:14px;height:14px;vertical-align:-2px;margin-right:.4rem;overflow:visible}
.chance{stroke:var(--soft);stroke-dasharray:2 4;fill:none}.anchor-line{fill:none;stroke:var(--normal);stroke-width:1.5;stroke-dasharray:4 4;opacity:.7}
.anchor{fill:var(--panel);stroke:var(--normal);stroke-width:1.5}.curve-dot{fill:var(--normal)}
`;

const narrow = `
@media (max-width:760px){.bench-caption{margin:0 -14px;padding:8px 14px 0}#bench-table caption{padding-left:14px}}
@media (max-width:560px){#bench-table tbody th{white-space:normal;min-width:7.5rem}}
`;

const print = `
@media print{
@page{size:landscape}
.caption,.legend,.facts dt{font-size:8.5pt}
.bench-frame{max-height:none;overflow:visible}#bench-table thead{position:static;display:table-header-group}
#bench-table{font-size:6.5pt}#bench-table :is(th,td),#bench-table :is(th,td):not(:first-child,:last-child){padding:2px 3px}#bench-table thead button::after{display:none}#bench-table .group{font-size:6.5pt}#bench-table tbody th{min-width:0;white-space:normal}
#bench-table thead button{padding:0;font-size:6.5pt}.bench-caption{margin:0;padding-inline:0}#bench-table caption{padding-inline:0}
.own :is(th,td),.share-bar,.confusion td{print-color-adjust:exact;-webkit-print-color-adjust:exact}
.behind{break-inside:avoid;font-size:8pt}.matrix{overflow:visible}
}
`;

export const benchStyle = [table, details, plots, narrow, print].join('').replace(/\n+/g, '\n').trim();

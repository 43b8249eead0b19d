/** The look of a report: the reader's own light or dark, nothing fetched, printable. */
const DARK = ["#3984F9", "#E79B0F", "#72C5A3", "#B3739F", "#ECD858", "#B4A4FA", "#D5644B", "#8BE4FE"];
const LIGHT = ["#124FA8", "#9B591B", "#10A08B", "#6E2E62", "#A68E14", "#927DF5", "#861F13", "#207999"];
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 3]];

/** The line of the run at this place; beyond eight the colours come again, dashed. */
export function reportLine(place: number): { color: string; dash: readonly number[] } {
  return { color: `var(--line-${place % LIGHT.length})`, dash: DASHES[Math.floor(place / LIGHT.length) % DASHES.length] ?? [] };
}

const lines = (colors: readonly string[]): string => colors.map((color, i) => `--line-${i}:${color}`).join(";");

export const REPORT_STYLE = `
:root{color-scheme:light dark;--ground:#fff;--text:#1f2328;--quiet:#59636e;--rule:#d1d9e0;--raised:#f6f8fa;--mark:#fff4d6;--good:#1a7f37;--bad:#c62a2f;${lines(LIGHT)}}
@media (prefers-color-scheme:dark){:root{--ground:#1f1f1f;--text:#dcdcdc;--quiet:#9d9d9d;--rule:#3c3c3c;--raised:#262626;--mark:#3d3520;--good:#73c991;--bad:#f48771;${lines(DARK)}}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1120px;padding:32px 24px 48px;background:var(--ground);color:var(--text);font:14px/1.5 system-ui,sans-serif}
h1{font-size:22px;line-height:1.3;margin:0 0 4px;font-weight:600;overflow-wrap:anywhere}
h2{font-size:15px;margin:32px 0 8px;font-weight:600}
.facts{color:var(--quiet);margin:0;overflow-wrap:anywhere}
.facts span+span::before{content:"·";margin:0 6px}
.state{font-weight:600;color:var(--text)}.state.failed,.state.interrupted{color:var(--bad)}.state.completed{color:var(--good)}
.tag{background:var(--raised);border:1px solid var(--rule);border-radius:9px;padding:0 7px;margin-right:4px;font-size:12px}
.note{white-space:pre-wrap;overflow-wrap:anywhere;margin:8px 0 0}
.failure{border-left:3px solid var(--bad);background:var(--raised);padding:8px 12px;margin-top:12px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13px}
th,td{text-align:left;padding:4px 16px 4px 0;border-bottom:1px solid var(--rule);vertical-align:top;overflow-wrap:break-word}
th{font-weight:600;color:var(--quiet);white-space:nowrap}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.key{white-space:nowrap;min-width:14em}
td.quiet,.quiet{color:var(--quiet)}
tr.differs td{background:var(--mark)}
.legend{display:flex;flex-wrap:wrap;gap:4px 20px;margin:12px 0 0;padding:0;list-style:none}
.legend svg{vertical-align:middle;margin-right:6px}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,480px),1fr));gap:16px}
figure{margin:0;border:1px solid var(--rule);border-radius:6px;padding:10px 12px}
figcaption{display:flex;justify-content:space-between;gap:12px;font-weight:600;overflow-wrap:anywhere}
figcaption .quiet{font-weight:400;font-size:12px;text-align:right}
figure svg{display:block;width:100%;height:auto;font-family:inherit}
pre{background:var(--raised);border:1px solid var(--rule);border-radius:6px;padding:10px 12px;overflow-x:auto;font-size:12px;line-height:1.45}
details summary{cursor:pointer;color:var(--quiet);margin:8px 0}
footer{margin-top:40px;padding-top:12px;border-top:1px solid var(--rule);color:var(--quiet);font-size:12px;overflow-wrap:anywhere}
@media print{body{max-width:none;padding:0}figure,tr{break-inside:avoid}}
`;

/** Colours are variables, so that the dark scheme and paper change nothing else. */
const LIGHT = `
  --page: #fff; --ink: #1c2126; --soft: #57606a; --rule: #d8dee4; --plate: #f6f8fa;
  --ok: #8fb8de; --held: #9a6700; --failed: #b3261e; --timed-out: #7b3fa0; --hung: #1c2126; --cut: #57606a;
  --well: #d5e6f5; --median: #0b4f8a; --slowest: #9a6700; --good: #1a6b34; --bad: #b3261e;`;

const DARK = `
  --page: #14181c; --ink: #e6edf3; --soft: #9aa6b2; --rule: #343b43; --plate: #1d2329;
  --ok: #3c6e9f; --held: #e0a83a; --failed: #ff7b6e; --timed-out: #c79bea; --hung: #e6edf3; --cut: #9aa6b2;
  --well: #1f3a54; --median: #8cc4f5; --slowest: #e0a83a; --good: #6cc983; --bad: #ff7b6e;`;

/** The style of the HTML report, in the page itself. */
export const OUTAGE_STYLE = `
:root {${LIGHT}
}
@media screen and (prefers-color-scheme: dark) { :root {${DARK}
} }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px; }
section:not(:first-child) { margin-top: 48px; border-top: 2px solid var(--rule); padding-top: 24px; }
h1, h2 { line-height: 1.2; margin: 0 0 8px; }
h3 { font-size: 1em; margin: 0 0 4px; }
.verdict { display: inline-block; margin: 0 0 8px; padding: 2px 10px; border: 2px solid; border-radius: 6px; font-weight: 600; }
.verdict.kept { color: var(--good); }
.verdict.broken { color: var(--bad); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px; margin: 16px 0; }
.figures div { border: 1px solid var(--rule); border-radius: 6px; padding: 8px 12px; }
.figures dt { color: var(--soft); }
.figures dd { margin: 0; }
.figures strong { display: block; font-size: 1.5em; font-variant-numeric: tabular-nums; }
.figures span { display: block; font-size: .8em; line-height: 1.3; color: var(--soft); }
figure { margin: 24px 0; }
.scroll { overflow-x: auto; }
.chart { display: block; width: 100%; min-width: 720px; height: auto; font: 12px system-ui, sans-serif; }
.defs { position: absolute; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; margin: 8px 0 0; padding: 0; }
.legend svg { vertical-align: -2px; }
.tables { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 24px; align-items: start; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: 4px; }
th, td { text-align: left; padding: 3px 8px 3px 0; border-bottom: 1px solid var(--rule); }
th { color: var(--soft); font-weight: 500; }
.number { text-align: right; }
pre { margin: 0; padding: 8px; background: var(--plate); overflow-x: auto; font-size: 12px; line-height: 1.35; }
.pool, .notes { margin-top: 24px; }
.chart text { fill: var(--ink); }
.chart .axis, .chart .title { fill: var(--soft); }
.middle { text-anchor: middle; }
.end { text-anchor: end; }
.grid { stroke: var(--rule); stroke-width: 1; }
.mark { stroke: var(--ink); stroke-width: 1.5; }
.mark-1 { stroke-dasharray: 6 3; }
.mark-2 { stroke-dasharray: 2 3; }
.chart .mark-name, .chart .title { paint-order: stroke; stroke: var(--page); stroke-width: 5px; stroke-linejoin: round; }
.chart .mark-name { font-weight: 600; }
.bar { stroke-width: .7; }
.bar.ok { fill: var(--ok); stroke: var(--ok); }
.bar.held { fill: url(#held); stroke: var(--held); }
.bar.cut { fill: url(#cut); stroke: var(--cut); }
.bar.failedFast { fill: url(#failedFast); stroke: var(--failed); }
.bar.timedOut { fill: url(#timedOut); stroke: var(--timed-out); }
.bar.hung { fill: url(#hung); stroke: var(--hung); }
pattern.held path { stroke: var(--held); }
pattern.cut path { stroke: var(--cut); }
pattern.failedFast .fill { fill: var(--failed); }
pattern.timedOut path { stroke: var(--timed-out); }
pattern.hung .fill { fill: var(--hung); }
pattern.hung .dot { fill: var(--page); }
pattern.trouble path { stroke: var(--failed); }
.median, .slowest { fill: none; stroke-linecap: round; stroke-linejoin: round; }
.median { stroke: var(--median); stroke-width: 2.5; }
.slowest { stroke: var(--slowest); stroke-width: 1.5; stroke-dasharray: 4 3; }
.span { stroke: var(--soft); stroke-width: .7; }
.span.well { fill: var(--well); }
.span.trouble { fill: url(#trouble); }
.span.silent { fill: var(--hung); }
.span.phase { fill: var(--plate); }
.plate { fill: var(--page); opacity: .85; }
@media print {
  body { font-size: 11pt; }
  main { max-width: none; padding: 0; }
  .scroll, pre { overflow: visible; }
  .chart { min-width: 0; }
  pre { white-space: pre-wrap; }
  section:not(:first-child) { break-before: page; }
  figure, table, .figures div { break-inside: avoid; }
}
`;

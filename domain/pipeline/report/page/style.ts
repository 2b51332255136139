import { DASHES, SERIES } from '../figures/series.js';

/**
 * Colors that charts and page share. Text has a contrast of at least 4.5 against its ground. The colors of
 * the series (blue, orange and green are those of Okabe and Ito) have at least 3 and remain distinguishable
 * with any color blindness; dashes and markers tell more series apart.
 */
const LIGHT = `
  --ground: #f6f7f9; --surface: #ffffff; --text: #16191d; --muted: #59636e; --line: #dfe3e8; --faint: #eef0f3;
  --shade: #16191d40; --accent: #0b5fc4; --warn: #8a4b00; --warn-ground: #fff6e6; --warn-line: #f0cf95; --bad: #b42318;
  --s1: #0072b2; --s2: #d55e00; --s3: #009e73; --s4: #332288; --s5: #5b6570; --s6: #a03c00;`;
const DARK = `
  --ground: #0e1115; --surface: #161a20; --text: #e6e9ed; --muted: #9ba6b2; --line: #2b323b; --faint: #1e242b;
  --shade: #000000b0; --accent: #74b3ff; --warn: #ffcf85; --warn-ground: #2a2113; --warn-line: #5a4521; --bad: #ff8a80;
  --s1: #66ccee; --s2: #e69f00; --s3: #a8d672; --s4: #9a8cff; --s5: #f0e442; --s6: #cc79a7;`;

const PAGE = `
*, ::before, ::after { box-sizing: border-box; }
html { color-scheme: light dark; scroll-behavior: smooth; scroll-padding-top: 3.5rem; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--text);
  font: 400 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; }
header.top, main, footer { max-width: 84rem; margin: 0 auto; padding: 0 1.25rem; }
main { padding-top: 1.25rem; }
header.top { padding-top: 2.4rem; padding-bottom: 1rem; }
.kicker { margin: 0; color: var(--muted); font-size: .85rem; letter-spacing: .04em; }
h1 { margin: .15rem 0 .4rem; font-size: clamp(1.7rem, 4vw, 2.4rem); line-height: 1.15; letter-spacing: -.02em; }
h2 { margin: 0 0 .35rem; font-size: 1.3rem; letter-spacing: -.01em; }
h3 { margin: 1.6rem 0 .5rem; font-size: 1rem; }
p { margin: .4rem 0; max-width: 46rem; }
a { color: var(--accent); }
.lead { color: var(--muted); }
nav { position: sticky; top: 0; z-index: 2; background: var(--ground); border-bottom: 1px solid var(--line); }
nav ul { display: flex; gap: .2rem; max-width: 84rem; margin: 0 auto; padding: .35rem .65rem; list-style: none; overflow-x: auto; }
nav a { display: block; padding: .3rem .6rem; border-radius: .45rem; color: var(--muted); text-decoration: none; font-size: .9rem; white-space: nowrap; }
nav a:hover, nav a:focus-visible { color: var(--text); background: var(--faint); }
section { margin: 0 0 1.25rem; padding: 1.4rem 1.5rem; background: var(--surface); border: 1px solid var(--line); border-radius: .9rem; }
.note { margin-bottom: 1.25rem; padding: .9rem 1.2rem; background: var(--warn-ground); border: 1px solid var(--warn-line); border-radius: .9rem; color: var(--warn); }
.note ul { margin: .2rem 0 0; padding-left: 1.1rem; max-width: 60rem; }
.note h2 { font-size: 1rem; }
.scroll { overflow-x: auto; margin: .6rem -1.5rem 0; padding: 0 1.5rem .2rem; }
/* A shadow at the side on which more of the table lies; the covers, which scroll along, hide it at the ends. */
.scroll { background:
    linear-gradient(90deg, var(--surface), var(--surface)) left / 1.5rem 100% no-repeat local,
    linear-gradient(90deg, var(--surface), var(--surface)) right / 1.5rem 100% no-repeat local,
    linear-gradient(90deg, var(--shade), transparent) left / 1rem 100% no-repeat scroll,
    linear-gradient(270deg, var(--shade), transparent) right / 1rem 100% no-repeat scroll; }
.scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
table { width: 100%; border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
caption span { display: block; position: sticky; left: 0; max-width: min(60rem, calc(100vw - 4.5rem)); }
caption { padding: 0 0 .5rem; text-align: left; color: var(--muted); font-size: .85rem; caption-side: top; }
th, td { padding: .42rem .4rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; white-space: nowrap; }
th { font-weight: 600; }
thead th { color: var(--muted); font-size: .8rem; vertical-align: bottom; }
tr > :first-child, .text { text-align: left; }
td.wrap { white-space: normal; min-width: 14rem; }
tbody:last-child tr:last-child > * { border-bottom: 0; }
td.narrow small { max-width: 7.5rem; margin-left: auto; white-space: normal; line-height: 1.3; }
td small, th small { display: block; color: var(--muted); font-size: .78rem; font-weight: 400; }
.sd { color: var(--muted); }
tr.optimistic td, tr.optimistic th[scope=row] { color: var(--muted); }
.chosen { font-weight: 600; }
.badge { display: inline-block; padding: 0 .45rem; border: 1px solid currentColor; border-radius: 1rem; font-size: .72rem; font-weight: 500; line-height: 1.5; vertical-align: .08em; }
.badge.warn { color: var(--warn); }
.badge.bad { color: var(--bad); }
.key { display: inline-block; width: 2rem; height: .75rem; margin-right: .45rem; vertical-align: -.08em; }
.legend { display: inline-block; margin-right: 1rem; overflow-wrap: anywhere; }
.name { white-space: normal; min-width: 11rem; max-width: 26rem; overflow-wrap: anywhere; }
.rank td, .rank th { vertical-align: middle; }
.rank td small { max-width: 8rem; margin-left: auto; white-space: normal; line-height: 1.3; }
.rank .big { font-size: 1.25rem; font-weight: 650; letter-spacing: -.01em; }
svg.range { width: 12rem; min-width: 12rem; }
.sort { all: unset; cursor: pointer; } .sort:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.sort::after { content: " ↕"; opacity: .45; } [aria-sort=ascending] .sort::after { content: " ↑"; opacity: 1; } [aria-sort=descending] .sort::after { content: " ↓"; opacity: 1; }
.filter { margin: .6rem 0; padding: .35rem .6rem; font: inherit; font-size: .9rem; color: var(--text); background: var(--ground); border: 1px solid var(--line); border-radius: .4rem; }
.matrix td { text-align: center; } .matrix .self { color: var(--muted); }
.matrix td.better { background: color-mix(in srgb, var(--accent) 16%, transparent); } .matrix td.worse { background: color-mix(in srgb, var(--bad) 14%, transparent); }
thead tr.called > th { text-align: right; } .called .head { margin-left: auto; }
.wrong { color: var(--bad); font-weight: 600; }
.tall { max-height: 34rem; overflow-y: auto; } .tall thead th { position: sticky; top: 0; background: var(--surface); z-index: 1; }
.errors { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(19rem, 100%), 1fr)); gap: 1rem; margin-top: .8rem; }
.error { padding: .8rem .9rem; border: 1px solid var(--line); border-radius: .6rem; }
.error h4 { margin: 0 0 .2rem; font-size: .95rem; overflow-wrap: anywhere; } .error p { margin: .15rem 0 .5rem; font-size: .85rem; }
.error .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr)); gap: .5rem; }
.slide-row { content-visibility: auto; contain-intrinsic-size: auto 9rem; }
code, .mono { font: .82rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; overflow-wrap: anywhere; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(17rem, 100%), 1fr)); gap: 1.2rem; margin-top: 1rem; }
.panels.wide { grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr)); }
figure { margin: 0; }
.panels figure.chart { max-width: 24rem; } .panels figure.chart.broad { max-width: 32rem; }
.head { display: block; max-width: 9rem; white-space: normal; overflow-wrap: anywhere; font-weight: 500; }
@media (min-width: 60rem) { .panels figure.chart.large { grid-column: span 2; max-width: 40rem; } }
figcaption { margin-top: .4rem; color: var(--muted); font-size: .85rem; }
figcaption strong { color: var(--text); font-weight: 600; }
figure img { display: block; width: 100%; height: auto; border-radius: .5rem; border: 1px solid var(--line); background: #fff; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(16rem, 100%), 1fr)); gap: 1rem; align-items: start; }
.pictures figure { max-width: 30rem; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: .8rem; margin-top: .8rem; }
.gallery figcaption { font-size: .78rem; overflow-wrap: anywhere; }
.scale { display: inline-block; width: 7rem; height: .65rem; border-radius: .2rem; vertical-align: -.02em; }
dl.facts { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .25rem 1.2rem; margin: .6rem 0; font-size: .9rem; }
dl.facts dt { color: var(--muted); }
dl.facts dd { margin: 0; overflow-wrap: anywhere; }
details { margin-top: 1rem; }
summary { cursor: pointer; color: var(--accent); font-size: .9rem; }
footer { padding-bottom: 3rem; color: var(--muted); font-size: .85rem; }
.empty { color: var(--muted); }`;

const CHARTS = `
svg { display: block; width: 100%; height: auto; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif; fill: var(--text); }
svg .tick, svg .axis-label { fill: var(--muted); }
svg .side { fill: var(--c); font-size: 11px; font-weight: 600; }
svg .tick { font-size: 11px; font-variant-numeric: tabular-nums; }
.grid { stroke: var(--line); fill: none; stroke-width: 1; }
.axis { stroke: var(--muted); fill: none; stroke-width: 1; }
.chance { stroke: var(--muted); fill: none; stroke-width: 1; stroke-dasharray: 4 4; }
polyline { fill: none; stroke: var(--c); stroke-width: 2.2; stroke-linejoin: round; }
.mean-line { stroke-width: 2.6; }
.fold-line { stroke-width: 1; opacity: .4; }
.roc-band { fill: var(--c); opacity: .13; }
.dot { fill: var(--c); fill-opacity: .75; stroke: var(--surface); stroke-width: 1; }
.whisker { stroke: var(--c); stroke-width: 1.4; fill: none; }
.thick { stroke: var(--c); stroke-width: 5; fill: none; opacity: .45; }
.kept { stroke: var(--text); stroke-width: 1.5; opacity: .5; fill: none; }
.median { stroke: var(--text); stroke-width: 2; fill: none; }
.band { fill: var(--faint); }
.bar { fill: var(--c); }
.bar.failed { fill: var(--bad); }
.bar.skipped, .bar.cancelled { fill: var(--muted); opacity: .55; }
.bar.interrupted { fill: url(#hatch); stroke: var(--bad); stroke-width: .8; }
.hatch-line { fill: var(--bad); }
.pause path { stroke: var(--muted); stroke-dasharray: 2 3; }
.chart-wide { min-width: 46rem; }
.chart-middle { max-width: 46rem; overflow-x: auto; } .chart-middle svg { min-width: 30rem; }`;

const SERIES_RULES = [
  ...Array.from({ length: SERIES }, (_, i) => `.s${i + 1} { --c: var(--s${i + 1}); }`),
  ...DASHES.map((dash, i) => `polyline.d${i + 1} { stroke-dasharray: ${dash}; }`),
].join('\n');

const MEDIA = `
@media (prefers-color-scheme: dark) { :root {${DARK} } }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@media (max-width: 40rem) {
  section { padding: 1.1rem 1rem; border-radius: .7rem; }
  .scroll { margin-inline: -1rem; padding-inline: 1rem; }
  .name { min-width: 7.5rem; max-width: 10rem; } .rank .key, .matrix .key { display: block; }
  .gallery { grid-template-columns: repeat(auto-fill, minmax(6.5rem, 1fr)); }
  dl.facts { grid-template-columns: 1fr; gap: 0; } dl.facts dd { margin-bottom: .4rem; }
}
@media print {
  :root {${LIGHT} --ground: #fff; color-scheme: light; }
  html { font-size: 9.5pt; } nav { display: none; }
  section { border: 0; padding: 0; margin: 1.4rem 0; }
  figure, tr, .error, .note { break-inside: avoid; } h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; max-height: none; margin: 0; padding: 0; background: none; } .chart-wide { min-width: 0; }
  th, td { padding: .25rem .35rem; }
  details::details-content { content-visibility: visible; block-size: auto; } summary { display: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}`;

/** The whole style sheet of a report; nothing in it is fetched. */
export const STYLE = `:root {${LIGHT} }\n${PAGE}\n${CHARTS}\n${SERIES_RULES}\n${MEDIA}\n`;

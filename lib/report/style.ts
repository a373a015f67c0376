/** The page's style sheet. Colours are variables, so that the figures and both themes share them. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #ffffff;
  --panel: #f6f7f8;
  --ink: #1b1f24;
  --muted: #5f6b76;
  --line: #e2e6ea;
  --line-strong: #aab3bc;
  --harmful: #c4451c;
  --helpful: #0f7b6c;
  --cell: #9cc4e8;
  --cell-negative: #eeb08f;
  --warn: #8a5a00;
  --warn-paper: #fff5df;
  --series-1: #2563b0;
  --series-2: #d9730d;
  --series-3: #2f8f4e;
  --series-4: #b03a76;
  --series-5: #6f52b5;
  --series-6: #8c6a3f;
  --series-7: #8a8f00;
  --series-8: #0d93a8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a;
    --panel: #1d2125;
    --ink: #e8eaed;
    --muted: #9aa5b1;
    --line: #2c3238;
    --line-strong: #5b6570;
    --harmful: #ff8a5c;
    --helpful: #4fd1b8;
    --cell: #2c6096;
    --cell-negative: #8f4a26;
    --warn: #f0c674;
    --warn-paper: #2f2817;
    --series-1: #6ea8ee;
    --series-2: #f4a04f;
    --series-3: #6cc98a;
    --series-4: #e987b5;
    --series-5: #a995ec;
    --series-6: #c9a77a;
    --series-7: #c9cf4a;
    --series-8: #4cc5d8;
  }
}
* {
  box-sizing: border-box;
}
body {
  margin: 0;
  background: var(--paper);
  color: var(--ink);
  font:
    16px/1.55 system-ui,
    -apple-system,
    'Segoe UI',
    Roboto,
    'Helvetica Neue',
    Arial,
    sans-serif;
}
main {
  max-width: 828px;
  margin: 0 auto;
  padding: 48px 24px 96px;
}
h1 {
  font-size: 30px;
  line-height: 1.2;
  letter-spacing: -0.015em;
  margin: 0 0 12px;
}
h2 {
  font-size: 20px;
  line-height: 1.3;
  letter-spacing: -0.01em;
  margin: 56px 0 6px;
}
h3 {
  font-size: 15px;
  margin: 24px 0 2px;
}
p {
  margin: 0 0 14px;
  max-width: 68ch;
}
.lead {
  font-size: 18px;
  color: var(--ink);
}
a {
  color: var(--series-1);
}
.note {
  margin-top: 10px;
  color: var(--muted);
  font-size: 14.5px;
}
code,
.id {
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace;
  font-size: 0.92em;
}
.facts {
  display: grid;
  grid-template-columns: repeat(auto-fit, minmax(128px, 1fr));
  gap: 1px;
  margin: 24px 0 0;
  border: 1px solid var(--line);
  border-radius: 8px;
  overflow: hidden;
}
.facts div {
  box-shadow: 0 0 0 1px var(--line);
  padding: 12px 16px;
}
.facts dt {
  font-size: 13px;
  color: var(--muted);
}
.facts dd {
  margin: 0;
  font-size: 20px;
  font-variant-numeric: tabular-nums;
  letter-spacing: -0.01em;
}
figure {
  margin: 16px 0 0;
}
figure svg {
  display: block;
  max-width: 100%;
  height: auto;
  overflow: visible;
  background: none;
  color: var(--ink);
  font-family: inherit;
}
figure svg text {
  font-size: 12px;
}
figcaption {
  color: var(--muted);
  font-size: 14.5px;
  margin-top: 8px;
  max-width: 72ch;
}
.legend {
  display: flex;
  flex-wrap: wrap;
  gap: 4px 18px;
  margin: 14px 0 0;
  padding: 0;
  list-style: none;
  font-size: 14px;
}
.legend i {
  display: inline-block;
  width: 18px;
  height: 0;
  border-top: 3px solid;
  vertical-align: middle;
  margin-right: 7px;
}
.legend i.dashed {
  border-top-style: dashed;
  border-top-width: 2px;
}
.legend i.dot {
  width: 10px;
  height: 10px;
  border: 0;
  border-radius: 50%;
}
.multiples {
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(340px, 1fr));
  gap: 8px 24px;
}
.multiples h3 {
  margin: 16px 0 -4px;
}
.scroll {
  overflow-x: auto;
}
table {
  border-collapse: collapse;
  width: 100%;
  margin: 14px 0 0;
  font-size: 14px;
  font-variant-numeric: tabular-nums;
}
th {
  font-weight: 600;
  text-align: left;
  color: var(--muted);
  font-size: 13px;
  white-space: nowrap;
}
th,
td {
  padding: 5px 12px 5px 0;
  border-bottom: 1px solid var(--line);
  vertical-align: top;
}
th.number,
td.number {
  text-align: right;
  white-space: nowrap;
}
td:last-child,
th:last-child {
  padding-right: 0;
}
td:first-child {
  white-space: nowrap;
}
td .wrap {
  overflow-wrap: anywhere;
  white-space: normal;
}
tr.baseline td {
  color: var(--muted);
}
td.best {
  font-weight: 650;
  color: var(--ink);
}
.columns {
  display: grid;
  grid-template-columns: repeat(auto-fit, minmax(320px, 1fr));
  gap: 0 40px;
}
.columns.stacked {
  display: block;
}
.harmful {
  color: var(--harmful);
}
.helpful {
  color: var(--helpful);
}
.warning {
  background: var(--warn-paper);
  border-left: 3px solid var(--warn);
  padding: 10px 14px;
  margin: 18px 0 0;
  font-size: 15px;
  border-radius: 0 6px 6px 0;
}
.status {
  white-space: nowrap;
}
.status.bad {
  color: var(--warn);
  font-weight: 600;
}
.pictures {
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(84px, 1fr));
  gap: 18px 14px;
  margin: 16px 0 0;
  padding: 0;
  list-style: none;
}
.pictures li {
  font-size: 13px;
  line-height: 1.35;
}
.pictures img {
  display: block;
  width: 100%;
  height: auto;
  image-rendering: pixelated;
  border-radius: 4px;
  border: 1px solid var(--line);
  background: #fff;
  margin-bottom: 5px;
}
.pictures li.marked img {
  border: 2px solid var(--harmful);
}
.pictures b {
  display: block;
  font-weight: 600;
}
ul.excerpts {
  margin: 8px 0 0;
  padding: 0 0 0 14px;
  border-left: 3px solid;
  list-style: none;
  font-size: 14px;
  line-height: 1.45;
  color: var(--muted);
}
ul.excerpts li {
  overflow-wrap: anywhere;
}
ul.excerpts li + li {
  margin-top: 6px;
}
details {
  margin-top: 18px;
}
summary {
  cursor: pointer;
  font-weight: 600;
  font-size: 15px;
}
footer {
  margin-top: 64px;
  padding-top: 14px;
  border-top: 1px solid var(--line);
  color: var(--muted);
  font-size: 13.5px;
}
@media (max-width: 520px) {
  main {
    padding: 28px 16px 64px;
  }
  h1 {
    font-size: 25px;
  }
}
@media print {
  main {
    max-width: none;
  }
  h2 {
    break-after: avoid;
  }
  figure,
  tr {
    break-inside: avoid;
  }
}
`;

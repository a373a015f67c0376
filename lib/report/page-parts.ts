// What every report has: the page around its sections, facts at the top, and where it all came from at the end.
import type { InputRecord } from '../gradients/store.js';
import { formatBytes, formatPlural } from './format.js';
import { html, trusted, type Markup } from './html.js';
import { STYLE } from './style.js';

/** Inputs listed in the open. */
const LISTED = 8;

/** One self-contained HTML page: no script, no network, light and dark. */
export function pageText(title: string, body: Markup, version: string): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${trusted(STYLE)}
        </style>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${body}
          <footer>Made by gradsift ${version}. The page needs no network and no script.</footer>
        </main>
      </body>
    </html> `.markup;
}

/** A name and a value each, side by side. */
export function factList(items: readonly (readonly [string, string])[]): Markup {
  return html`<dl class="facts">
    ${items.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

/** The last section: input files with their hashes, and options. */
export function provenanceSection(
  inputs: readonly InputRecord[],
  options: readonly (readonly [string, string])[],
): Markup {
  return html`<section id="inputs">
    <h2>What was computed, and from what</h2>
    ${inputs.length > 0 && inputs.length <= LISTED && inputTable(inputs)}
    ${
      inputs.length > LISTED &&
      html`<details>
        <summary>
          ${formatPlural(inputs.length, 'input')}, ${formatBytes(inputs.reduce((sum, { bytes }) => sum + bytes, 0))}
        </summary>
        ${inputTable(inputs)}
      </details>`
    }
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>option</th>
            <th>value</th>
          </tr>
        </thead>
        <tbody>
          ${options.map(
            ([name, value]) =>
              html`<tr>
                <td>${name}</td>
                <td class="id"><span class="wrap">${value}</span></td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

function inputTable(inputs: readonly InputRecord[]): Markup {
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>input</th>
          <th class="number">size</th>
          <th>SHA-256</th>
        </tr>
      </thead>
      <tbody>
        ${inputs.map(
          ({ path, bytes, sha256 }) =>
            html`<tr>
              <td class="id"><span class="wrap">${path}</span></td>
              <td class="number">${formatBytes(bytes)}</td>
              <td class="id"><span class="wrap">${sha256 ?? 'in memory'}</span></td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

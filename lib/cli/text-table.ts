// Plain text tables, and the little colour that a terminal gets.

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** Width on a terminal, near enough: combining marks and East Asian widths are not looked at. */
function width(text: string): number {
  return [...text].length;
}

/** Names come from files: control characters would move the cursor, or worse. */
function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\uFFFD');
}

/** Rows under their titles, columns two spaces apart, no trailing blanks. */
export function textTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style = plainStyle,
): string[] {
  const cells = rows.map((row) => row.map(plain));
  const widths = columns.map(({ title }, k) =>
    cells.reduce((most, row) => Math.max(most, width(row[k] ?? '')), width(title)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, k) => {
        const blanks = ' '.repeat(Math.max(0, (widths[k] as number) - width(cell)));
        return columns[k]?.align === 'right' ? blanks + cell : cell + blanks;
      })
      .join('  ')
      .trimEnd();
  return [style.bold(line(columns.map(({ title }) => title))), ...cells.map(line)];
}

export interface Style {
  bold(text: string): string;
  harmful(text: string): string;
  helpful(text: string): string;
  faint(text: string): string;
}

const same = (text: string) => text;
export const plainStyle: Style = { bold: same, harmful: same, helpful: same, faint: same };

const escape = (code: number) => (text: string) => `\u001b[${code}m${text}\u001b[0m`;
const colourStyle: Style = { bold: escape(1), harmful: escape(31), helpful: escape(36), faint: escape(2) };

/** Colours on a terminal that can show them, unless NO_COLOR asks for none (no-color.org). */
export function styleFor(stream: { readonly isTTY?: boolean }): Style {
  const { NO_COLOR, TERM } = process.env;
  return stream.isTTY && !NO_COLOR && TERM !== 'dumb' ? colourStyle : plainStyle;
}

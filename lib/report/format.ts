// How numbers are written for people, in the report and on the terminal. Files get full precision instead.

const MINUS = '\u2212';

/** Four significant digits, with an exponent only where plain digits would be hard to read: 0.02713, 829.2, 2.87e+7. */
export function formatNumber(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined) return '\u2013';
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'infinity' : `${MINUS}infinity`;
  if (value === 0) return '0';
  const size = Math.abs(value);
  const text =
    size >= 1e5 || size < 1e-4 ? size.toExponential(Math.max(0, digits - 2)) : String(Number(size.toPrecision(digits)));
  return value < 0 ? `${MINUS}${text}` : text;
}

/** The same with trailing zeros, so that the numbers of a column are equally precise: 5.500 under 5.482. */
export function formatEven(value: number | null | undefined, digits = 4): string {
  const text = formatNumber(value, digits);
  return /^\u2212?[\d.]+$/.test(text) && value ? text.replace(/[\d.]+/, Math.abs(value).toPrecision(digits)) : text;
}

/** 1234567 as 1,234,567. */
export function formatCount(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 layer`, `2 layers`. */
export function formatPlural(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

/** A share in percent, with one decimal below ten percent. */
export function formatShare(share: number): string {
  if (!Number.isFinite(share)) return '\u2013';
  const percent = 100 * share;
  return `${Math.abs(percent) < 10 ? Number(percent.toFixed(1)) : Math.round(percent)} %`;
}

/** Three significant digits, in the unit that suits: 0.8 ms, 12.3 ms, 4.56 s, 3 min 20 s. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return '\u2013';
  if (seconds >= 120) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  if (seconds >= 1) return `${Number(seconds.toPrecision(3))} s`;
  return `${Number((1000 * seconds).toPrecision(seconds < 1e-3 ? 1 : 3))} ms`;
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** Bytes in binary units, three significant digits: 1.50 GiB. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    ++unit;
  }
  return `${unit === 0 ? value : Number(value.toPrecision(3))} ${BYTE_UNITS[unit] as string}`;
}

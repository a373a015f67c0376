function field(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  return /[",\r\n]/.test(value) ? `"${value.replace(/"/g, '""')}"` : value;
}

/** A line of a CSV file; numbers in full precision, null is an empty field. */
export const csvLine = (fields: readonly (string | number | null)[]) => `${fields.map(field).join(',')}\n`;

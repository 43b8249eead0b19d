/** CSV as RFC 4180 has it. Pure. */

/** A cell: quoted where it would otherwise end early. */
export function csvText(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** @param rows the header is the first of them */
export function csvTable(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(csvText).join(",")}\r\n`).join("");
}

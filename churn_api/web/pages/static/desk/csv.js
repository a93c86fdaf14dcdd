/** CSV that a spreadsheet reads, and does not run. */

/** @typedef {string | number | boolean | null | undefined} Cell */

const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/** @param {Cell[][]} rows */
export function csvOf(rows) {
  return rows.map((row) => `${row.map(cellOf).join(",")}\r\n`).join("");
}

/** A text that begins like a formula gets an apostrophe, as the API's `csv=excel-safe` does it. @param {Cell} cell */
function cellOf(cell) {
  const text = String(cell ?? "");
  const safe = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",;\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

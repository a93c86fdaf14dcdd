/** Lists as files: in the order of the ranking, or the rows that are at fault. */

import { csvOf } from "./csv.js";
import { save } from "./dom.js";
import { xlsxOf } from "./xlsx.js";

/** @typedef {import("./types").Model} Model */
/** @typedef {import("./scored-rows.js").Scored} Scored */
/** @typedef {import("./scored-rows.js").Row} Row */
/** @typedef {import("./csv.js").Cell} Cell */

const FIRST = ["customer_id", "group", "gain", "value", "churn_probability", "risk_band", "churn_prediction"];

/** @param {Model} _model @param {Scored} scored @param {Uint32Array} positions @param {string} file */
export async function csvTable(_model, scored, positions, file) {
  const blocks = [csvOf([["rank", ...(await columnsOf(scored, positions))]])];
  await scored.each(positions, (rows, from) => blocks.push(csvOf(rows.map((row, offset) => [from + offset + 1, ...cellsOf(row)]))));
  // Without the mark Excel reads UTF-8 as something else.
  return save(new File(["\ufeff", ...blocks], nameOf(file, "csv"), { type: "text/csv" }));
}

/** @param {Model} model @param {Scored} scored @param {Uint32Array} positions @param {string} file */
export async function xlsxTable(model, scored, positions, file) {
  const numeric = new Set(model.signature.features.filter((one) => one.type === "integer" || one.type === "number").map((one) => one.name));
  /** @param {string} name @param {Cell} value */
  const typed = (name, value) => (numeric.has(name) && typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : value);
  /** @type {Cell[][]} */
  const table = [["rank", ...(await columnsOf(scored, positions))]];
  await scored.each(positions, (rows, from) => table.push(...rows.map((row, offset) => [from + offset + 1, ...namesOf(row).map((name) => typed(name, row[name]))])));
  return save(await xlsxOf(table, nameOf(file, "xlsx")));
}

/** The rows that are at fault as they came, and what is wrong with each. @param {Scored} scored @param {(position: number) => string} wrong @param {string} file */
export async function badRows(scored, wrong, file) {
  /** @type {string[]} */
  const blocks = [];
  const own = (/** @type {string} */ name) => FIRST.includes(name) ? name === "customer_id" : !/^reason_\d+(_contribution)?$/.test(name);
  await scored.each(scored.bad, (rows, from) => {
    const names = Object.keys(rows[0]).filter(own);
    if (from === 0) blocks.push(csvOf([["problem", ...names]]));
    blocks.push(csvOf(rows.map((row, offset) => [wrong(scored.bad[from + offset]), ...names.map((name) => row[name])])));
  });
  return save(new File(["\ufeff", ...blocks], nameOf(file, "csv", "bad-rows"), { type: "text/csv" }));
}

/** @param {Scored} scored @param {Uint32Array} positions */
async function columnsOf(scored, positions) {
  const [row] = await scored.read(positions.subarray(0, 1));
  return namesOf(row ?? {});
}

/** What the service answered first, then the file's own columns. @param {Row} row */
function namesOf(row) {
  const names = Object.keys(row);
  const answered = names.filter((name) => /^reason_\d+(_contribution)?$/.test(name));
  const first = [...FIRST.filter((name) => name in row), ...answered];
  return [...first, ...names.filter((name) => !first.includes(name))];
}

/** @param {Row} row */
function cellsOf(row) {
  return namesOf(row).map((name) => row[name]);
}

/** @param {string} file @param {string} suffix @param {string} [what] */
function nameOf(file, suffix, what = "call-list") {
  return `${file.replace(/(\.[a-z]+)+$/i, "")}-${what}.${suffix}`;
}

/** Lists as files: in the order of the ranking, or the rows that are at fault. */

import { csvOf } from "./csv.js";
import { save } from "./dom.js";
import { xlsxOf } from "./xlsx.js";

/** @typedef {import("./types").Model} Model */
/** @typedef {import("./scored-rows.js").Scored} Scored */
/** @typedef {import("./scored-rows.js").Row} Row */
/** @typedef {import("./csv.js").Cell} Cell */

const FIRST = ["customer_id", "group", "gain", "value", "churn_probability", "risk_band", "churn_prediction"];
const REASON = /^reason_\d+(_contribution)?$/;

/** @param {Model} _model @param {Scored} scored @param {Uint32Array} positions @param {string} file */
export async function csvTable(_model, scored, positions, file) {
  return saveCsv(ranking(scored, positions, (_name, value) => value), nameOf(file, "csv"));
}

/** @param {Model} model @param {Scored} scored @param {Uint32Array} positions @param {string} file */
export async function xlsxTable(model, scored, positions, file) {
  const numeric = new Set(model.signature.features.filter((one) => one.type === "integer" || one.type === "number").map((one) => one.name));
  /** @param {string} name @param {Cell} value */
  const typed = (name, value) => (numeric.has(name) && typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : value);
  return save(await xlsxOf(ranking(scored, positions, typed), nameOf(file, "xlsx")));
}

/** The rows that are at fault as they came, and what is wrong with each. @param {Scored} scored @param {(position: number) => string} wrong @param {string} file */
export async function badRows(scored, wrong, file) {
  return saveCsv(faulty(scored, wrong), nameOf(file, "csv", "bad-rows"));
}

/** A file of a table that comes in blocks: each becomes a Blob, since text would stay in the page's memory. @param {AsyncIterable<Cell[][]>} table @param {string} name */
async function saveCsv(table, name) {
  // Without the mark Excel reads UTF-8 as something else.
  const blocks = [new Blob(["\ufeff"])];
  for await (const rows of table) blocks.push(new Blob([csvOf(rows)]));
  return save(new File(blocks, name, { type: "text/csv" }));
}

/** @param {Scored} scored @param {Uint32Array} positions @param {(name: string, value: Cell) => Cell} typed @returns {AsyncGenerator<Cell[][]>} */
async function* ranking(scored, positions, typed) {
  let rank = 0;
  for await (const rows of scored.inOrder(positions)) {
    const names = namesOf(rows[0]);
    if (rank === 0) yield [["rank", ...names]];
    yield rows.map((row) => [(rank += 1), ...names.map((name) => typed(name, row[name]))]);
  }
}

/** @param {Scored} scored @param {(position: number) => string} wrong @returns {AsyncGenerator<Cell[][]>} */
async function* faulty(scored, wrong) {
  const own = (/** @type {string} */ name) => (FIRST.includes(name) ? name === "customer_id" : !REASON.test(name));
  let place = 0;
  for await (const rows of scored.inOrder(scored.bad)) {
    const names = Object.keys(rows[0]).filter(own);
    if (place === 0) yield [["problem", ...names]];
    yield rows.map((row) => [wrong(scored.bad[place++]), ...names.map((name) => row[name])]);
  }
}

/** What the service answered first, then the file's own columns. @param {Row} row */
function namesOf(row) {
  const names = Object.keys(row);
  const first = [...FIRST.filter((name) => name in row), ...names.filter((name) => REASON.test(name))];
  return [...first, ...names.filter((name) => !first.includes(name))];
}

/** @param {string} file @param {string} suffix @param {string} [what] */
function nameOf(file, suffix, what = "call-list") {
  return `${file.replace(/(\.[a-z]+)+$/i, "")}-${what}.${suffix}`;
}

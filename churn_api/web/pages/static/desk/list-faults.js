/** Rows of a file that are at fault: where, what to do, and a file of just these. */

import { h, show } from "./dom.js";
import { badRows } from "./list-download.js";
import { attempt, faultText, problemNotice } from "./problems.js";
import { number, t } from "./words.js";

/** @typedef {import("./list-run.js").List} List */
/** @typedef {import("./api.js").Fault} Fault */

const SHOWN = 20;

/** @param {List} list */
export function faultsCard({ file, scored, faults, moreFaults }) {
  if (scored.bad.length === 0) return null;
  const says = h("div", {});
  const download = () => attempt(() => badRows(scored, wrongWith(scored.bad, faults), file), (error) => show(says, problemNotice(error)));
  const rows = faults.slice(0, SHOWN).map((fault) => h("tr", {}, h("td", { class: "number-cell" }, fault.line ?? fault.row), h("td", {}, fault.column ?? ""), h("td", {}, faultText(fault))));
  const titles = h("tr", {}, h("th", { scope: "col", class: "number-cell" }, t("list.line")), h("th", { scope: "col" }, t("list.column")), h("th", { scope: "col" }, t("list.wrong")));
  const more = faults.length - rows.length + moreFaults;
  return h(
    "section",
    { class: "card bad-rows" },
    h("div", { class: "head-row" }, h("h2", {}, t("list.bad", { count: number(scored.bad.length, 0) })), h("button", { type: "button", onclick: download }, t("list.bad-file"))),
    h("p", { class: "quiet" }, t("list.bad-how")),
    says,
    h("details", { open: scored.ranked.length === 0 }, h("summary", {}, t("list.bad-show")), h("div", { class: "wide" }, h("table", {}, h("thead", {}, titles), h("tbody", {}, rows))), more > 0 && h("p", { class: "quiet" }, t("fault.more", { count: number(more, 0) }))),
  );
}

/**
 * What is wrong with the row at a position. Faults count rows as the file's format does, with or without a header; the
 * first of them is the first bad row's.
 * @param {number[]} bad
 * @param {Fault[]} faults
 */
function wrongWith(bad, faults) {
  /** @type {Map<number, string[]>} */
  const texts = new Map();
  for (const fault of faults) texts.set(fault.row ?? 0, [...(texts.get(fault.row ?? 0) ?? []), [fault.column, faultText(fault)].filter(Boolean).join(": ")]);
  const before = Math.min(...texts.keys()) - bad[0];
  return (/** @type {number} */ position) => (texts.get(position + before) ?? []).join(" ");
}

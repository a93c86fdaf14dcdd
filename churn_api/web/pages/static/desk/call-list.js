/** The call list: whom of a file of customers to call first. */

import { Problem } from "./api.js";
import { asCode } from "./code.js";
import { h, show } from "./dom.js";
import { faultsCard } from "./list-faults.js";
import { chooserCard } from "./list-file.js";
import { callsOf, cancelJob, followJob, keepJob, keptJob, scoreByJob, scoreFile } from "./list-run.js";
import { gainCard, worthCards } from "./list-money.js";
import { summaryCards } from "./list-summary.js";
import { tableCard } from "./list-table.js";
import { attempt, problemNotice } from "./problems.js";
import { currentKey } from "./session.js";
import { number, percent, t } from "./words.js";

/** @typedef {import("./start.js").Place} Place */
/** @typedef {import("./list-run.js").List} List */
/** @typedef {import("./list-run.js").Report} Report */

/** The last list of each model, and the key of whoever asked for it. @type {Map<string, {key: string | null, list: List}>} */
const lists = new Map();

/** @param {Place} place */
export async function callListView(place) {
  const known = lists.get(place.name);
  const job = keptJob(place.name);
  if (known && known.key === currentKey()) showList(place, known.list);
  else if (job) void run(place, job.file, (signal, report) => followJob(job, signal, report));
  else begin(place);
}

/** @param {Place} place @param {Node | null} [notice] */
function begin(place, notice = null) {
  lists.delete(place.name);
  keepJob(place.name, null);
  const take = (/** @type {File} */ file) => run(place, file.name, (signal, report) => scoreFile(place, file, signal, report));
  show(place.main, h("h1", {}, t("list.title")), h("p", { class: "lead" }, t("list.lead")), notice, chooserCard(place, take));
}

/**
 * Show how far the work on a file is, and then the list.
 * @param {Place} place
 * @param {string} file its name
 * @param {(signal: AbortSignal, report: Report) => Promise<List | null>} work
 */
async function run(place, file, work) {
  const own = new AbortController();
  place.signal.addEventListener("abort", () => own.abort());
  const progress = progressCard(file, () => {
    const job = keptJob(place.name);
    own.abort();
    if (job) void cancelJob(job);
    begin(place);
  });
  show(place.main, h("h1", {}, t("list.title")), progress.element);
  const list = await attempt(() => work(own.signal, progress.report), (error) => {
    if (error instanceof Problem && error.unreachable) interrupt(place, problemNotice(error, () => void run(place, file, work)));
    else begin(place, problemNotice(error));
  });
  if (own.signal.aborted || list === undefined) return;
  if (list === null) return begin(place);
  lists.set(place.name, { key: currentKey(), list });
  showList(place, list);
}

/** Work that goes on when the server is back. @param {Place} place @param {Node} notice */
function interrupt(place, notice) {
  show(place.main, h("h1", {}, t("list.title")), notice, h("p", {}, h("button", { type: "button", onclick: () => begin(place) }, t("list.other"))));
}

/** @param {string} file @param {() => void} cancel */
function progressCard(file, cancel) {
  const bar = h("progress", { max: 1, "aria-label": t("list.progress") });
  const says = h("p", { role: "status" }, t("loading"));
  const element = h("section", { class: "card working" }, h("h2", {}, file), bar, h("div", { class: "head-row" }, says, h("button", { type: "button", onclick: cancel }, t("cancel"))));
  /** @type {Report} */
  const report = (words, share) => {
    show(says, share === undefined ? words : `${words} ${percent(share)}`);
    if (share === undefined) bar.removeAttribute("value");
    else bar.value = share;
  };
  return { element, report };
}

/** @param {Place} place @param {List} list */
function showList(place, list) {
  const { scored } = list;
  const title = h("div", { class: "head-row" }, h("h1", {}, t("list.title")), h("button", { type: "button", onclick: () => begin(place) }, t("list.other")));
  const from = t("list.of", { file: list.file, rows: number(scored.rows, 0), model: place.name, version: list.version });
  const code = h("section", { class: "card" }, asCode(() => callsOf(place, list)).element);
  show(place.main, title, h("p", { class: "lead" }, from), h("div", { class: "stack" }, [faultsCard(list), ...listCards(place, list), code].filter((card) => card !== null)));
}

/** @param {Place} place @param {List} list */
function listCards(place, { file, scored, source, calls }) {
  if (scored.ranked.length === 0) return calls ? [worthCards(calls)] : [h("p", { class: "notice bad" }, t("list.none"))];
  const table = tableCard(place.model, scored, file);
  const again = (/** @type {File} */ from) => gainCard(place, (wish) => run(place, file, (signal, report) => scoreByJob(place, from, signal, report, wish)));
  if (calls) table.cut(scored.ranked.length);
  const cards = calls ? [worthCards(calls)] : [summaryCards(scored, table.cut)];
  return [...cards, ...(source ? [again(source)] : []), table.element];
}

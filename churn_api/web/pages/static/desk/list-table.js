/** The ranked customers: fifty at a time, searched, and saved as a file. */

import { h, show } from "./dom.js";
import { csvTable, xlsxTable } from "./list-download.js";
import { labelByName } from "./models.js";
import { attempt, problemNotice } from "./problems.js";
import { number, percent, t, written } from "./words.js";

/** @typedef {import("./types").Model} Model */
/** @typedef {import("./scored-rows.js").Scored} Scored */
/** @typedef {import("./scored-rows.js").Row} Row */

const PAGE = 50;
const PAUSE = 250;
const OWN = /^(customer_id|churn_prediction|churn_probability|risk_band|reason_\d+(_contribution)?)$/;

/** @param {Model} model @param {Scored} scored @param {string} file */
export function tableCard(model, scored, file) {
  const body = h("tbody", {});
  const pager = h("p", { role: "status", class: "quiet small" });
  const [back, on] = [-1, 1].map((step) => h("button", { type: "button", onclick: () => turn(step) }, t(step < 0 ? "list.before" : "list.next")));
  const saving = downloads(model, scored, file);
  /** @type {{count: number, page: number, found: number[] | null}} `found` are places in the ranking */
  const state = { count: 0, page: 0, found: null };
  let last = 0;
  const draw = async () => {
    const total = state.found?.length ?? scored.ranked.length;
    const [from, to] = [state.page * PAGE, Math.min((state.page + 1) * PAGE, total)];
    const places = Array.from({ length: to - from }, (_, offset) => (state.found ? state.found[from + offset] : from + offset));
    const mine = (last += 1);
    const rows = await scored.read(places.map((place) => scored.ranked[place]));
    if (mine !== last) return;
    show(body, rows.map((row, offset) => rowOf(model, row, places[offset], places[offset] < state.count)));
    show(pager, total === 0 ? t("list.not-found") : t("list.page", { from: number(from + 1, 0), to: number(to, 0), total: number(total, 0) }));
    [back.disabled, on.disabled] = [state.page === 0, to >= total];
  };
  /** @param {number} step */
  const turn = (step) => {
    state.page += step;
    void draw();
    element.scrollIntoView({ block: "start" });
  };
  const search = searchBox(scored, (found) => {
    [state.found, state.page] = [found, 0];
    void draw();
  });
  const titles = ["list.rank", "list.customer", "list.probability", "list.band-name", "list.reasons"];
  const head = h("thead", {}, h("tr", {}, titles.map((word, place) => h("th", { scope: "col", class: place % 2 === 0 && place < 4 ? "number-cell" : null }, t(/** @type {import("./words.js").Word} */ (word))))));
  const element = h(
    "section",
    { class: "card ranking" },
    h("div", { class: "head-row" }, h("h2", {}, t("list.ranking")), saving.element),
    search,
    h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": t("list.ranking") }, h("table", {}, head, body)),
    h("div", { class: "head-row" }, pager, h("div", { class: "row" }, back, on)),
  );
  /** @param {number} count how many of the first are to be called */
  const cut = (count) => {
    state.count = count;
    saving.cut(count);
    void draw();
  };
  return { element, cut };
}

/** @param {Scored} scored @param {(found: number[] | null) => void} use */
function searchBox(scored, use) {
  let timer = 0;
  let last = new AbortController();
  const look = async () => {
    const words = input.value.trim();
    last.abort();
    last = new AbortController();
    const found = words === "" ? null : await attempt(() => scored.find(words, last.signal), () => use([]));
    if (found === null) use(null);
    else if (found) use(Array.from(scored.ranked.keys()).filter((place) => found.has(scored.ranked[place])));
  };
  const input = h("input", {
    type: "search",
    placeholder: t("list.search"),
    "aria-label": t("list.search"),
    oninput() {
      clearTimeout(timer);
      timer = window.setTimeout(look, PAUSE);
    },
  });
  return input;
}

/** @param {Model} model @param {Row} row @param {number} place @param {boolean} called */
function rowOf(model, row, place, called) {
  const kept = Object.entries(row).filter(([name]) => !OWN.test(name));
  const list = h("dl", {});
  // Filled when it is opened: fifty rows of 300 columns are 30,000 elements.
  const open = () => show(list, kept.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value === null ? "" : String(value))]));
  const details = h("details", { ontoggle: open }, h("summary", {}, String(row.customer_id ?? "–")), list);
  return h(
    "tr",
    { class: called ? "called" : null },
    h("td", { class: "number-cell" }, number(place + 1, 0)),
    h("td", {}, kept.length > 0 ? details : String(row.customer_id ?? "–")),
    h("td", { class: "number-cell" }, percent(Number(row.churn_probability), 1)),
    h("td", {}, h("span", { class: `chip ${row.risk_band}` }, t(`band.${/** @type {"low"} */ (row.risk_band)}`)), gainOf(row)),
    h("td", {}, reasonsOf(model, row)),
  );
}

/** What a call gains, where the rows are a call list. @param {Row} row */
function gainOf({ gain, group }) {
  if (typeof gain !== "number" || (group !== "call" && group !== "control")) return null;
  return h("p", { class: "small" }, t("list.gain", { gain: number(gain, 0) }), group === "control" ? h("strong", {}, ` ${t("list.control")}`) : null);
}

/** @param {Model} model @param {Row} row */
function reasonsOf(model, row) {
  const given = Object.keys(row).filter((name) => /^reason_\d+$/.test(name) && row[name] !== null);
  const items = given.map((name) => {
    const [feature, raises] = [String(row[name]), Number(row[`${name}_contribution`]) > 0];
    const members = model.signature.features.filter((one) => one.name === feature || one.group === feature);
    const values = members.map((one) => (Object.hasOwn(row, one.name) ? (row[one.name] ?? "") : "")).filter((value) => value !== "").map((value) => (typeof value === "number" ? written(value) : value));
    const words = [labelByName(model, feature), values.join(", ")].filter(Boolean).join(": ");
    return h("li", { class: raises ? "raises" : "lowers" }, h("span", { class: "for-readers" }, t(raises ? "list.raises" : "list.lowers")), words);
  });
  return h("ul", { class: "causes" }, items);
}

/** @param {Model} model @param {Scored} scored @param {string} file */
function downloads(model, scored, file) {
  const label = h("span", {});
  const only = h("input", { type: "checkbox", checked: true });
  const says = h("div", { role: "status" });
  let count = 0;
  /** @param {typeof csvTable} make */
  const download = (make) => async () => {
    const positions = only.checked ? scored.ranked.subarray(0, count) : scored.ranked;
    show(says, t("list.preparing"));
    const done = await attempt(() => make(model, scored, positions, file), (error) => show(says, problemNotice(error)));
    if (done !== undefined) show(says);
  };
  const element = h("div", { class: "row" }, h("label", { class: "check" }, only, label), h("button", { type: "button", onclick: download(csvTable) }, "CSV"), h("button", { type: "button", onclick: download(xlsxTable) }, "Excel"), says);
  return {
    element,
    /** @param {number} now */
    cut(now) {
      count = now;
      show(label, t("list.only", { count: number(now, 0) }));
    },
  };
}

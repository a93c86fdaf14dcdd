/** What calling is worth: a list by gain, within a number of calls or a budget, as the service computes it. */

import { json } from "./api.js";
import { h, newId, show } from "./dom.js";
import { pathOf } from "./models.js";
import { attempt } from "./problems.js";
import { number, t } from "./words.js";

/** @typedef {import("./start.js").Place} Place */
/** @typedef {import("./list-run.js").CallList} CallList */
/** @typedef {import("./list-run.js").CallListWish} CallListWish */

const CONTROL = 0.1;

/** A form that ranks the file by gain, where the model has costs. @param {Place} place @param {(wish: CallListWish) => void} rank */
export function gainCard(place, rank) {
  const body = h("div", {}, h("p", { class: "quiet" }, t("loading")));
  const ask = async () => {
    const { costs } = await json({ path: `${pathOf(place.name)}/costs`, signal: place.signal });
    show(body, costs ? gainForm(rank) : h("p", { class: "quiet" }, t("money.none"), " ", h("a", { href: `#/model/${encodeURIComponent(place.name)}` }, t("nav.model"))));
  };
  const card = h("section", { class: "card" }, h("h2", {}, t("money.title")), body);
  // Who may not see the costs sees the list without them.
  void attempt(ask, () => card.remove());
  return card;
}

/** @param {(wish: CallListWish) => void} rank */
function gainForm(rank) {
  const [capacity, budget] = [amountField("money.capacity"), amountField("money.budget")];
  const control = h("input", { type: "checkbox" });
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    rank({ ...capacity.read("capacity"), ...budget.read("budget"), control_share: control.checked ? CONTROL : 0 });
  };
  return h(
    "form",
    { class: "gain", onsubmit: submit },
    h("p", { class: "quiet" }, t("money.how")),
    h("div", { class: "fields" }, capacity.element, budget.element),
    h("div", { class: "head-row" }, h("label", { class: "check" }, control, t("money.control")), h("button", { type: "submit", class: "first" }, t("money.rank"))),
  );
}

/** @param {"money.capacity" | "money.budget"} word */
function amountField(word) {
  const id = newId("amount");
  const input = h("input", { id, type: "number", min: 1, step: 1, inputmode: "numeric", placeholder: t("money.any") });
  return {
    element: h("div", { class: "field" }, h("label", { for: id }, t(word)), input),
    /** @param {"capacity" | "budget"} name @returns {CallListWish} */
    read: (name) => (input.value === "" ? {} : { [name]: Number(input.value) }),
  };
}

/** What a list amounts to. @param {CallList} calls */
export function worthCards(calls) {
  // Amounts are withheld where the model's probabilities are off.
  const withheld = calls.expected_profit === null;
  const whole = (/** @type {number | null | undefined} */ value) => (value === null ? "–" : number(value ?? 0, 0));
  const tiles = /** @type {const} */ ([
    ["money.calls", whole(calls.called), t("money.calls.words", { control: whole(calls.control), worth: whole(calls.worth_calling) })],
    ["money.cost", whole(calls.expected_cost), ""],
    ["money.kept", whole(calls.expected_kept), withheld ? "" : t("money.kept.words", { leavers: whole(calls.expected_leavers) })],
    ["money.profit", whole(calls.expected_profit), withheld ? t("money.withheld") : t("money.profit.words", { low: whole(calls.profit_low), high: whole(calls.profit_high) })],
  ]);
  const card = (/** @type {(typeof tiles)[number]} */ [name, figure, words]) => h("section", { class: "card" }, h("h2", { class: "tile-name" }, t(name)), h("p", { class: "tile-figure" }, figure), h("p", { class: "small" }, words));
  return h("div", { class: "tiles" }, tiles.map(card));
}

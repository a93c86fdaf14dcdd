/** What a call costs, what it would gain at each threshold, and its change by who may. */

import { json, Problem } from "./api.js";
import { lineChart } from "./charts.js";
import { h, show } from "./dom.js";
import { labelOf, pathOf } from "./models.js";
import { attempt, problemNotice, sentence } from "./problems.js";
import { mayPerhaps } from "./session.js";
import { confirmed } from "./versions.js";
import { number, percent, t } from "./words.js";

/** @typedef {import("./types").Costs} Costs */
/** @typedef {import("./types").Profit} Profit */
/** @typedef {import("./start.js").Place} Place */

const AMOUNTS = /** @type {const} */ (["offer", "contact", "value", "success"]);

/** The calls behind the card. @param {Place} place */
export function costsCalls(place) {
  return [{ path: `${pathOf(place.name)}/costs` }, { path: `${pathOf(place.name)}/profit` }];
}

/** @param {Place} place */
export function costsCard(place) {
  const body = h("div", { class: "spaced" }, h("p", { class: "quiet" }, t("loading")));
  const load = () =>
    attempt(
      async () => {
        const [path] = costsCalls(place);
        const known = /** @type {Costs} */ (await json({ ...path, signal: place.signal }));
        const profit = known.costs && (await profitOf(place));
        show(body, known.costs ? inForce(known) : h("p", {}, t("costs.none")), profit, mayPerhaps("models:write") ? costsForm(place, known, load) : h("p", { class: "quiet small" }, t("costs.may-not")));
      },
      (error) => show(body, problemNotice(error, load)),
    );
  void load();
  return h("section", { class: "card" }, h("h2", {}, t("costs.title")), body);
}

/** What a kept customer is worth: an amount or a field, for some months, and the profit's share of it. @param {Costs["costs"]} costs */
function worthOf(costs) {
  if (!costs) return "";
  const { margin, months, value } = costs;
  const worth = typeof value === "number" ? number(value) : value;
  return [months !== 1 && number(months ?? 1), worth, margin !== 1 && percent(margin ?? 1)].filter(Boolean).join(" × ");
}

/** @param {Costs} known */
function inForce({ costs, threshold }) {
  const words = { offer: number(costs?.offer ?? 0), contact: number(costs?.contact ?? 0), value: worthOf(costs), success: percent(costs?.success ?? 0) };
  return h("p", {}, t("costs.in-force", words), " ", threshold === null ? t("costs.by-customer") : t("costs.threshold", { threshold: percent(threshold ?? 0, 1) }));
}

/** What calling would have gained, or that it was not measured. @param {Place} place */
async function profitOf(place) {
  try {
    return profitPart(/** @type {Profit} */ (await json({ ...costsCalls(place)[1], signal: place.signal })));
  } catch (error) {
    if (error instanceof Problem && error.code === "unknown-report") return h("p", { class: "quiet" }, sentence(error));
    throw error;
  }
}

/** @param {Profit} profit */
function profitPart({ at, curve, customers }) {
  const line = (/** @type {number[]} */ values) => curve.threshold.map((threshold, place) => /** @type {[number, number]} */ ([threshold, values[place]]));
  const all = [...curve.low, ...curve.high];
  const amount = (/** @type {number} */ value) => number(value, 0);
  const words = { customers: number(customers), profit: amount(at.costs.profit), low: amount(at.costs.low), high: amount(at.costs.high), called: amount(at.costs.called), own: amount(at.card.profit), card: percent(at.card.threshold ?? 0, 1) };
  const chart = lineChart({
    title: t("profit.chart"),
    note: t("profit.note"),
    x: { title: t("threshold.label"), format: (value) => percent(value), from: 0, to: 1, ticks: [0, 0.2, 0.4, 0.6, 0.8, 1] },
    y: { title: t("profit.title"), format: (value) => new Intl.NumberFormat(document.documentElement.lang, { notation: "compact" }).format(value), from: Math.min(0, ...all), to: Math.max(...all) * 1.1 },
    series: [
      { name: t("profit.title"), tone: "first", points: line(curve.profit) },
      { name: t("profit.low"), tone: "second", points: line(curve.low), dashed: true },
      { name: t("profit.high"), tone: "second", points: line(curve.high), dashed: true },
    ],
    marks: at.costs.threshold === null || at.costs.threshold === undefined ? [] : [{ x: at.costs.threshold, label: t("answer.threshold") }],
  });
  return [h("p", {}, t("profit.words", words)), h("div", { class: "narrow" }, chart)];
}

/** @param {Place} place @param {Costs} known @param {() => void} changed */
function costsForm(place, known, changed) {
  const says = h("div", { role: "status" });
  const amounts = place.model.signature.features.filter((feature) => (feature.type === "number" || feature.type === "integer") && !feature.choices);
  const list = h("datalist", { id: "amounts" }, amounts.map((feature) => h("option", { value: feature.name }, labelOf(feature))));
  const inputs = AMOUNTS.map((name) => h("input", { id: `cost-${name}`, type: "text", inputmode: name === "value" ? "text" : "decimal", required: true, autocomplete: "off", list: name === "value" ? "amounts" : null, value: known.costs?.[name] ?? "" }));
  const read = () => Object.fromEntries(AMOUNTS.map((name, index) => [name, amountOf(inputs[index].value)]));
  const send = async (/** @type {string} */ question, /** @type {import("./api.js").Call} */ call) => {
    if (!(await confirmed(question, t("costs.consequence")))) return;
    await attempt(async () => (await json(call), changed()), (error) => show(says, problemNotice(error)));
  };
  const path = `${pathOf(place.name)}/costs`;
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    void send(t("costs.set-this", { model: place.name }), { method: "PUT", path, json: { ...known.costs, ...read() } });
  };
  const remove = known.costs && h("button", { type: "button", class: "plain", onclick: () => send(t("costs.remove-this", { model: place.name }), { method: "DELETE", path }) }, t("costs.remove"));
  const fields = AMOUNTS.map((name, index) => h("div", { class: "field" }, h("label", { for: `cost-${name}` }, t(`costs.${name}`)), inputs[index], name === "value" && list));
  return h("details", {}, h("summary", {}, t("costs.set")), h("form", { class: "spaced", onsubmit: submit }, h("div", { class: "fields" }, fields), h("div", { class: "row" }, h("button", { type: "submit", class: "first" }, t("costs.set")), remove), says));
}

/** A number, or the text as it is: the API says what is wrong with it. @param {string} written */
function amountOf(written) {
  const value = Number(written.trim().replace(",", "."));
  return written.trim() !== "" && Number.isFinite(value) ? value : written.trim();
}

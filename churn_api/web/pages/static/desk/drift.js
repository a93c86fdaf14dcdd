/** Drift by feature: a table over the windows, and the shares of one feature before and after. */

import { columnChart } from "./charts.js";
import { h } from "./dom.js";
import { axisNames } from "./effects.js";
import { labelByName } from "./models.js";
import { fixed, percent, t } from "./words.js";

/** @typedef {import("./types").Watch} Watch */
/** @typedef {import("./types").Model} Model */
/** @typedef {Watch["windows"][number]} Window */

const SHOWN = 12;
const FEATURES = 12;

/** The day of each window, with its hour where several begin on one day. @param {Window[]} windows */
export function windowNames(windows) {
  const name = (/** @type {Window} */ window, /** @type {boolean} */ hour) =>
    new Intl.DateTimeFormat(document.documentElement.lang, { day: "numeric", month: "short", hour: hour ? "2-digit" : undefined, timeZone: "UTC" }).format(new Date(window.start));
  const days = windows.map((window) => name(window, false));
  return new Set(days).size === days.length ? days : windows.map((window) => name(window, true));
}

/** The latest window first. @param {Model} model @param {Watch} watch @param {Window[]} closed @param {(feature: string) => void} choose */
export function driftTable(model, watch, closed, choose) {
  const windows = closed.slice(-SHOWN).reverse();
  const days = windowNames(windows);
  const largest = (/** @type {string} */ name) => Math.max(...windows.map((window) => cellOf(window, name)?.psi ?? 0));
  const names = watch.features.map((feature) => feature.feature).sort((one, other) => largest(other) - largest(one));
  const head = h("tr", {}, h("th", { scope: "col" }, t("reasons.feature")), days.map((day) => h("th", { scope: "col" }, day)));
  const scores = h("tr", {}, h("th", { scope: "row" }, t("watch.scores")), windows.map((window) => cell(window.scores)));
  const rows = names.map((name, place) => {
    const button = h("button", { type: "button", class: "plain", onclick: () => choose(name) }, labelByName(model, name));
    return h("tr", { hidden: place >= FEATURES }, h("th", { scope: "row" }, button), windows.map((window) => cell(cellOf(window, name))));
  });
  const all = h("button", { type: "button", class: "plain", onclick: () => (rows.forEach((row) => (row.hidden = false)), all.remove()) }, t("drift.all", { count: rows.length }));
  const legend = /** @type {const} */ (["quiet", "moved", "drifted"]).map((state) => h("li", {}, h("span", { class: `chip ${state === "quiet" ? "" : state}` }, t(`state.${state}`))));
  const table = h("table", { class: "heat" }, h("thead", {}, head), h("tbody", {}, scores, rows));
  return h("div", {}, h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": t("drift.title") }, table), h("ul", { class: "legend-row" }, legend, rows.length > FEATURES && h("li", {}, all)));
}

/** @param {Window} window @param {string} name */
function cellOf(window, name) {
  return window.features?.find((one) => one.feature === name);
}

/** @param {{state: string, psi: number} | undefined} drift */
function cell(drift) {
  if (!drift) return h("td", {}, "");
  return h("td", { class: drift.state, title: t(/** @type {import("./words.js").Word} */ (`state.${drift.state}`)) }, fixed(drift.psi, 3));
}

/** The shares of a feature's values in training and in the latest window. @param {Model} model @param {Watch["features"][number]} feature */
export function featureChart(model, feature) {
  const bins = feature.bins.filter((bin) => bin.before > 0 || (bin.after ?? 0) > 0);
  return columnChart({
    title: t("drift.chart", { feature: labelByName(model, feature.feature) }),
    names: axisNames(bins, feature.reference),
    columns: [
      { name: t("watch.training"), tone: "bar-tone", values: bins.map((bin) => bin.before) },
      { name: t("drift.latest"), tone: "second", values: bins.map((bin) => bin.after ?? null) },
    ],
    format: (value) => percent(value),
  });
}

/** How well predictions held, as far as it is known what became of the customers. */

import { json } from "./api.js";
import { lineChart } from "./charts.js";
import { h } from "./dom.js";
import { pathOf } from "./models.js";
import { day, fixed, number, percent, t } from "./words.js";

/** @typedef {import("./types").Quality} Quality */
/** @typedef {Quality["versions"][number]} VersionQuality */
/** @typedef {VersionQuality["windows"][number]} Window */
/** @typedef {{value: number, low: number, high: number}} Estimate */
/** @typedef {import("./start.js").Place} Place */

/** The call behind the card. @param {Place} place */
export function qualityCall(place) {
  return { path: `${pathOf(place.name)}/quality` };
}

/** @param {Place} place */
export async function qualityCard(place) {
  const quality = /** @type {Quality} */ (await json({ ...qualityCall(place), signal: place.signal }));
  const live = quality.versions.find((one) => one.version === quality.live && one.variant === "live");
  const windows = live?.windows ?? [];
  return h(
    "section",
    { class: "card" },
    h("h2", {}, t("outcomes.title")),
    h("p", { class: "quiet" }, quality.complete_until ? t("outcomes.until", { day: day(quality.complete_until) }) : t("outcomes.none"), " ", quality.unknown_outcomes ? t("outcomes.unknown", { count: number(quality.unknown_outcomes) }) : ""),
    live?.alert && h("p", { class: "notice bad" }, t("outcomes.worse")),
    quality.advice.length > 0 && h("ul", { class: "notice list" }, adviceOf(place, quality).map((advice) => h("li", {}, advice))),
    live && windows.length > 0 && [h("div", { class: "narrow" }, chart(live)), table(windows)],
  );
}

/** What is missing, and what to do about it, as the API's advice has it in English. @param {Place} place @param {Quality} quality */
function adviceOf({ model }, { complete_until: until, live, versions }) {
  const horizon = model.signature.target.horizon_days || t("advice.horizon", { version: live ?? "" });
  const outcomes = until === null ? t("advice.undeclared") : versions.every((one) => one.windows.length === 0) && t("advice.immature");
  return [horizon, outcomes].filter((text) => typeof text === "string");
}

/** ROC-AUC by window with its interval, and what training measured. @param {VersionQuality} live */
function chart({ windows, trained }) {
  const measured = windows.filter((window) => window.roc_auc);
  if (measured.length === 0) return null;
  const estimates = measured.map((window) => /** @type {Estimate} */ (window.roc_auc));
  const names = measured.map((window) => day(window.start));
  const last = Math.max(measured.length - 1, 1);
  const ends = [...estimates.flatMap((one) => [one.low, one.high]), trained.roc_auc ?? estimates[0].value];
  return lineChart({
    title: t("outcomes.chart"),
    note: t("outcomes.chart.note"),
    x: { title: "", format: (place) => names[place], from: -0.3, to: last + 0.3, ticks: names.map((_, place) => place) },
    y: { title: "ROC-AUC", format: (value) => number(value), from: Math.max(0, Math.min(...ends) - 0.03), to: Math.min(1, Math.max(...ends) + 0.03) },
    series: [{ name: "ROC-AUC", tone: "first", points: estimates.map((one, place) => [place, one.value]), spans: estimates.map((one) => [one.low, one.high]), dots: true, titles: estimates.map(estimate) }],
    guides: trained.roc_auc === undefined ? [] : [{ points: [[-0.3, trained.roc_auc], [last + 0.3, trained.roc_auc]] }],
    tall: 0.5,
  });
}

/** @param {Estimate} one */
function estimate(one) {
  return `${fixed(one.value, 3)} (${fixed(one.low, 3)} – ${fixed(one.high, 3)})`;
}

/** @param {Window[]} windows */
function table(windows) {
  const head = ["outcomes.period", "watch.volume", "outcomes.left", "outcomes.predicted", "metric.roc_auc", "metric.brier"];
  const share = (/** @type {Estimate} */ one) => `${percent(one.value, 1)} (${percent(one.low, 1)} – ${percent(one.high, 1)})`;
  const rows = [...windows].reverse().map((window) => {
    const figures = window.roc_auc && window.brier ? [estimate(window.roc_auc), estimate(window.brier)] : [t("state.too-few"), ""];
    const cells = [number(window.predictions), share(window.rate), percent(window.mean_probability, 1), ...figures];
    return h("tr", {}, h("th", { scope: "row" }, `${day(window.start)} – ${day(window.end)}`), cells.map((cell) => h("td", { class: "number-cell" }, cell)));
  });
  const titles = h("tr", {}, head.map((word, place) => h("th", { scope: "col", class: place > 0 ? "number-cell" : "" }, t(/** @type {import("./words.js").Word} */ (word)))));
  return h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": t("outcomes.title") }, h("table", {}, h("thead", {}, titles), h("tbody", {}, rows)));
}

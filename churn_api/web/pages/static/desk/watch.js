/** Whether predictions are still about customers like those of training: now, over time, and feature by feature. */

import { json } from "./api.js";
import { columnChart, lineChart } from "./charts.js";
import { asCode } from "./code.js";
import { h, show } from "./dom.js";
import { driftTable, featureChart, windowNames } from "./drift.js";
import { binName } from "./effects.js";
import { qualityCall, qualityCard } from "./live-quality.js";
import { labelByName, pathOf } from "./models.js";
import { attempt, problemNotice } from "./problems.js";
import { trialsCall, trialsCard } from "./trials.js";
import { number, percent, t } from "./words.js";

/** @typedef {import("./types").Watch} Watch */
/** @typedef {import("./types").Model} Model */
/** @typedef {import("./start.js").Place} Place */
/** @typedef {Watch["features"][number]} Watched */
/** @typedef {Watch["windows"][number]} Window */

const DAYS = [7, 30, 90];
const ENOUGH = 0.02;
const NEARLY_ALL = 0.8;

/** @param {Place} place */
export async function watchView(place) {
  let days = 30;
  const [content, more] = [h("div", { class: "stack" }), h("div", { class: "stack" })];
  const call = () => ({ path: `${pathOf(place.name)}/watch`, query: { days } });
  const code = asCode(() => [call(), qualityCall(place), trialsCall(place)]);
  const load = () =>
    attempt(
      async () => {
        const watch = /** @type {Watch} */ (await json({ ...call(), signal: place.signal }));
        show(content, parts(place.model, watch));
        code.refresh();
      },
      (error) => show(content, problemNotice(error, load)),
    );
  const choice = h(
    "select",
    {
      id: "days",
      onchange() {
        days = Number(choice.value);
        void load();
      },
    },
    DAYS.map((count) => h("option", { value: count, selected: count === days }, t("watch.days", { days: count }))),
  );
  const head = h("div", { class: "head-row" }, h("h1", {}, t("watch.title")), h("label", { class: "for-readers", for: "days" }, t("watch.since")), choice);
  const cards = [qualityCard, trialsCard].map((card) => orNotice(card(place), place.refresh));
  await load();
  show(more, await Promise.all(cards), h("section", { class: "card" }, code.element));
  if (!place.signal.aborted) show(place.main, head, h("p", { class: "lead" }, t("watch.lead")), content, more);
}

/** A card, or why there is none: one that is refused leaves the others. @param {Promise<HTMLElement>} card @param {() => void} again */
async function orNotice(card, again) {
  /** @type {HTMLElement | null} */
  let notice = null;
  return (await attempt(() => card, (error) => (notice = problemNotice(error, again)))) ?? notice;
}

/** @param {Model} model @param {Watch} watch */
function parts(model, watch) {
  const closed = watch.windows.filter((window) => window.expected);
  return [
    stateCard(model, watch),
    watch.windows.length > 0 && h("section", { class: "card" }, h("h2", {}, t("watch.windows")), h("div", { class: "charts" }, overTime(watch, closed))),
    closed.length > 0 && driftCard(model, watch, closed),
  ];
}

/** The state in a sentence, and each alert in words with what to do. @param {Model} model @param {Watch} watch */
function stateCard(model, watch) {
  const rows = watch.windows.reduce((sum, window) => sum + window.rows, 0);
  const alerts = watch.features.filter((feature) => feature.alert);
  const noAlert = (watch.state === "moved" || watch.state === "drifted") && alerts.length === 0 && !watch.score_alert;
  return h(
    "section",
    { class: "card" },
    h("p", { class: "state-line" }, h("span", { class: `chip ${watch.state === "quiet" ? "low" : watch.state}` }, t(`state.${watch.state}`)), h("strong", {}, t(`state.${watch.state}.words`))),
    h("p", { class: "quiet" }, t("watch.rows", { rows: number(rows), training: number(watch.baseline.rows) }), noAlert ? ` ${t("watch.no-alert")}` : ""),
    h("ul", { class: "alerts" }, watch.score_alert && alertItem(t("watch.scores"), t("alert.scores"), t("alert.scores.do")), alerts.map((feature) => alertItem(labelByName(model, feature.feature), ...alertWords(feature)))),
  );
}

/** @param {string} title @param {string} what @param {string} todo */
function alertItem(title, what, todo) {
  return h("li", { class: "notice doubt" }, h("p", {}, h("strong", {}, title), ` – ${what}`), h("p", {}, todo));
}

/** What changed in a feature, and what that often is. @param {Watched} feature @returns {[string, string]} */
function alertWords(feature) {
  const changed = feature.bins.map((bin) => ({ bin, by: (bin.after ?? 0) - bin.before }));
  const of = (/** @type {string} */ kind) => changed.find(({ bin }) => bin.kind === kind);
  const shares = (/** @type {Watched["bins"][number]} */ bin) => ({ before: percent(bin.before, 1), after: percent(bin.after ?? 0, 1) });
  if (feature.state === "quiet") return [t("alert.earlier"), t("alert.shares.do")];
  const [missing, unseen] = [of("missing"), of("unseen")];
  if (missing && missing.by > ENOUGH) return [t("alert.missing", shares(missing.bin)), t("alert.missing.do")];
  if (unseen && unseen.by > ENOUGH) return [t("alert.unseen", shares(unseen.bin)), t("alert.unseen.do")];
  const ranges = changed.filter(({ bin }) => bin.kind === "range");
  const end = [ranges.at(0), ranges.at(-1)].find((one) => (one?.bin.after ?? 0) > NEARLY_ALL);
  if (end) return [t("alert.unit", shares(end.bin)), t("alert.unit.do")];
  const [most] = changed.sort((one, other) => Math.abs(other.by) - Math.abs(one.by));
  return [t("alert.shares", { value: binName(most.bin, feature.reference), ...shares(most.bin) }), t("alert.shares.do")];
}

/** Volume, expected churn and expected quality, window by window. @param {Watch} watch @param {Window[]} closed */
function overTime(watch, closed) {
  const names = windowNames(watch.windows);
  const volume = columnChart({ title: t("watch.volume"), names, columns: [{ name: t("watch.volume"), tone: "bar-tone", values: watch.windows.map((window) => window.rows) }], format: (value) => number(value, 0) });
  if (closed.length === 0) return [volume];
  const { expected } = watch.baseline;
  const rates = columnChart({
    title: t("watch.rate"),
    note: t("watch.rate.note"),
    names: windowNames(closed),
    columns: [{ name: t("watch.rate"), tone: "bar-tone", values: closed.map((window) => window.expected?.rate ?? null) }],
    marks: [{ y: expected.rate, label: t("watch.training") }],
    format: (value) => percent(value),
  });
  return [volume, rates, closed.length > 1 ? quality(watch, closed) : null];
}

/** @param {Watch} watch @param {Window[]} closed */
function quality({ baseline }, closed) {
  const values = closed.map((window) => window.expected?.roc_auc ?? null);
  const points = values.flatMap((value, place) => (value === null ? [] : [/** @type {[number, number]} */ ([place, value])]));
  const last = Math.max(closed.length - 1, 1);
  const band = (baseline.expected.roc_auc_band ?? []).map((y) => ({ points: /** @type {[number, number][]} */ ([[0, y], [last, y]]) }));
  const all = [...points.map((point) => point[1]), ...band.map((line) => line.points[0][1])];
  if (points.length === 0) return null;
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const names = windowNames(closed);
  const x = { title: "", format: (/** @type {number} */ place) => names[place], from: 0, to: last, ticks: names.map((_, place) => place) };
  const y = { title: "ROC-AUC", format: (/** @type {number} */ value) => number(value, 2), from: Math.max(0, low - 0.03), to: Math.min(1, high + 0.03) };
  return lineChart({ title: t("watch.quality"), note: t("watch.quality.note"), x, y, series: [{ name: "ROC-AUC", tone: "first", points, dots: true, titles: points.map((point) => number(point[1], 3)) }], guides: band, tall: 0.55 });
}

/** Every feature in every window, and the shares of the one that is chosen. @param {Model} model @param {Watch} watch @param {Window[]} closed */
function driftCard(model, watch, closed) {
  const place = h("div", { class: "narrow" });
  const choose = (/** @type {string} */ name) => {
    const feature = watch.features.find((one) => one.feature === name);
    if (feature) show(place, featureChart(model, feature));
  };
  const first = watch.alerts[0] ?? watch.features[0]?.feature;
  if (first) choose(first);
  return h("section", { class: "card" }, h("h2", {}, t("drift.title")), h("p", { class: "lead" }, t("drift.lead")), driftTable(model, watch, closed, choose), place);
}

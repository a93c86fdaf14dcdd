/** What moves the predictions of a version: importance, and churn along each feature. */

import { barChart, columnChart } from "./charts.js";
import { h, show } from "./dom.js";
import { labelByName } from "./models.js";
import { dateBefore } from "./values.js";
import { number, percent, t } from "./words.js";

/** @typedef {import("./types").Model} Model */
/** @typedef {import("./types").Report} Report */
/** @typedef {import("./types").Explanation} Explanation */
/** @typedef {{kind: string, lower?: number, upper?: number, category?: string}} Bin */

const MOST = 10;

/** @param {Model} model @param {Report | null} report @param {Explanation | null} explanation */
export function importanceCard(model, report, explanation) {
  const found = explanation ? explanation.features.map((one) => /** @type {const} */ ([one.feature, one.importance])) : Object.entries(report?.importance ?? {});
  const ranked = [...found].sort((one, other) => other[1] - one[1]).slice(0, MOST);
  if (ranked.length === 0) return null;
  const largest = ranked[0][1] || 1;
  const bars = ranked.map(([name, value]) => ({ label: labelByName(model, name), value: Math.max(value, 0), text: percent(Math.max(value, 0) / largest) }));
  return h("section", { class: "card" }, h("h2", {}, t("importance.title")), h("div", { class: "narrow" }, barChart({ title: t("importance.chart"), note: t(explanation ? "importance.reasons" : "importance.shuffled"), bars, head: [t("reasons.feature"), t("importance.title")] })));
}

/** Predicted and observed churn along a feature that the reader chooses. @param {Model} model @param {Report} report */
export function effectsCard(model, report) {
  if (report.effects.length === 0) return null;
  const place = h("div", { class: "narrow" });
  const choice = h("select", { id: "effect", onchange: () => draw() }, report.effects.map((effect, index) => h("option", { value: index }, labelByName(model, effect.feature))));
  const draw = () => {
    const effect = report.effects[Number(choice.value)];
    const names = axisNames(effect.bins, effect.reference);
    show(
      place,
      columnChart({
        title: t("effect.chart", { feature: labelByName(model, effect.feature) }),
        names,
        columns: [{ name: t("curve.observed"), tone: "bar-tone", values: effect.bins.map((bin) => bin.observed) }],
        dots: [{ name: t("curve.predicted"), tone: "second", values: effect.bins.map((bin) => bin.predicted) }],
        format: (value) => percent(value),
      }),
      h("p", { class: "quiet small" }, t("effect.note", { rows: number(Math.min(...effect.bins.map((bin) => bin.rows))) })),
    );
  };
  draw();
  return h("section", { class: "card" }, h("h2", {}, t("effect.title")), h("div", { class: "choose" }, h("label", { for: "effect" }, t("reasons.feature")), choice), place);
}

/** What people call a bin; of a date the ranges are days before a reference. @param {Bin} bin @param {string | null | undefined} [reference] */
export function binName(bin, reference) {
  if (bin.kind === "category") return bin.category ?? "";
  if (bin.kind !== "range") return t(/** @type {import("./words.js").Word} */ (`bin.${bin.kind}`));
  const { lower, upper } = bin;
  const name = (/** @type {number} */ value) => (reference ? dateBefore({ name: "", type: "date", reference }, value) : number(value));
  if (lower === undefined || lower === null) return `≤ ${name(upper ?? 0)}`;
  if (upper === undefined || upper === null) return `> ${name(lower)}`;
  if (lower === upper) return name(lower);
  return reference ? `${name(upper)} – ${name(lower)}` : `${name(lower)} – ${name(upper)}`;
}

/** The names of bins below a chart: of ranges in a row the upper bounds, since both would be cut. @param {Bin[]} bins @param {string | null | undefined} [reference] */
export function axisNames(bins, reference) {
  const bounded = (/** @type {Bin} */ { kind, lower, upper }) => kind === "range" && !reference && lower !== upper && (upper ?? null) !== null;
  return bins.map((bin) => binName(bounded(bin) ? { ...bin, lower: undefined } : bin, reference));
}

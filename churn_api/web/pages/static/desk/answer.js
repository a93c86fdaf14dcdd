/** The answer for one customer: how likely, in which band, why, and what would lower it. */

import { bandScale, barChart } from "./charts.js";
import { h, show } from "./dom.js";
import { labelByName } from "./models.js";
import { problemNotice } from "./problems.js";
import { number, percent, signed, t } from "./words.js";

/** @typedef {import("./types").Model} Model */
/** @typedef {import("./types").Report} Report */
/** @typedef {import("./types").Prediction} Prediction */
/** @typedef {import("./types").Customer} Customer */

const NOTHING = 1e-6;

/**
 * @param {Model} model
 * @param {Report | null} report
 * @param {(changes: Customer) => void} apply put changes into the form
 */
export function answerPanel(model, report, apply) {
  const head = h("div", { class: "head", role: "status", "aria-live": "polite" });
  const body = h("div", { class: "body" });
  const panel = {
    element: h("div", {}, head, body),
    /** @type {HTMLElement | null} */
    root: null,
    wait() {
      panel.root?.setAttribute("data-busy", "");
    },
    /** @param {Prediction} prediction */
    answer(prediction) {
      panel.root?.removeAttribute("data-busy");
      show(head, headline(model, prediction));
      show(body, scale(model, prediction), oftenText(report, prediction), warningText(prediction), reasonsPart(model, prediction), whatIfPart(model, prediction, apply));
    },
    /** @param {unknown} error @param {number} atFields faults that stand at their fields @param {() => void} again */
    refuse(error, atFields, again) {
      panel.root?.removeAttribute("data-busy");
      show(head, h("p", { class: "quiet" }, t("answer.none")));
      show(body, problemNotice(error, again), atFields > 0 && h("p", { class: "quiet" }, t("answer.at-fields")));
    },
  };
  return panel;
}

/** @param {Model} model @param {Prediction} prediction */
function headline(model, prediction) {
  const days = model.signature.target.horizon_days;
  const share = prediction.churn_probability;
  const digits = share < 0.095 || share > 0.995 ? 1 : 0;
  const leaves = prediction.churn_prediction === 1;
  return [
    h("p", { class: "figure-line" }, h("strong", { class: `amount ${prediction.risk_band}` }, percent(share, digits)), h("span", { class: `chip ${prediction.risk_band}` }, t(`band.${prediction.risk_band}`))),
    h("p", {}, days ? t("answer.within", { days }) : t("answer.leaves"), " ", t(leaves ? "answer.above" : "answer.below", { threshold: percent(prediction.threshold, 0) })),
  ];
}

/** @param {Model} model @param {Prediction} prediction */
function scale(model, prediction) {
  const { medium_from: medium, high_from: high } = model.policy;
  return bandScale({
    value: prediction.churn_probability,
    medium,
    high,
    threshold: prediction.threshold,
    band: prediction.risk_band,
    names: { low: t("scale.low"), medium: t("scale.medium"), high: t("scale.high"), threshold: t("answer.threshold") },
    format: (value) => percent(value),
    title: t("answer.scale"),
  });
}

/** What happened to customers who got about this probability when the model was measured. @param {Report | null} report @param {Prediction} prediction */
function oftenText(report, prediction) {
  const bins = report?.calibration ?? [];
  const distance = (/** @type {{predicted: number}} */ bin) => Math.abs(bin.predicted - prediction.churn_probability);
  const bin = [...bins].sort((one, other) => distance(one) - distance(other))[0];
  if (!bin) return null;
  return h("p", { class: "often" }, t("answer.often", { left: number(bin.observed * 100, 0), rows: number(bin.rows, 0) }));
}

/** @param {Prediction} prediction */
function warningText({ warnings }) {
  return warnings && warnings.length > 0 ? h("p", { class: "notice doubt" }, t("answer.warnings", { count: warnings.length })) : null;
}

/** @param {Model} model @param {Prediction} prediction */
function reasonsPart(model, { reasons, others }) {
  if (!reasons) return h("p", { class: "quiet" }, model.without_reasons ?? t("reasons.none"));
  const bars = reasons.map((reason) => ({
    label: labelByName(model, reason.feature),
    value: reason.points,
    text: t("reasons.points", { points: signed(reason.points) }),
    tone: reason.contribution > 0 ? "raises" : "lowers",
    title: reason.text,
  }));
  return h(
    "section",
    { class: "part" },
    h("h2", {}, t("reasons.title")),
    barChart({ title: t("reasons.chart"), bars, head: [t("reasons.feature"), t("reasons.effect")] }),
    h("ol", { class: "sentences" }, reasons.map((reason) => h("li", { class: reason.contribution > 0 ? "raises" : "lowers" }, reason.text)), othersItem(others ?? 0)),
  );
}

/** What all other features add together, where there are any. @param {number} others */
function othersItem(others) {
  if (Math.abs(others) < NOTHING) return null;
  return h("li", { class: `quiet ${others > 0 ? "raises" : "lowers"}` }, t(others > 0 ? "reasons.others-raise" : "reasons.others-lower"));
}

/** @param {Model} model @param {Prediction} prediction @param {(changes: Customer) => void} apply */
function whatIfPart(model, { what_if: variants }, apply) {
  if (!variants) return null;
  const items = variants.map((variant) => {
    const changes = Object.fromEntries(variant.changes.map((change) => [change.feature, change.value]));
    const words = variant.changes.map((change) => `${labelByName(model, change.feature)}: ${valueText(change.value)}`).join(" · ");
    return h(
      "li",
      {},
      h("span", { class: "change" }, words),
      h("span", { class: "result" }, h("strong", {}, percent(variant.probability)), h("span", { class: "quiet" }, t("reasons.points", { points: signed(variant.points) }))),
      h("button", { type: "button", class: "plain", onclick: () => apply(changes), "aria-label": `${t("what-if.apply")}: ${words}` }, t("what-if.apply")),
    );
  });
  return h(
    "section",
    { class: "part" },
    h("h2", {}, t("what-if.title")),
    items.length > 0 ? h("ul", { class: "variants" }, items) : h("p", { class: "quiet" }, t("what-if.none")),
    items.length > 0 && h("p", { class: "quiet small" }, t("what-if.note")),
  );
}

/** @param {unknown} value */
function valueText(value) {
  if (typeof value === "boolean") return t(value ? "yes" : "no");
  return typeof value === "number" ? number(value) : String(value);
}

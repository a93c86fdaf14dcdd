/** How well a version predicts: in four figures, in curves, and at every threshold. */

import { lineChart } from "./charts.js";
import { h, show } from "./dom.js";
import { fixed, number, percent, t } from "./words.js";

/** @typedef {import("./types").Report} Report */

const CALLED = 20;
const HALF = 0.5;

/** The four figures that say most, each with a sentence. @param {Report} report */
export function tiles(report) {
  const { roc_auc: auc, ece } = report.metrics;
  const point = pointAt(report, report.threshold);
  const [flagged, found] = [point.true_positives + point.false_positives, point.true_positives + point.false_negatives];
  return h("ul", { class: "tiles" }, [
    auc && tile(fixed(auc.mean, 3), t("quality.auc"), t("quality.auc.words", { times: number(auc.mean * 100, 0), spread: number(auc.std, 3) })),
    tile(percent(report.gains[CALLED]), t("quality.gains"), t("quality.gains.words", { called: CALLED, share: percent(report.gains[CALLED]) })),
    flagged > 0 && tile(percent(point.true_positives / flagged), t("quality.precision"), t("quality.precision.words", { threshold: percent(report.threshold), share: percent(point.true_positives / (found || 1)) })),
    ece && tile(percent(ece.mean, 1), t("quality.ece"), t("quality.ece.words")),
  ]);
}

/** @param {string} figure @param {string} name @param {string} words */
function tile(figure, name, words) {
  return h("li", { class: "card" }, h("p", { class: "tile-name" }, name), h("p", { class: "tile-figure" }, figure), h("p", { class: "quiet small" }, words));
}

/** The operating point nearest to a threshold. @param {Report} report @param {number} threshold */
function pointAt(report, threshold) {
  const distance = (/** @type {{threshold: number}} */ point) => Math.abs(point.threshold - threshold);
  return [...report.operating_points].sort((one, other) => distance(one) - distance(other))[0];
}

/** Gains, calibration and ROC; of two versions, where one is to be compared. @param {Report} report @param {Report | null} other */
export function curves(report, other) {
  return [gains, calibration, roc].map((chart) => chart([report, ...(other ? [other] : [])]));
}

/** @param {Report} report @param {number} place @param {[number, number][]} points */
function seriesOf(report, place, points) {
  return { name: t("model.version", { version: report.model_version }), tone: place === 0 ? "first" : "second", dashed: place > 0, points };
}

/** @param {number[]} xs @param {number[]} ys */
function pairs(xs, ys) {
  return xs.map((x, place) => /** @type {[number, number]} */ ([x, ys[place]]));
}

const SHARE = { format: (/** @type {number} */ value) => percent(value), from: 0, to: 1, ticks: [0, 0.2, 0.4, 0.6, 0.8, 1] };
/** @type {{points: [number, number][]}[]} */
const DIAGONAL = [{ points: [[0, 0], [1, 1]] }];

/** @param {Report[]} reports */
function gains(reports) {
  const series = reports.map((report, place) => seriesOf(report, place, pairs(report.gains.map((_, share) => share / 100), report.gains)));
  return lineChart({ title: t("curve.gains"), note: t("curve.gains.note"), x: { ...SHARE, title: t("curve.called") }, y: { ...SHARE, title: t("curve.reached") }, series, guides: DIAGONAL });
}

/** @param {Report[]} reports */
function calibration(reports) {
  const top = Math.min(1, Math.max(...reports.flatMap((report) => report.calibration.flatMap((bin) => [bin.predicted, bin.observed]))) * 1.1);
  const axis = { format: (/** @type {number} */ value) => percent(value), from: 0, to: top };
  const series = reports.map((report, place) => ({
    ...seriesOf(report, place, report.calibration.map((bin) => /** @type {[number, number]} */ ([bin.predicted, bin.observed]))),
    dots: true,
    titles: report.calibration.map((bin) => t("curve.calibration.dot", { predicted: percent(bin.predicted), observed: percent(bin.observed), rows: number(bin.rows) })),
  }));
  return lineChart({ title: t("curve.calibration"), note: t("curve.calibration.note"), x: { ...axis, title: t("curve.predicted") }, y: { ...axis, title: t("curve.observed") }, series, guides: [{ points: [[0, 0], [top, top]] }] });
}

/** @param {Report[]} reports */
function roc(reports) {
  const series = reports.map((report, place) => seriesOf(report, place, pairs(report.roc.false_positive_rate, report.roc.true_positive_rate)));
  return lineChart({ title: t("curve.roc"), note: t("curve.roc.note"), x: { ...SHARE, title: t("curve.false") }, y: { ...SHARE, title: t("curve.true") }, series, guides: DIAGONAL });
}

/** What calling from another threshold would have meant, for a hundred customers. @param {Report} report */
export function thresholdCard(report) {
  const points = report.operating_points;
  const start = points.indexOf(pointAt(report, report.threshold));
  const says = h("div", { role: "status", class: "outcome" });
  const name = h("output", {});
  const draw = () => {
    const point = points[Number(slider.value)];
    const all = point.true_positives + point.false_positives + point.false_negatives + point.true_negatives;
    const of = (/** @type {number} */ count) => Math.round((count / all) * 100);
    name.textContent = percent(point.threshold);
    slider.setAttribute("aria-valuetext", percent(point.threshold));
    const [called, right, missed] = [of(point.true_positives + point.false_positives), of(point.true_positives), of(point.false_negatives)];
    show(says, people(right, called - right, missed), h("p", {}, t("threshold.words", { called, right, missed })));
  };
  const slider = h("input", { id: "threshold", type: "range", min: 0, max: points.length - 1, step: 1, value: start, oninput: draw });
  draw();
  const own = report.threshold === HALF ? null : h("p", { class: "quiet small" }, t("threshold.own", { threshold: percent(report.threshold, 1) }));
  return h("section", { class: "card" }, h("h2", {}, t("threshold.title")), h("div", { class: "threshold" }, h("label", { for: "threshold" }, t("threshold.label"), " ", name), slider), own, says);
}

/** A hundred customers: called rightly, called in vain, missed, and the others. @param {number} right @param {number} vain @param {number} missed */
function people(right, vain, missed) {
  const kinds = [...Array(right).fill("right"), ...Array(Math.max(vain, 0)).fill("vain"), ...Array(missed).fill("missed")];
  const cells = Array.from({ length: 100 }, (_, place) => h("i", { class: kinds[place] ?? "" }));
  const legend = /** @type {const} */ (["right", "vain", "missed"]).map((kind) => h("li", {}, h("i", { class: kind }), t(`threshold.${kind}`)));
  return h("div", { class: "people", "aria-hidden": "true" }, h("div", { class: "crowd" }, cells), h("ul", {}, legend));
}

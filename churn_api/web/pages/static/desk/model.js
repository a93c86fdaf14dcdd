/** A version of a model: what it learned from, how well it predicts, what moves it, and the versions beside it. */

import { asCode } from "./code.js";
import { costsCalls, costsCard } from "./costs-card.js";
import { h, show } from "./dom.js";
import { effectsCard, importanceCard } from "./effects.js";
import { explanationOf, pathOf, reportOf } from "./models.js";
import { curves, thresholdCard, tiles } from "./quality.js";
import { versionsCard } from "./versions.js";
import { day, number, percent, t } from "./words.js";

/** @typedef {import("./types").Report} Report */
/** @typedef {import("./start.js").Place} Place */

/** @param {Place} place */
export async function modelView(place) {
  const { summary, model, name, main } = place;
  if (!summary.live) return show(main, h("h1", {}, name), h("p", { class: "lead" }, summary.reason ?? t("models.not-live", { model: name })), versionsCard(place, () => {}));
  const version = summary.live;
  const [report, explanation] = await Promise.all([reportOf(name, version), explanationOf(name, version)]);
  if (place.signal.aborted) return;
  const charts = h("div", { class: "charts" });
  /** @param {Report | null} other a version to compare with */
  const draw = (other) => report && show(charts, curves(report, other));
  draw(null);
  const path = pathOf(name);
  const code = asCode(() => [{ path: `${path}/report`, query: { version } }, { path: `${path}/explanation`, query: { version } }, ...costsCalls(place), { method: "PUT", path: `${path}/live`, json: { version } }]);
  show(
    main,
    h("h1", {}, t("model.title", { model: name, version })),
    h("p", { class: "lead" }, learnedFrom(place)),
    report ? tiles(report) : h("p", { class: "notice" }, t("model.unmeasured")),
    h("div", { class: "stack" }, report && h("section", { class: "card" }, h("h2", {}, t("quality.title")), h("p", { class: "lead" }, t(`quality.${basisOf(report)}`, { rows: number(report.rows) })), charts), report && thresholdCard(report), h("div", { class: "two even" }, importanceCard(model, report, explanation), report && effectsCard(model, report)), costsCard(place), remarksCard(place), versionsCard(place, draw), h("section", { class: "card" }, code.element)),
  );
}

/** @param {Report} report @returns {"cross-validation" | "holdout" | "golden"} */
function basisOf(report) {
  return report.basis === "golden table" ? "golden" : /** @type {"cross-validation" | "holdout"} */ (report.basis);
}

/** @param {Place} place */
function learnedFrom({ model }) {
  const { rows, base_rate: rate } = model.training;
  const { features, target } = model.signature;
  const words = { rows: number(rows), columns: features.length, share: percent(rate), target: target.name, positive: target.positive };
  const when = model.created_at ? t("model.when", { day: day(model.created_at) }) : "";
  return `${t("model.learned", words)} ${when}`;
}

/** What training assumed about the table. @param {Place} place */
function remarksCard({ model }) {
  const { remarks } = model.training;
  if (!remarks || remarks.length === 0) return null;
  const items = remarks.map((remark) => h("li", {}, remark.column ? h("strong", {}, `${remark.column}: `) : null, `${remark.seen}; ${remark.done}.`, remark.option ? h("span", { class: "quiet" }, ` ${remark.option}`) : null));
  return h("section", { class: "card" }, h("h2", {}, t("model.remarks")), h("ul", { class: "list", lang: "en" }, items));
}

/** The versions of a model: compared with the live one, and made live by who may. */

import { json } from "./api.js";
import { h, show } from "./dom.js";
import { pathOf, reportOf } from "./models.js";
import { attempt, problemNotice } from "./problems.js";
import { mayPerhaps } from "./session.js";
import { day, fixed, percent, signed, t } from "./words.js";

/** @typedef {import("./types").Report} Report */
/** @typedef {import("./start.js").Place} Place */

const SHOWN = 6;
const METRICS = /** @type {const} */ ([["roc_auc", 3], ["pr_auc", 3], ["brier", 4], ["ece", 4]]);

/** @param {Place} place @param {(other: Report | null) => void} compare draw a version alongside the live one */
export function versionsCard(place, compare) {
  const { summary, name } = place;
  const says = h("div", { role: "status" });
  const body = h("tbody", {});
  const newest = [...summary.versions].reverse().slice(0, SHOWN);
  const shown = summary.live && !newest.includes(summary.live) ? [...newest, summary.live] : newest;
  const head = [t("version.name"), t("version.day"), ...METRICS.map(([metric]) => t(`metric.${metric}`)), t("version.threshold")];
  const table = h("table", {}, h("thead", {}, h("tr", {}, head.map((cell, place) => h("th", { scope: "col", class: place > 1 ? "number-cell" : "" }, cell)), h("th", { scope: "col" }, h("span", { class: "for-readers" }, t("version.actions"))))), body);
  const rows = new Map(shown.map((version) => [version, h("tr", {}, h("th", { scope: "row" }, version))]));
  show(body, [...rows.values()]);
  void attempt(
    async () => {
      const live = summary.live ? await reportOf(name, summary.live) : null;
      for (const [version, row] of rows) {
        const report = await reportOf(name, version);
        if (place.signal.aborted) return;
        show(row, cells(place, version, report, live, compare, says));
      }
    },
    (error) => show(says, problemNotice(error, place.refresh)),
  );
  const older = summary.versions.length - shown.length;
  return h("section", { class: "card" }, h("h2", {}, t("version.title")), h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": t("version.title") }, table), older > 0 && h("p", { class: "quiet small" }, t("version.older", { count: older })), !mayPerhaps("models:write") && h("p", { class: "quiet small" }, t("version.may-not")), says);
}

/**
 * @param {Place} place @param {string} version @param {Report | null} report @param {Report | null} live
 * @param {(other: Report | null) => void} compare @param {HTMLElement} says
 */
function cells(place, version, report, live, compare, says) {
  const own = version === place.summary.live;
  const label = h("th", { scope: "row" }, version, own ? h("span", { class: "chip low" }, t("version.is-live")) : null);
  const figures = METRICS.map(([metric, digits]) => {
    const [mean, before] = [report?.metrics[metric]?.mean, live?.metrics[metric]?.mean];
    const change = !own && mean !== undefined && before !== undefined ? h("span", { class: "quiet small" }, ` ${signed(mean - before, digits)}`) : null;
    return h("td", { class: "number-cell" }, mean === undefined ? "–" : fixed(mean, digits), change);
  });
  const actions = h("td", { class: "actions" });
  if (!own && report && live) actions.append(compareButton(version, report, compare));
  if (!own && mayPerhaps("models:write")) actions.append(liveButton(place, version, says));
  return [label, h("td", {}, report ? day(report.created_at) : "–"), ...figures, h("td", { class: "number-cell" }, report ? percent(report.threshold, 1) : "–"), actions];
}

/** @param {string} version @param {Report} report @param {(other: Report | null) => void} compare */
function compareButton(version, report, compare) {
  const toggle = () => {
    const now = button.getAttribute("aria-pressed") !== "true";
    for (const other of document.querySelectorAll(".actions [aria-pressed]")) other.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-pressed", String(now));
    compare(now ? report : null);
  };
  const button = h("button", { type: "button", class: "plain", "aria-pressed": "false", "aria-label": t("version.compare-this", { version }), onclick: toggle }, t("version.compare"));
  return button;
}

/** @param {Place} place @param {string} version @param {HTMLElement} says */
function liveButton(place, version, says) {
  const back = place.summary.live !== null && place.summary.live !== undefined && Number(version) < Number(place.summary.live);
  const words = { model: place.name, version };
  const ask = async () => {
    if (!(await confirmed(t(back ? "version.roll-back-this" : "version.make-live-this", words), t("version.consequence")))) return;
    show(says, h("p", { class: "quiet" }, t("version.checking")));
    await attempt(
      async () => {
        await json({ method: "PUT", path: `${pathOf(place.name)}/live`, json: { version } });
        place.refresh();
      },
      (error) => show(says, problemNotice(error)),
    );
  };
  return h("button", { type: "button", "aria-label": t(back ? "version.roll-back-this" : "version.make-live-this", words), onclick: ask }, t(back ? "version.roll-back" : "version.make-live"));
}

/** Ask before what everyone notices. @param {string} question @param {string} consequence @returns {Promise<boolean>} */
export function confirmed(question, consequence) {
  const dialog = h("dialog", { "aria-labelledby": "question" });
  const answer = (/** @type {string} */ value) => () => dialog.close(value);
  dialog.append(
    h("h2", { id: "question" }, question),
    h("p", { class: "quiet" }, consequence),
    h("div", { class: "row" }, h("button", { type: "button", class: "first", onclick: answer("yes") }, t("version.do")), h("button", { type: "button", onclick: answer("") }, t("cancel"))),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    }),
  );
}

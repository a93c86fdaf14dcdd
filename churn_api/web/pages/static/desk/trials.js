/** Experiments: a version alongside the live one, what outcomes say of both, and its start and stop by who may. */

import { json } from "./api.js";
import { h, show } from "./dom.js";
import { attempt, problemNotice } from "./problems.js";
import { mayPerhaps } from "./session.js";
import { confirmed } from "./versions.js";
import { fixed, moment, number, percent, t } from "./words.js";

/** @typedef {import("./types").Experiment} Experiment */
/** @typedef {import("./start.js").Place} Place */

const MODES = /** @type {const} */ (["shadow", "canary", "ab"]);

/** The call behind the card. @param {Place} place */
export function trialsCall(place) {
  return { path: "/experiments", query: { model: place.name, limit: 3 } };
}

/** @param {Place} place */
export async function trialsCard(place) {
  const { experiments } = await json({ ...trialsCall(place), signal: place.signal });
  const latest = experiments[0] && /** @type {Experiment} */ (await json({ path: `/experiments/${encodeURIComponent(experiments[0].id)}`, signal: place.signal }));
  const others = place.summary.versions.filter((version) => version !== place.summary.live).reverse();
  const running = latest?.state === "running";
  return h(
    "section",
    { class: "card" },
    h("h2", {}, t("trial.title")),
    latest ? trial(place, latest) : h("p", { class: "quiet" }, t("trial.none")),
    !running && others.length > 0 && mayPerhaps("models:write") && startForm(place, others),
  );
}

/** @param {Place} place @param {Experiment} one */
function trial(place, one) {
  const { counts, verdict } = one;
  const says = h("div", { role: "status" });
  const words = { challenger: one.challenger, live: one.live_version, share: percent(one.share, 0) };
  const stop = () => ask(place, says, t("trial.stop-this", words), { method: "DELETE", path: `/experiments/${encodeURIComponent(one.id)}` });
  return h(
    "div",
    { class: "trial" },
    h("p", { class: "state-line" }, h("span", { class: `chip ${one.state === "running" ? "low" : ""}` }, t(`trial.${one.state}`)), h("strong", {}, t(`trial.${one.mode}`, words))),
    h("p", {}, verdictText(one)),
    h("p", { class: "quiet small" }, t("trial.counts", { live: number(counts.live), challenger: number(counts.challenger), errors: number(counts.errors), since: moment(one.started_at) }), one.reason ? ` ${t("trial.ended", { reason: one.reason })}` : ""),
    verdict.better === "challenger" && h("p", { class: "notice good" }, t("trial.better", words)),
    one.state === "running" && mayPerhaps("models:write") && h("button", { type: "button", onclick: stop }, t("trial.stop")),
    says,
  );
}

/** What outcomes say so far, by the measure that decides. @param {Experiment} one */
function verdictText({ challenger, live_version, verdict }) {
  const [deciding] = verdict.measures;
  const version = verdict.better === "challenger" ? challenger : live_version;
  const bounds = { low: fixed(deciding.low ?? 0, 4), high: fixed(deciding.high ?? 0, 4), measure: t(`measure.${deciding.measure}`) };
  return t(`verdict.${verdict.state}`, { version, outcomes: number(verdict.outcomes, 0), ...bounds });
}

/** @param {Place} place @param {string[]} versions */
function startForm(place, versions) {
  const says = h("div", { role: "status" });
  const version = h("select", { id: "challenger" }, versions.map((one) => h("option", {}, one)));
  const mode = h("select", { id: "mode" }, MODES.map((one) => h("option", { value: one }, t(`trial.mode-${one}`))));
  const start = (/** @type {Event} */ event) => {
    event.preventDefault();
    void ask(place, says, t("trial.start-this", { challenger: version.value }), { method: "POST", path: "/experiments", json: { model: place.name, challenger: version.value, mode: mode.value } });
  };
  return h("form", { class: "row trial-form", onsubmit: start }, h("label", { for: "challenger" }, t("version.name")), version, h("label", { for: "mode" }, t("trial.mode")), mode, h("button", { type: "submit" }, t("trial.start")), says);
}

/** Ask, call, and show the view again. @param {Place} place @param {HTMLElement} says @param {string} question @param {import("./api.js").Call} call */
async function ask(place, says, question, call) {
  if (!(await confirmed(question, t("trial.consequence")))) return;
  await attempt(
    async () => {
      await json(call);
      place.refresh();
    },
    (error) => show(says, problemNotice(error)),
  );
}

/** How many of a list are expected to leave, and what calling so many of them reaches. */

import { barChart } from "./charts.js";
import { h, newId, show } from "./dom.js";
import { number, percent, t } from "./words.js";

/** @typedef {import("./scored-rows.js").Scored} Scored */

const BANDS = /** @type {const} */ (["high", "medium", "low"]);

/** @param {Scored} scored @param {(count: number) => void} cut called with how many are to be called */
export function summaryCards(scored, cut) {
  return h("div", { class: "two even" }, expectedCard(scored), capacityCard(scored, cut));
}

/** @param {Scored} scored */
function expectedCard({ bands, expected, ranked }) {
  const bars = BANDS.map((band) => ({
    label: t(`band.${band}`),
    value: bands[band].count,
    text: t("list.band", { count: number(bands[band].count, 0), left: number(bands[band].expected, 0) }),
    tone: `band-${band}`,
  }));
  return h(
    "section",
    { class: "card" },
    h("h2", {}, t("list.expected")),
    h("p", { class: "figure-line" }, h("strong", { class: "amount" }, number(expected[ranked.length], 0)), h("span", {}, t("list.expected-of", { count: number(ranked.length, 0) }))),
    barChart({ title: t("list.bands"), bars, head: [t("list.band-name"), t("list.customers")] }),
  );
}

/** @param {Scored} scored @param {(count: number) => void} cut */
function capacityCard({ above, expected, ranked }, cut) {
  const id = newId("capacity");
  const says = h("div", { class: "reached", role: "status", "aria-live": "polite" });
  const input = h("input", { id, type: "number", inputmode: "numeric", min: 0, max: ranked.length, step: 1, value: above, class: "amount", oninput: () => reached() });
  const reached = () => {
    const count = Math.min(Math.max(Math.floor(Number(input.value)) || 0, 0), ranked.length);
    const all = expected[ranked.length];
    cut(count);
    if (count === 0) return show(says, h("p", { class: "quiet" }, t("list.nobody")));
    const [left, share] = [number(expected[count], 0), percent(all > 0 ? expected[count] / all : 0)];
    const least = percent(expected[count] - expected[count - 1], 1);
    return show(says, h("p", {}, t("list.reached", { count: number(count, 0), left, share })), h("p", { class: "quiet" }, t("list.least", { least })));
  };
  reached();
  return h("section", { class: "card" }, h("h2", {}, h("label", { for: id }, t("list.capacity"))), input, says, h("p", { class: "quiet small" }, t("list.above", { count: number(above, 0) })));
}

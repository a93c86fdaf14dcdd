/** Choosing a file of customers: dropped, chosen, or made up to try it. */

import { API } from "./api.js";
import { h, save, show } from "./dom.js";
import { explanationOf } from "./models.js";
import { sampleFile } from "./sample-customers.js";
import { bytes, t } from "./words.js";

/** @typedef {import("./start.js").Place} Place */

const SUFFIXES = ".csv,.tsv,.xlsx,.parquet,.pq,.ndjson,.jsonl,.arrow,.arrows,.gz";
const MAX_JOB_BYTES = Number(document.documentElement.dataset.maxJobBytes);

/** @param {Place} place @param {(file: File) => void} take */
export function chooserCard(place, take) {
  const says = h("p", { role: "alert", class: "small" });
  const check = (/** @type {File | undefined} */ file) => {
    if (!file) return;
    if (file.size === 0 || file.size > MAX_JOB_BYTES) show(says, t(file.size === 0 ? "list.empty" : "list.too-large", { size: bytes(file.size), most: bytes(MAX_JOB_BYTES) }));
    else take(file);
  };
  const input = h("input", { id: "list-file", type: "file", accept: SUFFIXES, class: "for-readers", onchange: () => check(input.files?.[0]) });
  const over = (/** @type {boolean} */ now) => zone.classList.toggle("over", now);
  const zone = h(
    "label",
    {
      for: input.id,
      class: "drop",
      ondragover(/** @type {DragEvent} */ event) {
        event.preventDefault();
        over(true);
      },
      ondragleave: () => over(false),
      ondrop(/** @type {DragEvent} */ event) {
        event.preventDefault();
        over(false);
        check(event.dataTransfer?.files[0]);
      },
    },
    h("strong", {}, t("list.drop")),
    h("span", { class: "quiet" }, t("list.formats")),
  );
  const sample = async () => sampleFile(place.model, await explanationOf(place.name, place.summary.live ?? ""));
  return h(
    "section",
    { class: "card" },
    h("div", { class: "dropping" }, input, zone),
    says,
    h("div", { class: "row try" }, h("button", { type: "button", class: "plain", onclick: async () => take(await sample()) }, t("list.sample")), h("button", { type: "button", class: "plain", onclick: async () => save(await sample()) }, t("list.sample-file"))),
    h("p", { class: "quiet small" }, t("list.columns"), " ", h("a", { href: `${API.replace(/\/api\/v1$/, "")}/docs` }, t("footer.docs"))),
  );
}

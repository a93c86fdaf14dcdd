/** To come. */

import { h, show } from "./dom.js";
import { t } from "./words.js";

/** @param {import("./start.js").Place} place */
export async function callListView({ main }) {
  show(main, h("h1", {}, t("nav.list")));
}

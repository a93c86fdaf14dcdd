/** The desk: which view is shown, for which model, in which language. */

import { announcements, json, Problem } from "./api.js";
import { byId, h, show } from "./dom.js";
import { followHealth } from "./health.js";
import { forgetEverything, forgetModels, listModels, modelOf } from "./models.js";
import { attempt, problemNotice } from "./problems.js";
import { currentKey, keepScopes } from "./session.js";
import { showKeyButton, signInForm } from "./sign-in.js";
import { firstLanguage, keepLanguage, speak, t } from "./words.js";

/** @typedef {import("./types").Model} Model */
/** @typedef {import("./types").Summary} Summary */
/**
 * @typedef {object} Place what a view works with
 * @property {Element} main where it is shown
 * @property {string} name the model's
 * @property {Summary} summary
 * @property {Model} model
 * @property {AbortSignal} signal aborted when another view is shown
 * @property {() => void} refresh show the view again, after the models have changed
 */

/** Each view's scripts are loaded when it is first shown. @type {Record<string, () => Promise<(place: Place) => Promise<void>>>} */
const views = {
  customer: async () => (await import("./customer.js")).customerView,
  list: async () => (await import("./call-list.js")).callListView,
  model: async () => (await import("./model.js")).modelView,
  watch: async () => (await import("./watch.js")).watchView,
};
const main = byId("main");
const choice = /** @type {HTMLSelectElement} */ (byId("model"));
let shown = new AbortController();

/** The view and the model of the address: `#/model/telco`. */
function route() {
  const [view, model] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  return { view: view in views ? view : "customer", model: model ?? "" };
}

/** Show what the address says. @param {boolean} [moved] whether the reader came from another view */
async function showView(moved = false) {
  shown.abort();
  shown = new AbortController();
  const { signal } = shown;
  const { view, model } = route();
  for (const link of document.querySelectorAll("#views a")) {
    const own = link.getAttribute("data-view") === view;
    if (own) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    link.setAttribute("href", `#/${link.getAttribute("data-view")}${model ? `/${encodeURIComponent(model)}` : ""}`);
  }
  document.title = `${t(/** @type {import("./words.js").Word} */ (`nav.${view}`))} – ${t("title")}`;
  show(main, h("p", { class: "loading" }, t("loading")));
  await attempt(() => open(view, model, signal), (error) => !signal.aborted && refuse(error));
  if (moved && !signal.aborted) {
    main.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }
}

/** @param {string} view @param {string} named @param {AbortSignal} signal */
async function open(view, named, signal) {
  const summaries = await listModels();
  if (signal.aborted) return;
  const summary = summaries.find((one) => one.name === named) ?? summaries.find((one) => one.default) ?? summaries[0];
  offer(summaries, summary);
  if (!summary) return show(main, empty(t("models.none"), t("models.none.how")));
  if (!summary.ready && view !== "model") return show(main, empty(t("models.not-live", { model: summary.name }), summary.reason ?? t("models.not-live.how")));
  const model = await modelOf(summary.name);
  if (signal.aborted) return;
  if (model.kind === "tensor") return show(main, empty(t("models.tensor", { model: summary.name }), t("models.tensor.how")));
  const showIn = await viewOf(view);
  if (!signal.aborted) await showIn({ main, name: summary.name, summary, model, signal, refresh });
}

/** A view's function. Where its scripts are gone, since the service has been replaced, the page is loaded again. @param {string} view */
async function viewOf(view) {
  try {
    return await views[view]();
  } catch (error) {
    await json({ path: "/health", limit: "none" });
    const [navigation] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
    if (navigation.type !== "reload") location.reload();
    throw error;
  }
}

/** @param {string} title @param {string} how */
function empty(title, how) {
  return h("section", { class: "card empty" }, h("h1", {}, title), h("p", {}, how));
}

/** The models to choose from, and the version that answers. @param {Summary[]} summaries @param {Summary | undefined} own */
function offer(summaries, own) {
  show(choice, summaries.map((one) => h("option", { value: one.name, selected: one === own }, one.name)));
  const label = choice.closest("label");
  if (label) label.hidden = summaries.length < 2;
  const version = byId("version");
  version.hidden = !own?.live;
  const several = summaries.length > 1;
  if (own?.live) version.textContent = t(several ? "model.version" : "version.live", { model: own.name, version: own.live });
}

/** @param {unknown} error */
function refuse(error) {
  if (error instanceof Problem && error.status === 401) show(main, signInForm(error, signedIn));
  else show(main, problemNotice(error, refresh));
}

function signedIn() {
  forgetEverything();
  showKeyButton(signedIn);
  void showView();
}

function refresh() {
  forgetModels();
  void showView();
}

/** What a key that is kept may do. A token cannot ask for this, and finds out when it is refused. */
async function learnScopes() {
  if (currentKey() === null) return;
  await attempt(
    async () => keepScopes((await json({ method: "POST", path: "/token", json: {} })).scope.split(" ")),
    () => keepScopes(null),
  );
}

async function start() {
  await speak(firstLanguage());
  const language = /** @type {HTMLSelectElement} */ (byId("language"));
  language.value = document.documentElement.lang;
  language.addEventListener("change", async () => {
    keepLanguage(language.value);
    await speak(language.value);
    showKeyButton(signedIn);
    forgetModels();
    await showView();
  });
  choice.addEventListener("change", () => {
    location.hash = `#/${route().view}/${encodeURIComponent(choice.value)}`;
  });
  document.querySelector(".skip")?.addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  window.addEventListener("hashchange", () => location.hash.startsWith("#/") && void showView(true));
  announcements.addEventListener("signed-out", (event) => {
    showKeyButton(signedIn);
    if (main.querySelector(".sign-in")) return;
    shown.abort();
    refuse(/** @type {CustomEvent<Problem>} */ (event).detail);
  });
  announcements.addEventListener("waits", (event) => {
    const seconds = /** @type {CustomEvent<number>} */ (event).detail;
    const loading = main.querySelector(".loading");
    if (loading && seconds > 0) show(loading, t("limit.waits", { seconds }));
  });
  showKeyButton(signedIn);
  await learnScopes();
  await showView();
  followHealth(refresh);
}

void start();

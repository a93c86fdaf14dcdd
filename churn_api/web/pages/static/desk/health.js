/** Whether the service is well, and which versions are live: asked again and again while the page can be seen. */

import { announcements, json } from "./api.js";
import { byId, h, show } from "./dom.js";
import { t } from "./words.js";

const EVERY = 15_000;
const WHILE_AWAY = 3_000;

/** @type {string | undefined} */
let live;

/** Follow the service. @param {() => void} changed called when other versions have become live */
export function followHealth(changed) {
  let timer = 0;
  let [away, waiting] = [false, false];
  const look = async () => {
    clearTimeout(timer);
    if (document.visibilityState === "visible" && !waiting) await ask(changed);
    timer = window.setTimeout(look, away ? WHILE_AWAY : EVERY);
  };
  announcements.addEventListener("away", () => {
    away = true;
    say("away", t("health.away"));
    timer = window.setTimeout(look, WHILE_AWAY);
  });
  announcements.addEventListener("back", () => {
    away = false;
    void look();
  });
  announcements.addEventListener("waits", (event) => {
    const seconds = /** @type {CustomEvent<number>} */ (event).detail;
    waiting = seconds > 0;
    if (waiting) say("degraded", t("health.waits", { seconds }));
    else void look();
  });
  document.addEventListener("visibilitychange", look);
  void look();
}

/** @param {() => void} changed */
async function ask(changed) {
  try {
    const health = await json({ path: "/health", limit: "none" });
    say(health.status, t(/** @type {import("./words.js").Word} */ (`health.${health.status}`)));
    const now = JSON.stringify(health.checks?.models?.live ?? null);
    if (live !== undefined && now !== live) changed();
    live = now;
  } catch {
    // That the server is away has been announced; everything else is no answer of a health report.
  }
}

/** @param {string} state @param {string} words */
function say(state, words) {
  const element = byId("health");
  if (element.textContent === words) return;
  element.className = state;
  show(element, h("span", { class: "dot", "aria-hidden": "true" }), words);
}

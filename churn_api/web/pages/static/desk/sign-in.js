/** Signing in with a key, where the service asks for one. */

import { json, Problem } from "./api.js";
import { byId, h, show } from "./dom.js";
import { problemNotice } from "./problems.js";
import { currentKey, signIn, signOut } from "./session.js";
import { t } from "./words.js";

/** The button with which a key is given, or taken away. @param {() => void} changed */
export function showKeyButton(changed) {
  const button = byId("key");
  button.textContent = currentKey() === null ? t("key.give") : t("key.forget");
  button.onclick = () => {
    if (currentKey() === null) return show(byId("main"), signInForm(null, changed));
    signOut();
    return changed();
  };
}

/**
 * A form that asks for a key, and says what was wrong with the one before.
 * @param {Problem | null} problem
 * @param {() => void} done
 */
export function signInForm(problem, done) {
  const input = h("input", { id: "key-text", type: "password", autocomplete: "off", spellcheck: "false", required: true, "aria-describedby": "key-how" });
  const says = h("div", {});
  if (problem && problem.code !== "missing-credentials") show(says, problemNotice(problem));
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const before = currentKey();
    try {
      signIn(input.value.trim(), null);
      signIn(input.value.trim(), await scopesOf());
      done();
    } catch (error) {
      if (before === null) signOut();
      else signIn(before, null);
      show(says, problemNotice(error));
      input.select();
    }
  };
  queueMicrotask(() => input.focus());
  return h(
    "form",
    { class: "card sign-in", onsubmit: submit },
    h("h1", {}, t("key.title")),
    h("p", { id: "key-how" }, t("key.how")),
    h("label", { for: "key-text" }, t("key.label")),
    h("div", { class: "row" }, input, h("button", { type: "submit", class: "first" }, t("key.sign-in"))),
    says,
  );
}

/** What the key may do; null for a token, which cannot ask. @returns {Promise<string[] | null>} */
async function scopesOf() {
  try {
    return (await json({ method: "POST", path: "/token", json: {} })).scope.split(" ");
  } catch (error) {
    if (error instanceof Problem && error.status === 403) return null;
    throw error;
  }
}

/** What the API refuses, as sentences. */

import { announcements, cancelled, Problem } from "./api.js";
import { h } from "./dom.js";
import { byCode, t } from "./words.js";

/** @typedef {import("./api.js").Fault} Fault */

/** One sentence that says what is wrong. @param {unknown} error */
export function sentence(error) {
  if (!(error instanceof Problem)) return t("problem.page");
  const { code, detail, errors, scope, title } = error.body;
  const inFields = code === "validation-failed" && errors !== undefined && errors.length > 0;
  return byCode("problem", inFields ? "fields" : code, detail ?? title ?? code, { detail, scope });
}

/** Where a fault is: a field, a row and a column, or a parameter. @param {Fault} fault */
export function placeOf(fault) {
  if (fault.pointer !== undefined) return fieldOf(fault.pointer).join(" › ");
  if (fault.parameter !== undefined) return fault.parameter;
  return fault.row === undefined ? "" : t("fault.row", { row: fault.row });
}

/** The names of a JSON Pointer in its URI fragment form. @param {string} pointer */
export function fieldOf(pointer) {
  const parts = pointer.replace(/^#?\/?/, "").split("/");
  return parts.map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"));
}

/**
 * What to do about a fault, in one or two sentences: in the page's own words where it has some for the code, with the
 * figures and choices of the API's message. Of its hints only a similar name is kept: the others are about JSON.
 * @param {Fault} fault
 */
export function faultText({ code, hint, message }) {
  const [, kind] = message.match(/^Must be an? (\w+)\.$/) ?? [];
  const [, choices] = message.match(/one of: (.*)\.$/s) ?? [];
  const [, low, high] = message.match(/saw (\S+) to (\S+)\.$/) ?? [];
  const [, bound] = message.match(/at (?:most|least) (\S*\d)/) ?? [];
  const values = { message, choices, low, high, bound };
  const own = byCode("fault", code, "", values);
  const exact = byCode("fault", `${code}.${kind ?? "choice"}`, own, values);
  return exact ? [exact, similarName(hint)].filter(Boolean).join(" ") : [message, hint].filter(Boolean).join(" ");
}

/** @param {string} [hint] */
function similarName(hint) {
  const [, column, name] = hint?.match(/^(?:Column (\d+) is unknown: d|D)id you mean '(.*)'\?$/s) ?? [];
  if (name === undefined) return "";
  return column === undefined ? t("hint.similar", { name }) : t("hint.column", { column, name });
}

/**
 * A problem as a notice, with all its faults, the request's id for whoever looks into it, and a way to try again: this
 * happens by itself once a server that was away is back, and the notice is still shown.
 * @param {unknown} error
 * @param {() => void} [again]
 */
export function problemNotice(error, again) {
  const body = error instanceof Problem ? error.body : null;
  const faults = (body?.errors ?? []).slice(0, 50);
  const notice = h(
    "div",
    { class: "notice bad", role: "alert" },
    h("p", {}, h("strong", {}, sentence(error))),
    faults.length > 0 && h("ul", { class: "faults" }, faults.map(faultItem)),
    body?.more_errors ? h("p", {}, t("fault.more", { count: body.more_errors })) : null,
    body?.request_id ? h("p", { class: "quiet small" }, t("problem.id", { id: body.request_id })) : null,
    again && h("button", { type: "button", onclick: again }, t("again")),
  );
  const isAway = error instanceof Problem && error.unreachable;
  if (isAway && again) announcements.addEventListener("back", () => notice.isConnected && again(), { once: true });
  return notice;
}

/** @param {Fault} fault */
function faultItem(fault) {
  const place = placeOf(fault);
  return h("li", {}, place && h("strong", {}, `${place}: `), faultText(fault));
}

/**
 * Run what may be refused: what is not wanted any more is no problem.
 * @template T
 * @param {() => Promise<T>} work
 * @param {(error: unknown) => void} refused
 */
export async function attempt(work, refused) {
  try {
    return await work();
  } catch (error) {
    if (cancelled(error)) return undefined;
    if (!(error instanceof Problem)) console.error(error);
    refused(error);
    return undefined;
  }
}

/** The request behind a view, as a line for curl and as a program in Python. A key stands in neither. */

import { urlOf } from "./api.js";
import { h, show } from "./dom.js";
import { currentKey } from "./session.js";
import { t } from "./words.js";

/** @typedef {import("./api.js").Call & {file?: string, form?: Record<string, string>}} Shown a call; `file` names a file that is sent */

/**
 * A part that unfolds to the requests of a view. They are written when it is opened.
 * @param {() => Shown[]} calls
 */
export function asCode(calls) {
  const place = h("div", { class: "code" });
  const part = h("details", { class: "as-code" }, h("summary", {}, t("code.title")), place);
  const refresh = () => part.open && show(place, calls().flatMap((call) => [block("curl", curl(call)), block("Python", python(call))]));
  part.addEventListener("toggle", refresh);
  return { element: part, refresh };
}

/** @param {string} title @param {string} text */
function block(title, text) {
  const copied = h("span", { role: "status", class: "quiet small" });
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    copied.textContent = t("code.copied");
  };
  return h(
    "figure",
    {},
    h("figcaption", {}, title, copied, h("button", { type: "button", class: "plain", onclick: copy }, t("code.copy"))),
    h("pre", { tabindex: 0, "aria-label": title }, text),
  );
}

/** @param {Shown} call */
function addressOf(call) {
  return new URL(urlOf(call), location.href).href;
}

/** The headers that a program needs. @param {Shown} call */
function headersOf(call) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (call.json !== undefined) headers["Content-Type"] = "application/json";
  if (call.file && call.type) headers["Content-Type"] = call.type;
  if (call.accept) headers.Accept = call.accept;
  return headers;
}

/** @param {string} text */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A line for a POSIX shell. @param {Shown} call */
export function curl(call) {
  const parts = [`curl -s ${quoted(addressOf(call))}`];
  if (call.method && call.method !== "GET" && !(call.method === "POST" && (call.json !== undefined || call.file))) parts.push(`-X ${call.method}`);
  if (currentKey() !== null) parts.push('-H "X-API-Key: $KEY"');
  for (const [name, value] of Object.entries(headersOf(call))) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (call.json !== undefined) parts.push(`-d ${quoted(JSON.stringify(call.json))}`);
  if (call.form) {
    if (call.file) parts.push(`-F ${quoted(`file=@${call.file}`)}`);
    for (const [name, value] of Object.entries(call.form)) parts.push(`-F ${quoted(`${name}=${value}`)}`);
  } else if (call.file) parts.push(`--data-binary ${quoted(`@${call.file}`)}`);
  return parts.join(" \\\n  ");
}

/** A program that needs the package `requests`. @param {Shown} call */
export function python(call) {
  const method = (call.method ?? "GET").toLowerCase();
  const headers = Object.entries(headersOf(call)).filter(([name]) => !(name === "Content-Type" && call.json !== undefined));
  const shown = headers.map(([name, value]) => `${literal(name)}: ${literal(value)}`);
  if (currentKey() !== null) shown.push(`"X-API-Key": os.environ["KEY"]`);
  const lines = [`    ${literal(addressOf(call))},`];
  if (shown.length > 0) lines.push(`    headers={${shown.join(", ")}},`);
  if (call.json !== undefined) lines.push(`    json=${literal(call.json)},`);
  if (call.form && call.file) lines.push(`    files={"file": open(${literal(call.file)}, "rb")},`, `    data=${literal(call.form)},`);
  else if (call.file) lines.push(`    data=open(${literal(call.file)}, "rb"),`);
  const imports = currentKey() === null ? "import requests" : "import os\n\nimport requests";
  return `${imports}\n\nresponse = requests.${method}(\n${lines.join("\n")}\n    timeout=30,\n)\nprint(response.text)`;
}

/** A value as Python writes it. @param {unknown} value @returns {string} */
export function literal(value) {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  // A string of JSON is one of Python: its escapes are a part of Python's.
  if (typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  return `{${Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${literal(item)}`).join(", ")}}`;
}

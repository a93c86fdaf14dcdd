/** Words in the reader's language, and numbers and dates as that language writes them. */

/** @typedef {keyof typeof import("./words/en.json")} Word */

const KEPT = "churn-desk-language";

/** @type {Record<string, string>} */
let words = {};
let language = document.documentElement.lang;

/** The language to begin with: what the reader chose before, or what the server chose by `Accept-Language`. */
export function firstLanguage() {
  const kept = localStorage.getItem(KEPT);
  const known = [...document.querySelectorAll("#language option")].map((option) => option.getAttribute("value"));
  return kept !== null && known.includes(kept) ? kept : document.documentElement.lang;
}

/** Load a language, and put its words into the frame. @param {string} code */
export async function speak(code) {
  const answer = await fetch(`${document.documentElement.dataset.words}/${code}.json`);
  words = await answer.json();
  language = document.documentElement.lang = code;
  for (const element of document.querySelectorAll("[data-word]")) {
    element.textContent = words[element.getAttribute("data-word") ?? ""] ?? "";
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", words[element.getAttribute("data-label") ?? ""] ?? "");
  }
}

/** Keep a choice for the next visit. @param {string} code */
export function keepLanguage(code) {
  localStorage.setItem(KEPT, code);
}

/** The code of the language, as `Accept-Language` takes it. */
export function languageCode() {
  return language;
}

/**
 * A sentence with its names in braces filled in.
 * @param {Word} word
 * @param {Record<string, string | number>} [values]
 */
export function t(word, values = {}) {
  const sentence = words[word] ?? word;
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(values, name) ? String(values[name]) : whole));
}

/**
 * The sentence of a code that the API answered; what it answered itself where there is none, or a name is not filled in.
 * @param {string} prefix
 * @param {string} code
 * @param {string} otherwise
 * @param {Record<string, string | undefined>} [values]
 */
export function byCode(prefix, code, otherwise, values = {}) {
  const sentence = words[`${prefix}.${code}`] ?? otherwise;
  const names = [...sentence.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
  if (names.some((name) => values[name] === undefined)) return otherwise;
  return sentence.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** A number. @param {number} value @param {number} [digits] at most so many after the mark */
export function number(value, digits = 2) {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
}

/** A number as it is typed: all its digits, with the mark of the language. @param {number} value */
export function written(value) {
  return String(value).replace(".", fixed(0, 1).charAt(1));
}

/** A number with exactly so many digits. @param {number} value @param {number} digits */
export function fixed(value, digits) {
  return new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

/** A share as per cent. @param {number} share @param {number} [digits] */
export function percent(share, digits = 0) {
  const format = { style: /** @type {const} */ ("percent"), minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(language, format).format(share);
}

/** A number with its sign. @param {number} value @param {number} [digits] */
export function signed(value, digits = 1) {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits, signDisplay: "exceptZero" }).format(value);
}

/** A day. @param {string | Date} when */
export function day(when) {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(new Date(when));
}

/** A day and a time. @param {string | Date} when */
export function moment(when) {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(when));
}

/** Bytes, in the unit that suits them. @param {number} count */
export function bytes(count) {
  const step = count < 1e6 ? "kilobyte" : count < 1e9 ? "megabyte" : "gigabyte";
  const size = { kilobyte: 1e3, megabyte: 1e6, gigabyte: 1e9 }[step];
  return new Intl.NumberFormat(language, { style: "unit", unit: step, maximumFractionDigits: 1 }).format(count / size);
}

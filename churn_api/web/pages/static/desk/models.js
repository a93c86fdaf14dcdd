/**
 * What the API says of models, asked once. A report and an explanation of a version never change: they are kept until
 * the tab is closed, so that reading the page again costs two of the calls that the limit allows.
 */

import { forgetLimits, json, Problem } from "./api.js";

/** @typedef {import("./types").Model} Model */
/** @typedef {import("./types").Report} Report */
/** @typedef {import("./types").Explanation} Explanation */
/** @typedef {import("./types").Summary} Summary */
/** @typedef {import("./types").Feature} Feature */

/** @type {Map<string, Promise<any>>} */
const asked = new Map();

const KEPT = "churn-desk-asked ";

/** Forget what may have changed, because another version answers. */
export function forgetModels() {
  asked.clear();
}

/** Forget everything, because another caller asks. */
export function forgetEverything() {
  forgetModels();
  forgetLimits();
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(KEPT)) sessionStorage.removeItem(name);
}

/** @param {string} path @param {Record<string, string>} [query] @returns {Promise<any>} */
function once(path, query = {}) {
  const name = `${path}?${new URLSearchParams(query)}`;
  const known = asked.get(name);
  if (known) return known;
  const answer = json({ path, query });
  asked.set(name, answer);
  answer.catch(() => asked.delete(name));
  return answer;
}

/** The path of a model. @param {string} model */
export function pathOf(model) {
  return `/models/${encodeURIComponent(model)}`;
}

/** All models. @returns {Promise<Summary[]>} */
export async function listModels() {
  return (await once("/models")).models;
}

/** A model with its live version's card. @param {string} model @returns {Promise<Model>} */
export function modelOf(model) {
  return once(pathOf(model));
}

/** What was measured of a version; null where nothing was. @param {string} model @param {string} version @returns {Promise<Report | null>} */
export function reportOf(model, version) {
  return lasting(`${pathOf(model)}/report`, version, "unknown-report");
}

/** What moves a version's predictions; null where that is not known. @param {string} model @param {string} version @returns {Promise<Explanation | null>} */
export function explanationOf(model, version) {
  return lasting(`${pathOf(model)}/explanation`, version, "unknown-explanation");
}

/**
 * What never changes of a version; null where the API has a code for that there is none.
 * @param {string} path
 * @param {string} version
 * @param {string} none
 */
async function lasting(path, version, none) {
  const name = `${KEPT}${path} ${version}`;
  const kept = sessionStorage.getItem(name);
  if (kept !== null) return JSON.parse(kept);
  const answer = await orNull(none, once(path, { version }));
  try {
    sessionStorage.setItem(name, JSON.stringify(answer));
  } catch {
    // The storage is full: then it is asked for again.
  }
  return answer;
}

/**
 * @template T
 * @param {string} code
 * @param {Promise<T>} answer
 */
async function orNull(code, answer) {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Problem && error.code === code) return null;
    throw error;
  }
}

/** What people call a feature. @param {Feature} feature */
export function labelOf(feature) {
  const label = feature.label || feature.name;
  return feature.unit ? `${label} (${feature.unit})` : label;
}

/** What people call the features of a name, which may be a group's. @param {Model} model @param {string} name */
export function labelByName(model, name) {
  const feature = model.signature.features.find((one) => one.name === name);
  if (feature) return labelOf(feature);
  const members = model.signature.features.filter((one) => one.group === name);
  return members.length > 0 ? members.map((one) => one.label || one.name).join(" + ") : name;
}

/** Calls of the API: with the caller's key, cancelled when they are not wanted any more, within the limits. */

import { currentKey } from "./session.js";
import { transmit } from "./upload.js";
import { languageCode } from "./words.js";

/** @typedef {{pointer?: string, parameter?: string, row?: number, line?: number, column?: string, code: string, message: string, hint?: string}} Fault */
/** @typedef {{title?: string, status: number, code: string, detail?: string, errors?: Fault[], more_errors?: number, scope?: string, request_id?: string}} ProblemBody */
/**
 * @typedef {object} Call
 * @property {string} [method]
 * @property {string} path below /api/v1
 * @property {Record<string, string | number | undefined>} [query]
 * @property {unknown} [json]
 * @property {BodyInit} [body]
 * @property {string} [type] media type of the body
 * @property {string} [accept]
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 * @property {"predict" | "batch" | "management" | "none"} [limit]
 * @property {(share: number) => void} [sent] called as the body is sent, with its share from 0 to 1
 */

export const API = document.documentElement.dataset.api ?? "";
const UNREACHABLE = 0;
const MAX_TRIES = 4;
const LONGEST_WAIT = 90;

/** Says `away` and `back` when the server cannot be reached, and can again; `waits` with seconds; `signed-out`. */
export const announcements = new EventTarget();
let away = false;

/** What the API refused, or that it cannot be reached. */
export class Problem extends Error {
  /** @param {ProblemBody} body */
  constructor(body) {
    super(body.detail ?? body.title ?? body.code);
    this.body = body;
  }

  get status() {
    return this.body.status;
  }

  get code() {
    return this.body.code;
  }

  get unreachable() {
    return this.body.status === UNREACHABLE;
  }
}

const KEPT = "churn-desk-limits";
const SAME_WINDOW = 2000;
/** @typedef {{left: number, until: number, from: number}} Known calls that are left, until a time of the clock, and the time from which the next is allowed */

/** What is known of each limit. It is kept over a reload, after which as much of a limit is used up as before. @type {Record<string, Known>} */
let limits = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");

/** Another caller has limits of their own. */
export function forgetLimits() {
  limits = {};
  sessionStorage.removeItem(KEPT);
}

/** What is known of a limit, until it begins again. @param {string} limit */
function knownOf(limit) {
  const known = limits[limit];
  return known && known.until > Date.now() ? known : null;
}

/** Wait until a limit allows a call, and count it, before its answer does. @param {string} limit @param {AbortSignal} [signal] */
async function takeTurn(limit, signal) {
  for (;;) {
    const known = knownOf(limit);
    const wait = known ? (known.left > 0 ? known.from : known.until) - Date.now() : 0;
    if (wait > 0) await pause(wait, signal);
    else return known && keepLimit(limit, { ...known, left: known.left - 1 });
  }
}

/**
 * Call the API, and return the response, whose status is below 400. It waits where the limit is used up, and tries again
 * what the server refused for the moment. Throws Problem, or AbortError.
 * @param {Call} call
 * @returns {Promise<Response>}
 */
export async function request(call) {
  const limit = call.limit ?? "management";
  for (let tries = 1; ; tries += 1) {
    await takeTurn(limit, call.signal);
    const response = await send(call);
    noteLimit(limit, response);
    if (response.ok) return response;
    const problem = await problemOf(response);
    const seconds = Number(response.headers.get("Retry-After") ?? NaN);
    const again = response.status === 429 || response.status === 503;
    if (!again || !(seconds <= LONGEST_WAIT) || tries === MAX_TRIES) {
      if (response.status === 401) announcements.dispatchEvent(new CustomEvent("signed-out", { detail: problem }));
      throw problem;
    }
    keepLimit(limit, { left: 0, until: Date.now() + Math.max(seconds, 1) * 1000, from: 0 });
  }
}

/** The JSON that the API answers. @param {Call} call @returns {Promise<any>} */
export async function json(call) {
  return (await request(call)).json();
}

/** @param {Call} call */
export function urlOf(call) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(call.query ?? {})) if (value !== undefined) query.set(name, String(value));
  return `${API}${call.path}${query.size ? `?${query}` : ""}`;
}

/** @param {Call} call */
async function send(call) {
  /** @type {Record<string, string>} */
  const headers = { Accept: call.accept ?? "application/json", "Accept-Language": languageCode(), ...call.headers };
  const key = currentKey();
  if (key !== null) headers.Authorization = `Bearer ${key}`;
  const type = call.json === undefined ? call.type : "application/json";
  if (type) headers["Content-Type"] = type;
  const body = call.json === undefined ? call.body : JSON.stringify(call.json);
  const options = { method: call.method ?? "GET", headers, body, signal: call.signal };
  try {
    const response = await (call.sent ? transmit(urlOf(call), options, call.sent) : fetch(urlOf(call), options));
    setAway(false);
    return response;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    setAway(true);
    throw new Problem({ status: UNREACHABLE, code: "unreachable" });
  }
}

/** @param {boolean} now */
function setAway(now) {
  if (now === away) return;
  away = now;
  announcements.dispatchEvent(new Event(now ? "away" : "back"));
}

/** @param {string} limit @param {Known} known */
function keepLimit(limit, known) {
  limits[limit] = known;
  sessionStorage.setItem(KEPT, JSON.stringify(limits));
}

/**
 * Once a limit has nothing left, the next call waits until it begins again. The last fifth of the predictions is spread
 * over the time that is left, so that a slider that is moved for long becomes slower and never stands still.
 * @param {string} limit
 * @param {Response} response
 */
function noteLimit(limit, response) {
  const [total, remaining, reset] = ["Limit", "Remaining", "Reset"].map((name) =>
    Number(response.headers.get(`RateLimit-${name}`) ?? NaN),
  );
  // Failed attempts to sign in have a limit of their own.
  if (!(reset > 0) || response.status === 401) return;
  const [now, known] = [Date.now(), knownOf(limit)];
  const until = now + reset * 1000;
  // Later calls are counted already.
  const left = known && Math.abs(known.until - until) < SAME_WINDOW ? Math.min(known.left, remaining) : remaining;
  const spread = limit === "predict" && remaining > 0 && remaining < total / 5;
  keepLimit(limit, { left, until, from: spread ? now + (reset * 1000) / remaining : 0 });
}

/** @param {Response} response */
async function problemOf(response) {
  const fallback = { status: response.status, code: String(response.status), detail: response.statusText };
  try {
    return new Problem({ ...fallback, ...(await response.json()) });
  } catch {
    return new Problem(fallback);
  }
}

/** @param {number} milliseconds @param {AbortSignal} [signal] */
async function pause(milliseconds, signal) {
  if (!(milliseconds > 0)) return;
  const long = milliseconds > 1500;
  if (long) announcements.dispatchEvent(new CustomEvent("waits", { detail: Math.ceil(milliseconds / 1000) }));
  await new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("not wanted any more", "AbortError"));
    });
  });
  if (long) announcements.dispatchEvent(new CustomEvent("waits", { detail: 0 }));
}

/** Whether a call ended because it was not wanted any more. @param {unknown} error */
export function cancelled(error) {
  return error instanceof DOMException && error.name === "AbortError";
}

/** How a file is scored: at once where it is small, else as a job, which is followed again after a reload. */

import { json, Problem, request } from "./api.js";
import { readScored } from "./scored-rows.js";
import { bytes, number, t } from "./words.js";

/** @typedef {import("./start.js").Place} Place */
/** @typedef {import("./types").Job} Job */
/** @typedef {import("./api.js").Fault} Fault */
/** @typedef {import("./code.js").Shown} Shown */
/** @typedef {NonNullable<Job["call_list"]>} CallList */
/** @typedef {{capacity?: number, budget?: number, control_share?: number}} CallListWish */
/** @typedef {{id: string, file: string}} KeptJob */
/** @typedef {(words: string, share?: number) => void} Report is called with what is done now, and its share where that is known */
/**
 * @typedef {object} List
 * @property {string} file name of the file
 * @property {string} version of the model
 * @property {import("./scored-rows.js").Scored} scored
 * @property {Fault[]} faults
 * @property {number} moreFaults
 * @property {boolean} byJob
 * @property {File | null} source the file, unless the page has been loaded again
 * @property {CallList | null} calls what a list by gain amounts to
 */

const { maxRows, maxBytes } = document.documentElement.dataset;
const NDJSON = "application/x-ndjson";
const REASONS = 3;
const FORM_BYTES = 4096;
const [EVERY, WHILE_AWAY] = [700, 3000];
const NEWLINE = 10;

/** @param {Place} place @param {File} file @param {AbortSignal} signal @param {Report} report @returns {Promise<List | null>} */
export async function scoreFile(place, file, signal, report) {
  if (await isSmall(file)) {
    try {
      return await scoreAtOnce(place, file, signal, report);
    } catch (error) {
      if (!(error instanceof Problem && error.code === "too-large")) throw error;
    }
  }
  return scoreByJob(place, file, signal, report);
}

/**
 * Score a file as a job; with a wish the result is a call list, in the order of the gain.
 * @param {Place} place
 * @param {File} file
 * @param {AbortSignal} signal
 * @param {Report} report
 * @param {CallListWish} [wish]
 * @returns {Promise<List | null>}
 */
export async function scoreByJob(place, file, signal, report, wish) {
  const body = formOf(file, { ...jobForm(place), ...(wish && { call_list: JSON.stringify(wish) }) });
  const sent = (/** @type {number} */ share) => report(t("list.sending", { size: bytes(file.size) }), share);
  const job = { id: (await (await request({ method: "POST", path: "/jobs", body, signal, sent })).json()).id, file: file.name };
  keepJob(place.name, job);
  const list = await followJob(job, signal, report);
  return list && { ...list, source: file };
}

/** Whether a file may fit into one request; of a workbook or Parquet only its size is known here. @param {File} file */
async function isSmall(file) {
  if (file.size > Number(maxBytes) - FORM_BYTES) return false;
  if (!/\.(csv|tsv|ndjson|jsonl)$/i.test(file.name)) return true;
  let lines = 0;
  for (const byte of new Uint8Array(await file.arrayBuffer())) if (byte === NEWLINE) lines += 1;
  return lines <= Number(maxRows) + 1;
}

/** @param {Place} place @param {File} file @param {AbortSignal} signal @param {Report} report @returns {Promise<List>} */
async function scoreAtOnce(place, file, signal, report) {
  report(t("list.scoring"));
  const call = { ...batchCall(place), body: formOf(file, {}), signal };
  const answer = await request(call);
  const scored = await readScored(await answer.blob(), signal);
  const told = scored.bad.length > 0 ? await json({ ...call, accept: "application/json" }) : {};
  const version = answer.headers.get("Churn-Model-Version") ?? "";
  return { file: file.name, version, scored, faults: told.errors ?? [], moreFaults: told.more_errors ?? 0, byJob: false, source: file, calls: null };
}

/** Wait for a job's end, and read its result; null where it was cancelled. Throws Problem. @param {KeptJob} kept @param {AbortSignal} signal @param {Report} report @returns {Promise<List | null>} */
export async function followJob(kept, signal, report) {
  for (;;) {
    const job = await jobOf(kept, signal);
    if (job?.state === "succeeded") return resultOf(job, kept, signal, report);
    if (job?.state === "cancelled") return null;
    if (job?.state === "failed") throw new Problem({ status: 422, code: String(job.reason?.code), detail: String(job.reason?.detail) });
    if (job) report(...wordsOf(job));
    await new Promise((resolve) => setTimeout(resolve, job ? EVERY : WHILE_AWAY));
    signal.throwIfAborted();
  }
}

/** The job; null while the server cannot be reached. @param {KeptJob} kept @param {AbortSignal} signal @returns {Promise<Job | null>} */
async function jobOf({ id }, signal) {
  try {
    return await json({ path: `/jobs/${id}`, signal });
  } catch (error) {
    if (error instanceof Problem && error.unreachable) return null;
    throw error;
  }
}

/** @param {Job} job @returns {[string, number | undefined]} */
function wordsOf(job) {
  if (job.state === "queued") return [t("list.queued"), undefined];
  const left = job.seconds_left === null ? "" : t("list.left", { seconds: number(job.seconds_left, 0) });
  return [`${t("list.running", { rows: number(job.rows, 0) })} ${left}`, job.percent / 100];
}

/** @param {Job} job @param {KeptJob} kept @param {AbortSignal} signal @param {Report} report @returns {Promise<List>} */
async function resultOf(job, { file }, signal, report) {
  report(t("list.reading", { rows: number(job.rows, 0) }));
  const path = `/jobs/${job.id}`;
  const result = await request({ path: `${path}/result`, accept: NDJSON, signal });
  const scored = await readScored(await result.blob(), signal);
  const faults = job.bad_rows > 0 ? await (await request({ path: `${path}/errors`, accept: NDJSON, signal })).text() : "";
  return { file, version: job.version, scored, faults: faults.split("\n").filter(Boolean).map((line) => JSON.parse(line)), moreFaults: job.more_errors, byJob: true, source: null, calls: job.call_list ?? null };
}

/** Cancel a job, whatever comes of it. @param {KeptJob} job */
export async function cancelJob({ id }) {
  await request({ method: "DELETE", path: `/jobs/${id}` }).catch(() => {});
}

/** @param {Place} place @returns {import("./api.js").Call} */
function batchCall(place) {
  const query = { on_error: "skip", keep: "all", reasons: reasonsOf(place) };
  return { method: "POST", path: `/batch-predict/${encodeURIComponent(place.name)}`, query, accept: NDJSON, limit: "batch" };
}

/** @param {Place} place @returns {Record<string, string>} */
function jobForm(place) {
  const reasons = reasonsOf(place);
  return { model: place.name, on_error: "skip", keep: "all", result_format: "ndjson", ...(reasons && { reasons: String(reasons) }) };
}

/** @param {Place} place */
function reasonsOf({ model }) {
  return model.reasons && !model.without_reasons ? REASONS : undefined;
}

/** @param {File} file @param {Record<string, string>} members */
function formOf(file, members) {
  const form = new FormData();
  for (const [name, value] of Object.entries(members)) form.append(name, value);
  form.append("file", file);
  return form;
}

/** The requests that made a list. @param {Place} place @param {List} list @returns {Shown[]} */
export function callsOf(place, { file, byJob, calls }) {
  if (!byJob) return [{ ...batchCall(place), form: {}, file }];
  const job = keptJob(place.name)?.id ?? "ID";
  return [{ method: "POST", path: "/jobs", form: { ...jobForm(place), ...(calls && { call_list: JSON.stringify(wishOf(calls)) }) }, file }, { path: `/jobs/${job}/result` }];
}

/** What was asked for. @param {CallList} calls @returns {CallListWish} */
function wishOf({ capacity, budget, control_share }) {
  return { ...(capacity !== null && { capacity }), ...(budget !== null && { budget }), control_share };
}

const KEPT = "churn-desk-job ";

/** The job of a model's list, kept until the tab is closed. @param {string} model @returns {KeptJob | null} */
export function keptJob(model) {
  return JSON.parse(sessionStorage.getItem(KEPT + model) ?? "null");
}

/** @param {string} model @param {KeptJob | null} job */
export function keepJob(model, job) {
  if (job) sessionStorage.setItem(KEPT + model, JSON.stringify(job));
  else sessionStorage.removeItem(KEPT + model);
}

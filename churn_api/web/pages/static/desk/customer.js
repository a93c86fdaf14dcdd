/** One customer: a control for each feature, and the answer beside them as they change. */

import { answerPanel } from "./answer.js";
import { cancelled, json, Problem } from "./api.js";
import { asCode } from "./code.js";
import { h, show } from "./dom.js";
import { fieldOf } from "./fields.js";
import { explanationOf, labelOf, reportOf } from "./models.js";
import { fieldOf as pointerOf } from "./problems.js";
import { known, readPasted, usualValue } from "./values.js";
import { t } from "./words.js";

/** @typedef {import("./types").Customer} Customer */
/** @typedef {import("./types").Value} Value */
/** @typedef {import("./types").Feature} Feature */
/** @typedef {import("./types").Explanation} Explanation */
/** @typedef {import("./start.js").Place} Place */
/** @typedef {import("./fields.js").Field} Field */

const PAUSE = 120;
const REASONS = 6;
const CHANGES = 3;
const STRONGEST = 6;
const MANY = 16;

/** What was entered for each model, while the page is open. @type {Map<string, Customer>} */
const entered = new Map();

/** @param {Place} place */
export async function customerView(place) {
  const version = place.summary.live ?? "";
  const [explanation, report] = await Promise.all([explanationOf(place.name, version), reportOf(place.name, version)]);
  if (place.signal.aborted) return;
  const form = customerForm(place, explanation);
  const panel = answerPanel(place.model, report, (changes) => form.write({ ...form.read(), ...changes }));
  const code = asCode(() => [callOf(place, form.read())]);
  const ask = asking(place, form, panel, code.refresh);
  form.onChange = ask;
  form.write(entered.get(place.name) ?? usualCustomer(place.model.signature.features, explanation));
  const answer = h("section", { class: "card answer", "aria-label": t("answer.title"), "data-busy": "" }, panel.element, code.element);
  panel.root = answer;
  new ResizeObserver(() => answer.style.setProperty("--tall", `${answer.offsetHeight}px`)).observe(answer);
  show(place.main, h("h1", {}, t("customer.title")), h("p", { class: "lead" }, t("customer.lead")), h("div", { class: "two" }, form.element, answer));
}

/** @param {Feature[]} features @param {Explanation | null} explanation @returns {Customer} */
function usualCustomer(features, explanation) {
  const usual = features.map((feature) => /** @type {const} */ ([feature.name, usualValue(feature, explanation)]));
  return Object.fromEntries(usual.filter(([, value]) => value !== ""));
}

/** @param {Place} place @param {Customer} customer */
function callOf(place, customer) {
  const { model } = place;
  const explained = model.reasons !== null && model.reasons !== undefined && !model.without_reasons;
  const actionable = model.signature.features.some((feature) => feature.actionable);
  const query = { reasons: explained ? REASONS : undefined, what_if: actionable ? CHANGES : undefined };
  return { method: "POST", path: `/predict/${encodeURIComponent(place.name)}`, query, json: customer, limit: /** @type {const} */ ("predict") };
}

/**
 * A function that asks for the answer a moment after the last change; an answer to what was entered before is dropped.
 * @param {Place} place
 * @param {ReturnType<typeof customerForm>} form
 * @param {ReturnType<typeof answerPanel>} panel
 * @param {() => void} answered
 */
function asking(place, form, panel, answered) {
  let timer = 0;
  let last = new AbortController();
  place.signal.addEventListener("abort", () => {
    clearTimeout(timer);
    last.abort();
  });
  const ask = async () => {
    last.abort();
    last = new AbortController();
    const customer = form.read();
    entered.set(place.name, customer);
    try {
      const prediction = await json({ ...callOf(place, customer), signal: last.signal });
      form.mark([], prediction.warnings ?? []);
      panel.answer(prediction);
    } catch (error) {
      if (cancelled(error)) return;
      const faults = error instanceof Problem ? (error.body.errors ?? []) : [];
      const others = form.mark(faults, []);
      panel.refuse(error, faults.length - others.length, ask);
    }
    answered();
  };
  return () => {
    clearTimeout(timer);
    panel.wait();
    timer = window.setTimeout(ask, PAUSE);
  };
}

/**
 * The controls in sections, and ways to fill them at once.
 * @param {Place} place
 * @param {Explanation | null} explanation
 */
function customerForm(place, explanation) {
  const { features } = place.model.signature;
  const fields = new Map(features.map((feature) => [feature.name, fieldOf(feature, () => form.onChange())]));
  const identifier = h("input", { id: "customer-id", type: "text", maxlength: 128, autocomplete: "off", oninput: () => form.onChange() });
  const form = {
    element: h("form", { class: "customer", onsubmit: (/** @type {Event} */ event) => event.preventDefault() }),
    onChange: () => {},
    /** @returns {Customer} */
    read() {
      /** @type {[string, Value][]} */
      const entries = identifier.value === "" ? [] : [["customer_id", identifier.value]];
      for (const [name, field] of fields) {
        const value = field.read();
        if (value !== undefined) entries.push([name, value]);
      }
      return Object.fromEntries(entries);
    },
    /** @param {Customer} customer */
    write(customer) {
      for (const [name, field] of fields) field.write(known(customer, name));
      identifier.value = String(known(customer, "customer_id") ?? "");
      form.onChange();
    },
    /** Put faults and warnings at their fields, and return the faults that have none. @param {import("./api.js").Fault[]} faults @param {import("./api.js").Fault[]} warnings */
    mark(faults, warnings) {
      const [wrong, doubtful] = [faults, warnings].map((list) => new Map(list.map((fault) => [pointerOf(fault.pointer ?? "")[0], fault])));
      for (const [name, field] of fields) field.mark(wrong.get(name) ?? null, doubtful.get(name) ?? null);
      return faults.filter((fault) => !fields.has(pointerOf(fault.pointer ?? "")[0]));
    },
  };
  const label = h("label", { for: "customer-id" }, t("customer.id"), h("span", { class: "quiet" }, ` ${t("field.optional")}`));
  show(
    form.element,
    h("section", { class: "card fill" }, h("div", { class: "field" }, label, identifier), pasting(place, form), usualButton(form, features, explanation)),
    sections(features, explanation).map(({ title, members }) => section(title, members, fields)),
    features.some((feature) => feature.required) && h("p", { class: "quiet small" }, t("field.required-mark")),
  );
  return form;
}

/** @param {{write: (customer: Customer) => void}} form @param {Feature[]} features @param {Explanation | null} explanation */
function usualButton(form, features, explanation) {
  return h("button", { type: "button", class: "plain", onclick: () => form.write(usualCustomer(features, explanation)) }, t("customer.usual"));
}

/** First what moves predictions most, then the others: of 300 features few matter. @param {Feature[]} features @param {Explanation | null} explanation */
function sections(features, explanation) {
  const ranked = [...(explanation?.features ?? [])].sort((one, other) => other.importance - one.importance).slice(0, STRONGEST);
  const names = ranked.map((one) => one.feature);
  const strongest = names.flatMap((name) => features.filter((feature) => feature.name === name));
  if (strongest.length === 0 || features.length <= STRONGEST + 2) return [{ title: t("customer.features"), members: features }];
  const others = features.filter((feature) => !names.includes(feature.name));
  return [
    { title: t("customer.strongest"), members: strongest },
    { title: t("customer.others"), members: others },
  ];
}

/** @param {string} title @param {Feature[]} members @param {Map<string, Field>} fields */
function section(title, members, fields) {
  const elements = members.map((feature) => /** @type {const} */ ([labelOf(feature).toLowerCase(), /** @type {Field} */ (fields.get(feature.name)).element]));
  const search = h("input", {
    type: "search",
    placeholder: t("customer.search"),
    "aria-label": t("customer.search"),
    oninput() {
      for (const [label, element] of elements) element.hidden = !label.includes(search.value.toLowerCase());
    },
  });
  return h("fieldset", { class: "card" }, h("legend", {}, title), members.length > MANY && search, h("div", { class: "fields" }, elements.map(([, element]) => element)));
}

/** A place to paste a row or JSON. @param {Place} place @param {{write: (customer: Customer) => void}} form */
function pasting(place, form) {
  const says = h("p", { role: "status", class: "small" });
  const area = h("textarea", { rows: 4, spellcheck: "false", "aria-label": t("paste.title"), placeholder: t("paste.example") });
  const take = () => {
    const read = readPasted(area.value.trim(), place.model);
    if (!read) return show(says, t("paste.unreadable"));
    form.write(read.customer);
    return show(says, read.left.length > 0 ? t("paste.left", { count: read.left.length, names: read.left.slice(0, 5).join(", ") }) : t("paste.taken"));
  };
  area.addEventListener("paste", () => setTimeout(take));
  return h("details", { class: "paste" }, h("summary", {}, t("paste.title")), h("p", { class: "quiet small" }, t("paste.how")), area, h("div", { class: "row" }, h("button", { type: "button", onclick: take }, t("paste.take")), says));
}


/** A control for each feature of a signature. */

import { h, newId, show } from "./dom.js";
import { labelOf } from "./models.js";
import { faultText } from "./problems.js";
import { dateBefore, isTrue } from "./values.js";
import { number, t, written } from "./words.js";

/** @typedef {import("./types").Feature} Feature */
/** @typedef {import("./types").Value} Value */
/** @typedef {import("./api.js").Fault} Fault */
/**
 * @typedef {object} Field
 * @property {HTMLElement} element
 * @property {string} name
 * @property {() => Value | undefined} read undefined where the value is not known
 * @property {(value: Value | undefined) => void} write
 * @property {(fault: Fault | null, warning: Fault | null) => void} mark
 */
/** @typedef {{element: HTMLElement, focus: HTMLElement, read: () => Value | undefined, write: (value: Value | undefined) => void}} Control */

const UNKNOWN = "";

/** @param {Feature} feature @param {() => void} changed @returns {Field} */
export function fieldOf(feature, changed) {
  const id = newId("field");
  const control = controlOf(feature, id, changed);
  const says = h("p", { id: `${id}-says`, class: "says", "aria-live": "polite" });
  const hint = feature.description && h("p", { id: `${id}-hint`, class: "quiet small" }, feature.description);
  control.focus.setAttribute("aria-describedby", `${id}-says${hint ? ` ${id}-hint` : ""}`);
  if (feature.required) control.focus.setAttribute("aria-required", "true");
  const label = h("label", { for: control.focus.id }, labelOf(feature), feature.required ? h("span", { class: "required", title: t("field.required"), "aria-hidden": "true" }, " *") : null);
  const element = h("div", { class: "field", "data-name": feature.name }, label, control.element, hint || null, says);
  return {
    element,
    name: feature.name,
    read: control.read,
    write: control.write,
    mark(fault, warning) {
      element.classList.toggle("faulty", fault !== null);
      element.classList.toggle("doubtful", fault === null && warning !== null);
      control.focus.setAttribute("aria-invalid", String(fault !== null));
      const one = fault ?? warning;
      show(says, one ? faultText(one) : null);
    },
  };
}

/** @param {Feature} feature @param {string} id @param {() => void} changed @returns {Control} */
function controlOf(feature, id, changed) {
  if (feature.choices && !(feature.type === "string" && feature.unseen === "accept")) return choiceControl(feature, id, changed);
  if (feature.type === "boolean") return feature.required ? switchControl(feature, id, changed) : choiceControl({ ...feature, choices: feature.labels ?? ["true", "false"] }, id, changed);
  if (feature.type === "integer" || feature.type === "number") return numberControl(feature, id, changed);
  return feature.type === "date" ? dateControl(feature, id, changed) : textControl(feature, id, changed);
}

/** @param {Feature} feature @param {string} id @param {() => void} changed @returns {Control} */
function choiceControl(feature, id, changed) {
  const isBoolean = feature.type === "boolean";
  const choices = feature.choices ?? [];
  const select = h("select", { id, onchange: changed });
  /** @param {string | number} choice @param {number} place */
  const shown = (choice, place) => (isBoolean ? t(place === 0 ? "yes" : "no") : String(choice));
  show(select, !feature.required && h("option", { value: UNKNOWN }, t("field.unknown")), choices.map((choice, place) => h("option", { value: `c${place}` }, shown(choice, place))));
  /** @type {Value | undefined} a value that is none of the choices: the API says so */
  let other;
  return {
    element: select,
    focus: select,
    read() {
      if (select.value === UNKNOWN) return undefined;
      if (select.value === "other") return other;
      const place = Number(select.value.slice(1));
      return isBoolean ? place === 0 : choices[place];
    },
    write(value) {
      select.querySelector("[value=other]")?.remove();
      const place = isBoolean && typeof value === "boolean" ? (value ? 0 : 1) : choices.findIndex((choice) => choice === value);
      if (value === undefined) select.value = feature.required ? "c0" : UNKNOWN;
      else if (place >= 0) select.value = `c${place}`;
      else {
        other = value;
        select.append(h("option", { value: "other" }, String(value)));
        select.value = "other";
      }
    },
  };
}

/** @param {Feature} feature @param {string} id @param {() => void} changed @returns {Control} */
function switchControl(feature, id, changed) {
  const word = h("span", { class: "word", "aria-hidden": "true" });
  const say = () => show(word, t(input.checked ? "yes" : "no"));
  const input = h("input", {
    id,
    type: "checkbox",
    role: "switch",
    onchange() {
      say();
      changed();
    },
  });
  say();
  return {
    element: h("div", { class: "switch" }, input, word),
    focus: input,
    read: () => input.checked,
    write(value) {
      input.checked = isTrue(feature, value ?? false);
      say();
    },
  };
}

/** A number to type, and a slider over what training saw. @param {Feature} feature @param {string} id @param {() => void} changed @returns {Control} */
function numberControl(feature, id, changed) {
  const seen = feature.observed;
  const whole = feature.type === "integer";
  const input = h("input", { id, type: "text", inputmode: whole ? "numeric" : "decimal", autocomplete: "off", class: "amount", placeholder: t("field.unknown") });
  /** @type {HTMLInputElement | null} */
  let slider = null;
  if (seen && seen.maximum > seen.minimum) {
    const step = whole ? 1 : stepOf(seen.maximum - seen.minimum);
    const [low, high] = whole ? [seen.minimum, seen.maximum] : [Math.floor(seen.minimum / step) * step, Math.ceil(seen.maximum / step) * step];
    slider = h("input", { type: "range", min: low, max: high, step, "aria-label": t("field.slider", { field: labelOf(feature) }) });
    slider.addEventListener("input", () => {
      input.value = written(Number(Number(slider?.value).toPrecision(12)));
      changed();
    });
  }
  const follow = () => {
    const value = Number(input.value.replace(",", "."));
    if (slider && input.value.trim() !== "" && Number.isFinite(value)) slider.value = String(value);
    slider?.classList.toggle("unset", input.value.trim() === "");
  };
  input.addEventListener("input", () => {
    follow();
    changed();
  });
  const bounds = slider && seen ? h("div", { class: "bounds", "aria-hidden": "true" }, h("span", {}, number(seen.minimum)), h("span", {}, number(seen.maximum))) : null;
  return {
    element: h("div", { class: "number" }, input, slider && h("div", { class: "slider" }, slider, bounds)),
    focus: input,
    read() {
      const text = input.value.trim();
      const value = Number(text.replace(",", "."));
      if (text === "") return undefined;
      return Number.isFinite(value) ? value : text;
    },
    write(value) {
      input.value = typeof value === "number" ? written(value) : String(value ?? "");
      follow();
    },
  };
}

/** A step that divides a range into about two hundred. @param {number} width */
function stepOf(width) {
  const size = 10 ** Math.floor(Math.log10(width / 200));
  const step = size * (width / 200 / size < 2 ? 1 : width / 200 / size < 5 ? 2 : 5);
  return Number(step.toPrecision(1));
}

/** @param {Feature} feature @param {string} id @param {() => void} changed @returns {Control} */
function dateControl(feature, id, changed) {
  const input = h("input", { id, type: "date", onchange: changed });
  const seen = feature.observed;
  const bounds = seen && h("p", { class: "bounds quiet" }, `${dateBefore(feature, seen.maximum)} – ${dateBefore(feature, seen.minimum)}`);
  return {
    element: h("div", {}, input, bounds ?? null),
    focus: input,
    read: () => input.value || undefined,
    write(value) {
      input.value = value === undefined ? "" : String(value).slice(0, 10);
    },
  };
}

/** Text: free, or with the categories that training saw as suggestions. @param {Feature} feature @param {string} id @param {() => void} changed @returns {Control} */
function textControl(feature, id, changed) {
  const list = feature.choices && h("datalist", { id: `${id}-list` }, feature.choices.map((choice) => h("option", { value: String(choice) })));
  const input = h("input", { id, type: "text", maxlength: feature.max_length ?? 256, list: list ? list.id : null, autocomplete: "off", placeholder: t("field.unknown"), oninput: changed });
  return {
    element: h("div", {}, input, list ?? null),
    focus: input,
    read: () => input.value || undefined,
    write(value) {
      input.value = value === undefined ? "" : String(value);
    },
  };
}

/** What a customer's record holds: values as people write them, and where a form begins. */

/** @typedef {import("./types").Feature} Feature */
/** @typedef {import("./types").Value} Value */
/** @typedef {import("./types").Customer} Customer */
/** @typedef {import("./types").Explanation} Explanation */
/** @typedef {import("./types").Model} Model */

const DAY = 86_400_000;

/**
 * The value of a field, undefined where it is not known. A field may be called like a member of every object, such as
 * `constructor`; so records are made of entries, too: an assignment to `__proto__` is none.
 * @param {Customer} customer
 * @param {string} name
 */
export function known(customer, name) {
  return Object.hasOwn(customer, name) ? customer[name] : undefined;
}

/** A usual value of a feature: the median, or the most frequent category that is known. @param {Feature} feature @param {Explanation | null} explanation @returns {Value} */
export function usualValue(feature, explanation) {
  const seen = feature.observed;
  const middle = seen ? (seen.median ?? (seen.minimum + seen.maximum) / 2) : (feature.minimum ?? 0);
  if (feature.choices) return frequent(feature, explanation) ?? feature.choices[0];
  if (feature.type === "boolean") return isTrue(feature, frequent(feature, explanation) ?? false);
  if (feature.type === "integer") return Math.round(middle);
  if (feature.type === "number") return Number(middle.toPrecision(6));
  return feature.type === "date" ? dateBefore(feature, middle) : "";
}

/** @param {Feature} feature @param {Explanation | null} explanation @returns {string | number | undefined} */
function frequent(feature, explanation) {
  const bins = explanation?.features.find((one) => one.feature === feature.name)?.bins ?? [];
  const best = bins.filter((bin) => bin.kind === "category").sort((one, other) => other.share - one.share)[0];
  if (!best) return undefined;
  return feature.choices?.find((choice) => String(choice) === best.category) ?? best.category;
}

/** Whether a value means true for a boolean. @param {Feature} feature @param {unknown} value */
export function isTrue(feature, value) {
  if (typeof value === "boolean") return value;
  return feature.labels ? String(value) === String(feature.labels[0]) : String(value).toLowerCase() === "true";
}

/** The day that lies so many days before the reference of a date. @param {Feature} feature @param {number} days */
export function dateBefore(feature, days) {
  const reference = Date.parse(`${feature.reference ?? "2000-01-01"}T00:00:00Z`);
  return new Date(reference - Math.round(days) * DAY).toISOString().slice(0, 10);
}

/**
 * A customer as a line of text, JSON, or a header and a row, as it comes out of a spreadsheet or a CSV.
 * @param {string} pasted
 * @param {Model} model
 * @returns {{customer: Customer, left: string[]} | null} null where it is none of these; `left` are columns that the model does not know
 */
export function readPasted(pasted, model) {
  const found = fromJson(pasted) ?? fromTable(pasted, model);
  if (!found) return null;
  const { identifier } = model.signature;
  /** @type {[string, Value][]} */
  const entries = [];
  /** @type {string[]} */
  const left = [];
  for (const [name, value] of Object.entries(found)) {
    const feature = model.signature.features.find((one) => one.name === name);
    if (feature) {
      if (value !== null && value !== undefined && value !== "") entries.push([name, typeof value === "string" ? fromText(feature, value) : /** @type {Value} */ (value)]);
    } else if (name === "customer_id" || name === identifier) entries.push(["customer_id", /** @type {Value} */ (value)]);
    else if (name !== model.signature.target.name) left.push(name);
  }
  return { customer: Object.fromEntries(entries), left };
}

/** @param {string} pasted @returns {Record<string, unknown> | null} */
function fromJson(pasted) {
  try {
    const value = JSON.parse(pasted);
    const first = Array.isArray(value) ? value[0] : (value?.customers?.[0] ?? value);
    return typeof first === "object" && first !== null ? first : null;
  } catch {
    return null;
  }
}

/** @param {string} pasted @param {Model} model @returns {Record<string, string> | null} */
function fromTable(pasted, model) {
  const lines = pasted.split(/\r?\n/).filter((line) => line.trim() !== "");
  const mark = ["\t", ";", ","].find((one) => lines[0]?.includes(one));
  if (!mark) return null;
  const rows = lines.slice(0, 2).map((line) => cells(line, mark));
  const names = model.signature.features.map((feature) => feature.name);
  const [head, row] = rows.length === 2 ? rows : [rows[0].length > names.length ? [model.signature.identifier ?? "customer_id", ...names] : names, rows[0]];
  if (rows.length === 1 && row.length < names.length) return null;
  return Object.fromEntries(head.map((name, place) => [name, row[place] ?? ""]));
}

/** The cells of a line; those in quotes may hold the mark. @param {string} line @param {string} mark */
function cells(line, mark) {
  const found = [];
  let [cell, quoted] = ["", false];
  for (const character of line) {
    if (character === '"') quoted = !quoted;
    else if (character === mark && !quoted) {
      found.push(cell.trim());
      cell = "";
    } else cell += character;
  }
  return [...found, cell.trim()];
}

/** What a text means for a feature; the text itself where it means nothing, so that the API says what is wrong with it. @param {Feature} feature @param {string} written @returns {Value} */
export function fromText(feature, written) {
  const choice = feature.choices?.find((one) => String(one) === written);
  if (choice !== undefined) return choice;
  if (feature.type === "boolean") {
    if (feature.labels?.some((label) => String(label) === written)) return written === String(feature.labels[0]);
    if (/^(yes|y|true|1|ja)$/i.test(written)) return true;
    return /^(no|n|false|0|nein)$/i.test(written) ? false : written;
  }
  if (feature.type !== "integer" && feature.type !== "number") return written;
  const value = Number(/^[^.]*,\d+$/.test(written) ? written.replace(",", ".") : written);
  return written.trim() !== "" && Number.isFinite(value) ? value : written;
}

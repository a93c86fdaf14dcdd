/** Customers who are made up, of the values that training saw: enough to see what a list looks like. */

import { csvOf } from "./csv.js";
import { dateBefore, usualValue } from "./values.js";

/** @typedef {import("./types").Model} Model */
/** @typedef {import("./types").Feature} Feature */
/** @typedef {import("./types").Explanation} Explanation */
/** @typedef {Explanation["features"][number]["bins"]} Bins */

const ROWS = 240;

/** @param {Model} model @param {Explanation | null} explanation */
export function sampleFile({ signature }, explanation) {
  const random = randomFrom(7);
  const bins = new Map((explanation?.features ?? []).map((one) => [one.feature, one.bins]));
  const head = [signature.identifier ?? "customer_id", ...signature.features.map((feature) => feature.name)];
  const rows = Array.from({ length: ROWS }, (_, place) => [
    `SAMPLE-${String(place + 1).padStart(3, "0")}`,
    ...signature.features.map((feature) => drawn(feature, bins.get(feature.name), random) ?? usualValue(feature, explanation)),
  ]);
  return new File([csvOf([head, ...rows])], "sample-customers.csv", { type: "text/csv" });
}

/** A value of a feature, as often as training saw it; undefined where that is not known. @param {Feature} feature @param {Bins} bins @param {() => number} random */
function drawn(feature, bins, random) {
  const [place, within] = [random(), random()];
  if (feature.type === "date") return feature.observed && dateBefore(feature, feature.observed.minimum + within * (feature.observed.maximum - feature.observed.minimum));
  const bin = bins && binAt(bins, place);
  if (!bin) return undefined;
  if (bin.kind === "category") return bin.category;
  if (bin.kind === "missing" && !feature.required) return "";
  if (typeof bin.lower !== "number" || typeof bin.upper !== "number") return undefined;
  const value = bin.lower + within * (bin.upper - bin.lower);
  return feature.type === "integer" ? Math.round(value) : Number(value.toFixed(2));
}

/** @param {NonNullable<Bins>} bins @param {number} place from 0 to 1 */
function binAt(bins, place) {
  let left = place * bins.reduce((sum, bin) => sum + bin.share, 0);
  return bins.find((bin) => (left -= bin.share) < 0) ?? bins[0];
}

/** Mulberry32: numbers from 0 to 1, the same for the same seed. @param {number} seed */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

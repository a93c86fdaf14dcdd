/**
 * A scored table as the API answers it, an object of JSON a line. It stays a file of the browser's, of which the rows
 * that are shown are read: a million of them would not fit into a page.
 */

/** @typedef {Record<string, string | number | boolean | null>} Row */
/** @typedef {"low" | "medium" | "high"} Band */
/** @typedef {{count: number, expected: number}} Group */
/**
 * @typedef {object} Scored
 * @property {number} rows with those that are bad
 * @property {Uint32Array} ranked positions of good rows, the highest probability first
 * @property {Float64Array} expected how many of the first n of these are expected to leave, for n from 0
 * @property {number[]} bad positions of bad rows
 * @property {number} above how many are predicted to leave
 * @property {Record<Band, Group>} bands
 * @property {(positions: ArrayLike<number>) => Promise<Row[]>} read a few rows
 * @property {(positions: ArrayLike<number>) => AsyncGenerator<Row[]>} inOrder read many rows, some at a time
 * @property {(words: string, signal: AbortSignal) => Promise<Set<number>>} find positions of rows with a cell that has the words
 */

const decoder = new TextDecoder();
const PART = 10_000;
const LINES = 200;

/** @param {Blob} file @param {AbortSignal} signal @returns {Promise<Scored>} */
export async function readScored(file, signal) {
  const starts = [0];
  /** @type {number[][]} */
  const [probabilities, good, bad] = [[], [], []];
  const bands = { low: { count: 0, expected: 0 }, medium: { count: 0, expected: 0 }, high: { count: 0, expected: 0 } };
  let [above, listed] = [0, false];
  await eachLine(file, signal, (line, end) => {
    const row = JSON.parse(line);
    const position = probabilities.length;
    starts.push(end);
    probabilities.push(row.churn_probability ?? 0);
    if (row.churn_probability === null) return bad.push(position);
    above += row.churn_prediction ?? 0;
    listed ||= "gain" in row && "group" in row;
    const band = bands[/** @type {Band} */ (row.risk_band)];
    band.count += 1;
    band.expected += row.churn_probability;
    return good.push(position);
  });
  // A call list has an order of its own: that of the gain.
  const ranked = listed ? Uint32Array.from(good) : Uint32Array.from(good).sort((one, other) => probabilities[other] - probabilities[one] || one - other);
  const expected = new Float64Array(ranked.length + 1);
  ranked.forEach((position, place) => (expected[place + 1] = expected[place] + probabilities[position]));
  return {
    rows: probabilities.length,
    ranked,
    expected,
    bad,
    above,
    bands,
    read: (positions) => readRows(file, starts, positions),
    inOrder: (positions) => inOrder(file, probabilities.length, positions),
    find: (words, stop) => findRows(file, words, stop),
  };
}

/** @param {Blob} file @param {number[]} starts @param {ArrayLike<number>} positions @returns {Promise<Row[]>} */
async function readRows(file, starts, positions) {
  const texts = Array.from(positions, (place) => file.slice(starts[place], starts[place + 1]).text());
  return (await Promise.all(texts)).map((text) => JSON.parse(text));
}

/**
 * Rows in an order of their own, of a file that need not fit into memory: it is read once and divided into parts, each of rows that follow each other
 * in that order, and small enough to be sorted.
 * @param {Blob} file @param {number} rows @param {ArrayLike<number>} positions @returns {AsyncGenerator<Row[]>}
 */
async function* inOrder(file, rows, positions) {
  const places = new Int32Array(rows).fill(-1);
  for (let place = 0; place < positions.length; place += 1) places[positions[place]] = place;
  const parts = Array.from({ length: Math.ceil(positions.length / PART) }, () => ({ places: /** @type {number[]} */ ([]), lines: /** @type {string[]} */ ([]), blobs: /** @type {Blob[]} */ ([]) }));
  let position = 0;
  await eachLine(file, null, (line) => {
    const place = places[position];
    position += 1;
    if (place < 0) return;
    const part = parts[Math.floor(place / PART)];
    part.places.push(place % PART);
    if (part.lines.push(`${line}\n`) === LINES) part.blobs.push(new Blob(part.lines.splice(0)));
  });
  for (const part of parts) {
    const lines = (await new Blob([...part.blobs, ...part.lines]).text()).split("\n");
    /** @type {Row[]} */
    const sorted = [];
    part.places.forEach((place, index) => (sorted[place] = JSON.parse(lines[index])));
    yield sorted;
  }
}

/** @param {Blob} file @param {string} words @param {AbortSignal} signal */
async function findRows(file, words, signal) {
  const wanted = words.toLowerCase();
  const escaped = JSON.stringify(wanted).slice(1, -1);
  const found = new Set();
  let position = 0;
  await eachLine(file, signal, (line) => {
    const has = line.toLowerCase().includes(escaped) && Object.values(JSON.parse(line)).some((cell) => String(cell).toLowerCase().includes(wanted));
    if (has) found.add(position);
    position += 1;
  });
  return found;
}

/** @param {Blob} file @param {AbortSignal | null} signal @param {(line: string, end: number) => void} use `end` is where the next line begins */
async function eachLine(file, signal, use) {
  const reader = file.stream().getReader();
  let rest = new Uint8Array();
  let offset = 0;
  for (;;) {
    const { done, value } = await reader.read();
    signal?.throwIfAborted();
    const bytes = joined(rest, value ?? Uint8Array.of(10));
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      if (end > from) use(decoder.decode(bytes.subarray(from, end)), offset + end + 1);
      from = end + 1;
    }
    if (done) return;
    rest = bytes.subarray(from);
    offset += from;
  }
}

/** @param {Uint8Array<ArrayBuffer>} one @param {Uint8Array<ArrayBuffer>} other */
function joined(one, other) {
  if (one.length === 0) return other;
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

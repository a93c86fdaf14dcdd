/** Charts: SVG, drawn anew at the width that they get, so that text is never scaled. Each has a table for screen readers. */

import { h, newId, s, show } from "./dom.js";
import { number } from "./words.js";

/** @typedef {(width: number) => SVGElement[]} Draw elements within a width */
/** @typedef {{name: string, tone: string, points: [number, number][], dashed?: boolean, dots?: boolean, titles?: string[], spans?: [number, number][]}} Series */
/** @typedef {{head: string[], rows: (string | number)[][]}} Table */
/** @typedef {{label: string, value: number, text: string, tone?: string, title?: string}} Bar */
/** @typedef {{title: string, format: (value: number) => string, from?: number, to?: number, ticks?: number[]}} Axis */

const USUAL = 360;
const MARGIN = { top: 12, right: 22, bottom: 44, names: 36, left: 48 };

/**
 * A figure whose picture follows its width.
 * @param {{title: string, note?: string, height: (width: number) => number, draw: Draw, table: Table, legend?: {name: string, tone: string, dashed?: boolean}[]}} chart
 */
function figure(chart) {
  const id = newId("chart");
  const svg = s("svg", { role: "img", "aria-labelledby": id, class: "chart", height: chart.height(USUAL) });
  let drawn = 0;
  const redraw = () => {
    const width = Math.floor(place.clientWidth);
    if (width <= 0 || width === drawn) return;
    drawn = width;
    const height = chart.height(width);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("height", String(height));
    show(svg, chart.draw(width));
  };
  const place = h("div", { class: "picture" }, svg);
  new ResizeObserver(redraw).observe(place);
  const legend = chart.legend ?? [];
  return h(
    "figure",
    { class: "figure" },
    h("figcaption", { id }, chart.title),
    chart.note && h("p", { class: "quiet small" }, chart.note),
    legend.length > 0 && h("ul", { class: "legend", "aria-hidden": "true" }, legend.map(legendItem)),
    place,
    hiddenTable(chart.table),
  );
}

/** @param {{name: string, tone: string, dashed?: boolean}} item */
function legendItem({ name, tone, dashed }) {
  return h("li", { class: `${tone}${dashed ? " dashed" : ""}` }, name);
}

/** @param {Table} table */
function hiddenTable({ head, rows }) {
  const cells = rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cell))));
  const titles = h("thead", {}, h("tr", {}, head.map((cell) => (cell ? h("th", { scope: "col" }, cell) : h("td", {})))));
  return h("div", { class: "for-readers" }, h("table", {}, titles, h("tbody", {}, cells)));
}

/**
 * Horizontal bars from a common zero; negative ones to the left.
 * @param {{title: string, note?: string, bars: Bar[], head: [string, string]}} chart
 */
export function barChart({ title, note, bars, head }) {
  const row = 34;
  const low = Math.min(0, ...bars.map((bar) => bar.value));
  const high = Math.max(0, ...bars.map((bar) => bar.value));
  const span = high - low || 1;
  /** @type {Draw} */
  const draw = (width) => {
    const names = Math.min(Math.max(...bars.map((bar) => widthOf(bar.label))), width * 0.42);
    const room = Math.max(...bars.map((bar) => widthOf(bar.text, true))) + 10;
    const left = names + 14;
    const scale = Math.max(width - left - room, 20) / span;
    const zero = left - low * scale;
    const drawn = bars.flatMap((bar, place) => {
      const [middle, size] = [place * row + row / 2, Math.max(Math.abs(bar.value) * scale, 1)];
      const end = zero + (bar.value < 0 ? 0 : size) + 7;
      return [
        text(bar.label, 0, middle + 4, { class: "name" }, names, bar.title ?? bar.label),
        s("rect", { x: bar.value < 0 ? zero - size : zero, y: middle - 9, width: size, height: 18, rx: 3, class: `bar ${bar.tone ?? "first"}` }),
        s("text", { x: end, y: middle + 4, class: "value" }, bar.text),
      ];
    });
    return [...drawn, s("line", { x1: zero, x2: zero, y1: 0, y2: bars.length * row, class: "axis" })];
  };
  const table = { head, rows: bars.map((bar) => [bar.title ?? bar.label, bar.text]) };
  return figure({ title, note, height: () => bars.length * row + 2, draw, table });
}

const pen = document.createElement("canvas").getContext("2d");

/** How wide a text of a chart is. @param {string} words @param {boolean} [bold] */
function widthOf(words, bold = false) {
  if (!pen) return words.length * 7.5;
  pen.font = `${bold ? "600 " : ""}13px ${getComputedStyle(document.body).fontFamily}`;
  return pen.measureText(words).width;
}

/** Where an axis begins, so that the longest name before it is not cut. @param {string[]} names */
function startAfter(names) {
  return Math.max(MARGIN.left, ...names.map((name) => widthOf(name) + 14));
}

/** The middle of a name below an axis, which ends within the chart. @param {number} middle @param {string} name @param {number} right */
function within(middle, name, right) {
  return Math.min(middle, right + MARGIN.right - widthOf(name) / 2 - 2);
}

/**
 * Text that is cut where its room ends, and whole in its title.
 * @param {string} words
 * @param {number} x
 * @param {number} y
 * @param {Record<string, string>} attributes
 * @param {number} room
 * @param {string} [title]
 */
function text(words, x, y, attributes, room, title) {
  const share = room / widthOf(words);
  const cut = share < 1 ? `${words.slice(0, Math.max(Math.floor(words.length * share) - 1, 2))}…` : words;
  return s("text", { x, y, ...attributes }, cut, title || cut !== words ? s("title", {}, title ?? words) : null);
}

/**
 * Lines or dots over two axes of numbers.
 * @param {{title: string, note?: string, x: Axis, y: Axis, series: Series[], guides?: {points: [number, number][]}[], marks?: {x: number, label: string}[], tall?: number}} chart
 */
export function lineChart({ title, note, x, y, series, guides = [], marks = [], tall = 0.62 }) {
  const all = series.flatMap((one) => one.points);
  const [x0, x1] = [x.from ?? Math.min(...all.map((p) => p[0])), x.to ?? Math.max(...all.map((p) => p[0]))];
  const [y0, y1] = [y.from ?? 0, y.to ?? Math.max(...all.map((p) => p[1]))];
  const height = (/** @type {number} */ width) => Math.round(Math.min(Math.max(width * tall, 220), 340));
  const start = startAfter((y.ticks ?? ticks(y0, y1, 5)).map(y.format));
  /** @type {Draw} */
  const draw = (width) => {
    const [right, bottom] = [width - MARGIN.right, height(width) - (x.title ? MARGIN.bottom : MARGIN.names)];
    const sx = (/** @type {number} */ value) => start + ((value - x0) / (x1 - x0 || 1)) * (right - start);
    const sy = (/** @type {number} */ value) => bottom - ((value - y0) / (y1 - y0 || 1)) * (bottom - MARGIN.top);
    const path = (/** @type {[number, number][]} */ points) => `M${points.map((p) => `${sx(p[0]).toFixed(1)},${sy(p[1]).toFixed(1)}`).join("L")}`;
    return [
      ...axes({ x, y, x0, x1, y0, y1, sx, sy, start, right, bottom }),
      ...guides.map((guide) => s("path", { d: path(guide.points), class: "guide" })),
      ...marks.flatMap((mark) => [
        s("line", { x1: sx(mark.x), x2: sx(mark.x), y1: MARGIN.top, y2: bottom, class: "mark" }),
        s("text", { x: sx(mark.x) + 6, y: MARGIN.top + 12, class: "small-text" }, mark.label),
      ]),
      ...series.map((one) => s("path", { d: path(one.points), class: `line ${one.tone}${one.dashed ? " dashed" : ""}` })),
      ...series.flatMap((one) => (one.spans ?? []).map(([low, high], place) => s("line", { x1: sx(one.points[place][0]), x2: sx(one.points[place][0]), y1: sy(low), y2: sy(high), class: `line ${one.tone}` }))),
      ...series.flatMap((one) => (one.dots ? one.points.map((p, place) => dot(sx(p[0]), sy(p[1]), one, place)) : [])),
    ];
  };
  const rows = series.flatMap((one) => (one.titles ? one.points.map((p, place) => [one.name, x.format(p[0]), one.titles?.[place] ?? ""]) : thin(one.points).map((p) => [one.name, x.format(p[0]), y.format(p[1])])));
  return figure({ title, note, height, draw, table: { head: ["", x.title, y.title], rows }, legend: series.length > 1 ? series : [] });
}

/** @param {number} x @param {number} y @param {Series} series @param {number} place */
function dot(x, y, series, place) {
  const title = series.titles?.[place];
  return s("circle", { cx: x, cy: y, r: 4.5, class: `dot ${series.tone}` }, title ? s("title", {}, title) : null);
}

/** Eleven of many points: a table of a hundred helps no one. @param {[number, number][]} points */
function thin(points) {
  const step = Math.max(1, Math.ceil(points.length / 11));
  return points.filter((_, place) => place % step === 0);
}

/**
 * @param {{x: Axis, y: Axis, x0: number, x1: number, y0: number, y1: number, sx: (v: number) => number, sy: (v: number) => number, start: number, right: number, bottom: number}} frame
 */
function axes({ x, y, x0, x1, y0, y1, sx, sy, start, right, bottom }) {
  const [xs, ys] = [x.ticks ?? ticks(x0, x1, right < 380 ? 5 : 6), y.ticks ?? ticks(y0, y1, 5)];
  let end = -Infinity;
  const fits = (/** @type {number} */ value) => {
    const half = widthOf(x.format(value)) / 2;
    if (sx(value) - half < end + 8) return false;
    end = sx(value) + half;
    return true;
  };
  return [
    ...ys.map((value) => s("line", { x1: start, x2: right, y1: sy(value), y2: sy(value), class: "grid" })),
    ...ys.map((value) => s("text", { x: start - 8, y: sy(value) + 4, class: "tick", "text-anchor": "end" }, y.format(value))),
    ...xs.filter(fits).map((value) => s("text", { x: within(sx(value), x.format(value), right), y: bottom + 18, class: "tick", "text-anchor": "middle" }, x.format(value))),
    s("line", { x1: start, x2: right, y1: bottom, y2: bottom, class: "axis" }),
    s("text", { x: (start + right) / 2, y: bottom + 38, class: "tick", "text-anchor": "middle" }, x.title),
  ];
}

/** Round numbers from one to another. @param {number} from @param {number} to @param {number} count */
export function ticks(from, to, count) {
  const raw = (to - from) / count;
  if (!(raw > 0)) return [from];
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5].find((one) => one * size >= raw) ?? 10) * size;
  const first = Math.ceil(from / step - 1e-9);
  return Array.from({ length: Math.floor(to / step + 1e-9) - first + 1 }, (_, place) => (first + place) * step);
}

/**
 * Columns over named places, with dots over them for up to two other amounts on the same axis.
 * @param {{title: string, note?: string, names: string[], columns?: {name: string, tone: string, values: (number | null)[]}[], dots?: {name: string, tone: string, values: (number | null)[]}[], format: (value: number) => string, to?: number, marks?: {y: number, label: string}[]}} chart
 */
export function columnChart({ title, note, names, columns = [], dots = [], format, to, marks = [] }) {
  const every = [...columns, ...dots];
  const top = to ?? Math.max(...every.flatMap((one) => one.values.map((value) => value ?? 0)), ...marks.map((mark) => mark.y)) * 1.08;
  const height = (/** @type {number} */ width) => Math.round(Math.min(Math.max(width * 0.55, 200), 300));
  const start = startAfter(ticks(0, top, 4).map(format));
  /** @type {Draw} */
  const draw = (width) => {
    const [right, bottom] = [width - MARGIN.right, height(width) - MARGIN.names];
    const step = (right - start) / names.length;
    const sx = (/** @type {number} */ place) => start + step * (place + 0.5);
    const sy = (/** @type {number} */ value) => bottom - (value / (top || 1)) * (bottom - MARGIN.top);
    const thick = Math.min((step * 0.7) / Math.max(columns.length, 1), 44);
    // Many names are dates, of which some are left out; few are categories, which are cut.
    const room = names.length > 14 ? Math.max(...names.map((name) => widthOf(name))) + 10 : 46;
    const skip = Math.max(1, Math.ceil(room / step));
    const bars = columns.flatMap((one, index) =>
      one.values.map((value, place) => {
        if (value === null) return null;
        const left = sx(place) + (index - columns.length / 2) * thick;
        const title = s("title", {}, `${names[place]} · ${one.name}: ${format(value)}`);
        return s("rect", { x: left + 1, y: sy(value), width: Math.max(thick - 2, 2), height: Math.max(bottom - sy(value), 0), rx: 2, class: `bar ${one.tone}` }, title);
      }),
    );
    const points = dots.flatMap((one) =>
      one.values.map((value, place) =>
        value === null ? null : s("circle", { cx: sx(place), cy: sy(value), r: 4.5, class: `dot ${one.tone}` }, s("title", {}, `${names[place]} · ${one.name}: ${format(value)}`)),
      ),
    );
    return [
      ...ticks(0, top, 4).flatMap((value) => [
        s("line", { x1: start, x2: right, y1: sy(value), y2: sy(value), class: "grid" }),
        s("text", { x: start - 8, y: sy(value) + 4, class: "tick", "text-anchor": "end" }, format(value)),
      ]),
      ...bars.filter((bar) => bar !== null),
      ...points.filter((point) => point !== null),
      ...marks.flatMap((mark) => [
        s("line", { x1: start, x2: right, y1: sy(mark.y), y2: sy(mark.y), class: "mark" }),
        s("text", { x: right, y: sy(mark.y) - 5, class: "small-text", "text-anchor": "end" }, mark.label),
      ]),
      s("line", { x1: start, x2: right, y1: bottom, y2: bottom, class: "axis" }),
      ...names.flatMap((name, place) => (place % skip === 0 ? nameLines(name, skip > 1 ? within(sx(place), name, right) : sx(place), bottom + 18, step * skip - 4) : [])),
    ];
  };
  const rows = names.map((name, place) => [name, ...every.map((one) => (one.values[place] === null ? "" : format(one.values[place] ?? 0)))]);
  return figure({ title, note, height, draw, table: { head: ["", ...every.map((one) => one.name)], rows }, legend: every.length > 1 ? every : [] });
}

/** The name of a column; a range that is too wide for it has two lines. @param {string} name @param {number} x @param {number} y @param {number} room */
function nameLines(name, x, y, room) {
  const lines = widthOf(name) > room ? name.split(/(?<=–) /) : [name];
  return lines.map((line, index) => text(line, x, y + index * 15, { class: "tick", "text-anchor": "middle" }, room, name));
}

/**
 * Where a probability lies between the bounds of the bands.
 * @param {{value: number, medium: number, high: number, threshold: number, band: string, names: {low: string, medium: string, high: string, threshold: string}, format: (value: number) => string, title: string}} scale
 */
export function bandScale({ value, medium, high, threshold, band, names, format, title }) {
  /** @type {Draw} */
  const draw = (width) => {
    const sx = (/** @type {number} */ share) => 4 + share * (width - 8);
    const zones = /** @type {const} */ ([["low", 0, medium], ["medium", medium, high], ["high", high, 1]]);
    return [
      ...zones.map(([name, from, to]) => s("rect", { x: sx(from) + 1, y: 26, width: Math.max(sx(to) - sx(from) - 2, 1), height: 12, rx: 3, class: `zone ${name}${name === band ? " own" : ""}` })),
      ...zones.map(([name, from, to]) => text(names[name], sx((from + to) / 2), 18, { class: "small-text", "text-anchor": "middle" }, sx(to) - sx(from))),
      ...[medium, high].map((bound) => s("text", { x: sx(bound), y: 56, class: "tick", "text-anchor": "middle" }, format(bound))),
      s("line", { x1: sx(threshold), x2: sx(threshold), y1: 23, y2: 41, class: "mark" }),
      s("circle", { cx: sx(value), cy: 32, r: 9, class: `pointer ${band}` }),
    ];
  };
  const rows = [
    [names.low, `0 – ${format(medium)}`],
    [names.medium, `${format(medium)} – ${format(high)}`],
    [names.high, `${format(high)} – ${format(1)}`],
    [names.threshold, format(threshold)],
  ];
  return figure({ title, height: () => 62, draw, table: { head: ["", ""], rows } });
}

/** A number with few digits, for axes. @param {number} value */
export function plain(value) {
  return number(value, Math.abs(value) < 10 ? 2 : 0);
}


/** A workbook with one sheet, as Excel and its like read it: XML in a ZIP archive. Text in it cannot become a formula. */

/** @typedef {import("./csv.js").Cell} Cell */

const TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const [MAIN, DOCUMENT, PACKAGE] = ["spreadsheetml/2006/main", "officeDocument/2006/relationships", "package/2006"].map((name) => `http://schemas.openxmlformats.org/${name}`);
const PARTS = {
  "[Content_Types].xml": `<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="${TYPE}.main+xml"/><Override PartName="/xl/sheet.xml" ContentType="${TYPE.replace(".sheet", ".worksheet")}+xml"/></Types>`,
  "_rels/.rels": `<Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="r" Type="${DOCUMENT}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
  "xl/workbook.xml": `<workbook xmlns="${MAIN}" xmlns:r="${DOCUMENT}"><sheets><sheet name="Call list" sheetId="1" r:id="r"/></sheets></workbook>`,
  "xl/_rels/workbook.xml.rels": `<Relationships xmlns="${PACKAGE}/relationships"><Relationship Id="r" Type="${DOCUMENT}/worksheet" Target="sheet.xml"/></Relationships>`,
};
const MOST_ROWS = 1_048_576;
const MOST_TEXT = 32_767;
const ESCAPES = /** @type {Record<string, string>} */ ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" });

/** @param {AsyncIterable<Cell[][]>} table blocks of rows, of which the first has the names; rows that Excel has no room for are left out @param {string} name */
export async function xlsxOf(table, name) {
  const small = Object.entries(PARTS).map(([path, xml]) => packed(path, [XML + xml]));
  return new File(zipped(await Promise.all([...small, packed("xl/sheet.xml", sheetOf(table))])), name, { type: TYPE });
}

/** @param {AsyncIterable<Cell[][]>} table */
async function* sheetOf(table) {
  let room = MOST_ROWS;
  yield `${XML}<worksheet xmlns="${MAIN}"><sheetData>`;
  for await (const rows of table) {
    yield rows.slice(0, room).map((row) => `<row>${row.map(cellOf).join("")}</row>`).join("");
    room = Math.max(room - rows.length, 0);
  }
  yield "</sheetData></worksheet>";
}

/** @param {Cell} cell */
function cellOf(cell) {
  if (typeof cell === "number") return `<c><v>${cell}</v></c>`;
  if (cell === null || cell === undefined || cell === "") return "<c/>";
  // Without what XML cannot hold.
  const text = String(cell).slice(0, MOST_TEXT).replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "");
  return `<c t="inlineStr"><is><t xml:space="preserve">${text.replace(/[&<>]/g, (mark) => ESCAPES[mark])}</t></is></c>`;
}

/** @typedef {{path: Uint8Array<ArrayBuffer>, data: Blob, size: number, crc: number}} Packed */

/** A file of the archive, compressed as its text comes. @param {string} path @param {Iterable<string> | AsyncIterable<string>} text @returns {Promise<Packed>} */
async function packed(path, text) {
  const [deflate, encoder] = [new CompressionStream("deflate-raw"), new TextEncoder()];
  const [data, writer] = [new Response(deflate.readable).blob(), deflate.writable.getWriter()];
  let [size, crc] = [0, ~0];
  for await (const block of text) {
    const bytes = encoder.encode(block);
    size += bytes.length;
    crc = crcOf(bytes, crc);
    await writer.write(bytes);
  }
  await writer.close();
  return { path: encoder.encode(path), data: await data, size, crc: ~crc >>> 0 };
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** CRC-32 of what came before and these bytes, inverted. @param {Uint8Array} bytes @param {number} before */
function crcOf(bytes, before) {
  let crc = before;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 255];
  return crc;
}

/** A ZIP archive: the files, and a directory of them (APPNOTE 4.3). @param {Packed[]} files @returns {BlobPart[]} */
function zipped(files) {
  /** @type {BlobPart[][]} */
  const [parts, directory] = [[], []];
  let [offset, length] = [0, 0];
  for (const { path, data, size, crc } of files) {
    // Version 2.0, names in UTF-8, deflated, 1 January 2000.
    const shared = [20, 0x800, 8, 0, 0x2821, [crc], [data.size], [size], path.length, 0];
    parts.push(fields([0x04034b50], ...shared), path, data);
    directory.push(fields([0x02014b50], 20, ...shared, 0, 0, 0, [0], [offset]), path);
    offset += 30 + path.length + data.size;
    length += 46 + path.length;
  }
  return [...parts, ...directory, fields([0x06054b50], 0, 0, files.length, files.length, [length], [offset], 0)];
}

/** Little-endian numbers of two bytes, those in lists of four. @param {...(number | number[])} values */
function fields(...values) {
  const view = new DataView(new ArrayBuffer(values.reduce((/** @type {number} */ sum, value) => sum + (typeof value === "number" ? 2 : 4), 0)));
  let at = 0;
  for (const value of values) {
    if (typeof value === "number") view.setUint16(at, value, true);
    else view.setUint32(at, value[0], true);
    at += typeof value === "number" ? 2 : 4;
  }
  return view;
}

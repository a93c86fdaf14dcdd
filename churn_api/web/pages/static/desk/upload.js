/** What fetch cannot do: say how much of a body has been sent. */

/**
 * Send a request like fetch. Rejects with TypeError where the server cannot be reached, or with AbortError.
 * @param {string} url
 * @param {{method: string, headers: Record<string, string>, body?: BodyInit, signal?: AbortSignal}} options
 * @param {(share: number) => void} sent
 * @returns {Promise<Response>}
 */
export function transmit(url, { method, headers, body, signal }, sent) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const asked = new XMLHttpRequest();
    asked.open(method, url);
    for (const [name, value] of Object.entries(headers)) asked.setRequestHeader(name, value);
    asked.upload.onprogress = (event) => sent(event.loaded / event.total);
    asked.onload = () => resolve(new Response(asked.responseText || null, { status: asked.status, headers: headersOf(asked) }));
    asked.onerror = () => reject(new TypeError("the server cannot be reached"));
    signal?.addEventListener("abort", () => {
      asked.abort();
      reject(new DOMException("not wanted any more", "AbortError"));
    });
    asked.send(/** @type {XMLHttpRequestBodyInit} */ (body));
  });
}

/** @param {XMLHttpRequest} asked @returns {[string, string][]} */
function headersOf(asked) {
  const lines = asked.getAllResponseHeaders().trim().split("\r\n");
  return lines.filter(Boolean).map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]);
}

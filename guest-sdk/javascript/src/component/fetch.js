// `fetch`, which follows redirects, decodes bodies and says which request failed. The engine's
// own does none of this.

import { isBuilding, onlyInRuns } from "./build_time.js";
import { settled, started } from "./pending.js";

const engineFetch = globalThis.fetch;
const REDIRECTS = [301, 302, 303, 307, 308];
const REDIRECTS_MAX = 20;
/** Headers for the origin that was asked, and no other. */
const PRIVATE_HEADERS = ["authorization", "cookie", "proxy-authorization"];
const BODY_HEADERS = ["content-type", "content-length", "content-encoding", "content-language"];
const ENCODINGS = { gzip: "gzip", "x-gzip": "gzip", deflate: "deflate" };

globalThis.fetch = async function fetch(input, init = {}) {
  if (isBuilding()) throw onlyInRuns("fetch");
  const request = requestOf(input, init ?? {});
  const token = {};
  started(token);
  try {
    return watchBody(decoded(await follow(request)));
  } finally {
    settled(token);
  }
};

/** What is asked for, apart from the engine's own `Request`, which can be sent only once. */
function requestOf(input, init) {
  const from = input instanceof Request ? input : undefined;
  const url = new URL(from ? from.url : input);
  if (url.username || url.password) {
    throw new TypeError(`fetch: ${url.origin}: a URL with a password is not allowed: use the header authorization`);
  }
  const body = init.body ?? undefined;
  return {
    url: url.href,
    method: (init.method ?? from?.method ?? "GET").toUpperCase(),
    headers: new Headers(init.headers ?? from?.headers ?? {}),
    body,
    streamed: body instanceof ReadableStream || (body === undefined && Boolean(from?.body)),
    signal: init.signal ?? from?.signal ?? undefined,
    redirect: init.redirect ?? from?.redirect ?? "follow",
    first: [input, init],
  };
}

/** Sends `request`, and what redirects make of it. */
async function follow(request) {
  let response = await send(request, ...request.first);
  for (let hops = 1; isRedirect(response) && request.redirect !== "manual"; hops++) {
    if (request.redirect === "error") throw new TypeError(`fetch: ${request.url}: redirected`);
    if (hops > REDIRECTS_MAX) {
      throw new TypeError(`fetch: ${request.url}: more than ${REDIRECTS_MAX} redirects`);
    }
    redirect(request, response);
    const { method, headers, body, signal } = request;
    response = await send(request, request.url, { method, headers, body, signal });
    define(response, { redirected: true });
  }
  return response;
}

async function send({ method, url, signal }, ...args) {
  if (signal?.aborted) throw signal.reason;
  try {
    return await engineFetch(...args);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (!(error instanceof TypeError)) throw error;
    // The engine knows no more than that; the host tells the reason in the run's log.
    const message = `${method} ${url}: the request failed: not allowed, or no answer (the run's log says which)`;
    throw Object.assign(new TypeError(message), { code: "ERR_NETWORK" });
  }
}

function isRedirect({ status, headers }) {
  return REDIRECTS.includes(status) && headers.has("location");
}

/** Makes `request` the one that `response` asks for. */
function redirect(request, { status, headers }) {
  const from = new URL(request.url);
  const to = new URL(headers.get("location"), from);
  if (to.origin !== from.origin) PRIVATE_HEADERS.forEach((name) => request.headers.delete(name));
  const becomesGet =
    (status === 303 && request.method !== "HEAD") || (status < 303 && request.method === "POST");
  if (becomesGet) {
    Object.assign(request, { method: "GET", body: undefined, streamed: false });
    BODY_HEADERS.forEach((name) => request.headers.delete(name));
  } else if (request.streamed && !["GET", "HEAD"].includes(request.method)) {
    throw new TypeError(`fetch: ${request.url}: redirected (${status}) with a body that can be read only once`);
  }
  request.url = to.href;
}

/** The response with its body as it was before its `content-encoding`. */
function decoded(response) {
  const encoding = ENCODINGS[response.headers.get("content-encoding")?.trim().toLowerCase()];
  if (!encoding || !response.body) return response;
  const headers = new Headers(response.headers);
  headers.delete("content-encoding");
  headers.delete("content-length");
  const { status, statusText, url, redirected } = response;
  const body = response.body.pipeThrough(new DecompressionStream(encoding));
  return define(new Response(body, { status, statusText, headers }), { url, redirected });
}

/** Lets the run wait for the body while it is read. */
function watchBody(response) {
  for (const name of ["arrayBuffer", "blob", "bytes", "formData", "json", "text"]) {
    if (typeof response[name] !== "function") continue;
    const read = response[name].bind(response);
    define(response, { [name]: () => during(read()) });
  }
  return response;
}

async function during(promise) {
  started(promise);
  try {
    return await promise;
  } finally {
    settled(promise);
  }
}

function define(response, fields) {
  for (const [name, value] of Object.entries(fields)) {
    Object.defineProperty(response, name, { value, configurable: true });
  }
  return response;
}

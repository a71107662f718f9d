// JavaScript's values as JSON text for the host.

/** How deep the host lets JSON nest; deeper is refused here, where it can be named. */
const DEPTH_MAX = 128;

/**
 * `value` as JSON text.
 *
 * As `JSON.stringify`, and beside what JSON has: bytes become `{"base64": …}`, as the host has
 * them; a Map an object, a Set an array; a BigInt a number where that is exact, else text; an
 * Error its name, message and fields.
 *
 * @param {string} name what the value is, for messages: `the return value`
 * @throws {TypeError} the value can't be JSON; the message says where in it
 */
export function encode(value, name) {
  return JSON.stringify(nearJson(value, { name, path: "", above: [] }) ?? null);
}

/** The value of a JSON text; null where there is none. */
export function decode(text) {
  return text === undefined || text === null ? null : JSON.parse(text);
}

/** What stands for `value` in JSON; undefined for what JSON leaves out. */
function nearJson(value, at) {
  switch (typeof value) {
    case "string":
      return wellFormed(value, at);
    case "number":
      if (Number.isFinite(value)) return value;
      throw new TypeError(`${place(at)} is ${value}, which JSON has no number for`);
    case "bigint":
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case "function":
    case "symbol":
      // JSON leaves them out of objects; alone they are a mistake.
      if (at.path) return undefined;
      throw new TypeError(`${place(at)} is a ${typeof value}, which can't be JSON`);
    case "object":
      return value === null ? null : objectNearJson(value, at);
    default:
      return value;
  }
}

function objectNearJson(value, at) {
  const first = at.above.findIndex((other) => other.value === value);
  if (first >= 0) {
    throw new TypeError(`${place(at)} is ${place({ ...at, path: at.above[first].path })} again: it holds itself`);
  }
  if (at.above.length >= DEPTH_MAX) {
    throw new TypeError(`${at.name} nests deeper than ${DEPTH_MAX} levels`);
  }
  const above = [...at.above, { value, path: at.path }];
  const bytes = bytesOf(value);
  if (bytes) return { base64: base64(bytes) };
  if (typeof value.toJSON === "function" && !(value instanceof Error)) {
    if (value instanceof Date && Number.isNaN(value.getTime())) {
      throw new TypeError(`${place(at)} is an invalid Date`);
    }
    return nearJson(value.toJSON(""), { ...at, above });
  }
  if (value instanceof Number || value instanceof String || value instanceof Boolean) {
    return nearJson(value.valueOf(), at);
  }
  if (typeof value.then === "function") {
    throw new TypeError(`${place(at)} is a promise: await it`);
  }
  const inner = (item, part) => nearJson(item, { name: at.name, path: at.path + part, above });
  const list = listOf(value);
  if (list) return Array.from(list, (item, index) => inner(item, `[${index}]`) ?? null);
  return Object.fromEntries(
    fieldsOf(value, at).flatMap(([key, item]) => {
      const near = inner(item, `.${key}`);
      return near === undefined ? [] : [[wellFormed(key, at), near]];
    }),
  );
}

/** The bytes that `value` is. */
function bytesOf(value) {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (value instanceof Uint8Array || value instanceof Uint8ClampedArray || value instanceof DataView) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  return undefined;
}

/** The items of what is a list in JSON. */
function listOf(value) {
  return Array.isArray(value) || value instanceof Set || ArrayBuffer.isView(value) ? value : undefined;
}

function fieldsOf(value, at) {
  if (value instanceof RegExp) throw new TypeError(`${place(at)} is a RegExp, which can't be JSON`);
  if (value instanceof Error) {
    return Object.entries({ name: value.name, message: value.message, ...value });
  }
  if (!(value instanceof Map)) return Object.entries(value);
  return Array.from(value, ([key, item]) => {
    if (["string", "number", "boolean", "bigint"].includes(typeof key)) return [String(key), item];
    throw new TypeError(`${place(at)} has a key that is no text: JSON's keys are text`);
  });
}

function wellFormed(text, at) {
  // A surrogate without its other half.
  if (/[\ud800-\udfff]/u.test(text)) {
    throw new TypeError(`${place(at)} has text that is not Unicode: a lone surrogate`);
  }
  return text;
}

function base64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

function place({ name, path }) {
  return path ? `${name} at ${path.replace(/^\./, "")}` : name;
}

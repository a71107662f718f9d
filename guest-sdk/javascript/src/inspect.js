// Values as text for people: what the console and messages show.

/** A line is broken when it would be longer. */
const LINE_MAX = 76;
/** Objects in objects, as deep as this. */
const DEPTH_MAX = 4;
const ITEMS_MAX = 100;

/** `value` as people write it: text in quotes, objects with their fields. */
export function inspect(value) {
  return show(value, [], DEPTH_MAX);
}

/** What `console.log(...values)` writes: text as it is, `%s %d %i %f %j %o %O %c` filled in. */
export function format(...values) {
  const [first, ...rest] = values;
  if (typeof first !== "string") return values.map(plain).join(" ");
  const text = first.replace(/%[sdifjoOc%]/g, (mark) => {
    if (mark === "%%") return rest.length || values.length > 1 ? "%" : mark;
    return rest.length ? fill(mark, rest.shift()) : mark;
  });
  return [text, ...rest.map(plain)].join(" ");
}

function plain(value) {
  return typeof value === "string" ? value : inspect(value);
}

function fill(mark, value) {
  switch (mark) {
    case "%s":
      return plain(value);
    case "%d":
      return typeof value === "object" ? "NaN" : String(Number(value));
    case "%i":
      return String(Number.parseInt(value, 10));
    case "%f":
      return String(Number.parseFloat(value));
    case "%j":
      return JSON.stringify(value) ?? "undefined";
    case "%c":
      return "";
    default:
      return inspect(value);
  }
}

function show(value, above, depth) {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "bigint":
      return `${value}n`;
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "function":
      return named(value);
    case "object":
      return value === null ? "null" : showObject(value, above, depth);
    default:
      return String(value);
  }
}

function quote(text) {
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"');
  const mark = ["'", '"', "`"].find((mark) => !text.includes(mark));
  return mark ? `${mark}${escaped}${mark}` : JSON.stringify(text);
}

function named(value) {
  const kind = /^class\b/.test(Function.prototype.toString.call(value)) ? "class" : "Function";
  return `[${kind}${value.name ? `: ${value.name}` : " (anonymous)"}]`;
}

function showObject(value, above, depth) {
  if (above.includes(value)) return "[Circular]";
  const simple = showSimple(value);
  if (simple !== undefined) return simple;
  const kind = value.constructor?.name ?? "[Object: null prototype]";
  if (depth === 0) return Array.isArray(value) ? "[Array]" : `[${kind}]`;
  const inner = (item) => show(item, [...above, value], depth - 1);
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]) => `${inner(key)} => ${inner(item)}`);
    return block(`Map(${value.size}) `, entries, "{", "}");
  }
  if (value instanceof Set) {
    return block(`Set(${value.size}) `, [...value].map(inner), "{", "}");
  }
  if (Array.isArray(value)) return block("", items(value, inner), "[", "]");
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return block(`${kind}(${value.length}) `, items([...value], inner), "[", "]");
  }
  const fields = entries(value).map(([name, item]) => `${fieldName(name)}: ${item(inner)}`);
  return block(kind === "Object" ? "" : `${kind} `, fields, "{", "}");
}

function showSimple(value) {
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  }
  if (value instanceof RegExp) return String(value);
  if (value instanceof Error) return showError(value);
  if (value instanceof Promise) return "Promise {}";
  if (value instanceof URL) return `URL ${quote(value.href)}`;
  return undefined;
}

function showError(error) {
  const title = `${error.name}: ${error.message}`;
  const stack = inspect.stack(error);
  const fields = entries(error).map(([name, item]) => {
    return `${name}: ${item((value) => show(value, [error], 1))}`;
  });
  const lines = [stack ? `${title}\n${stack}` : title];
  if (fields.length) lines.push(`{ ${fields.join(", ")} }`);
  if (error.cause !== undefined) lines.push(`caused by: ${show(error.cause, [error], 2)}`);
  return lines.join("\n");
}

/** The lines of an error's stack; a component puts the step's own files into them. */
inspect.stack = (error) => {
  const lines = String(error.stack ?? "").split("\n");
  return lines.filter((line) => /^\s+at /.test(line)).join("\n");
};

/** The enumerable fields, and how each is shown: getters are not called. */
function entries(value) {
  return Reflect.ownKeys(value).flatMap((name) => {
    const field = Object.getOwnPropertyDescriptor(value, name);
    if (!field?.enumerable) return [];
    return [[name, "value" in field ? (inner) => inner(field.value) : () => "[Getter]"]];
  });
}

function fieldName(name) {
  if (typeof name === "symbol") return `[${String(name)}]`;
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quote(name);
}

function items(list, inner) {
  const shown = Array.from(list.slice(0, ITEMS_MAX), inner);
  const more = list.length - shown.length;
  return more > 0 ? [...shown, `… ${more} more`] : shown;
}

function block(title, parts, open, close) {
  if (parts.length === 0) return `${title}${open}${close}`;
  const line = `${title}${open} ${parts.join(", ")} ${close}`;
  if (line.length <= LINE_MAX && !line.includes("\n")) return line;
  const inside = parts.map((part) => `  ${part.replaceAll("\n", "\n  ")}`).join(",\n");
  return `${title}${open}\n${inside}\n${close}`;
}

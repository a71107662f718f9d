// An error of the step, as the host records it.

import { inspect } from "./inspect.js";

/** Causes of causes, as many as this. */
const CAUSES_MAX = 8;

/**
 * Why the step failed: `name`, `message`, `stack`, and `retryable`, which is false when the
 * error's own `retryable` is.
 *
 * @param {unknown} thrown anything: JavaScript throws what it is told to
 */
export function failureOf(thrown) {
  const name = textOf(() => thrown.name) || "Error";
  const message = isErrorLike(thrown) ? textOf(() => thrown.message) : shown(thrown);
  return {
    name: wellFormed(name),
    message: wellFormed(message),
    stack: wellFormed(stackOf(thrown, `${name}: ${message}`, CAUSES_MAX)),
    retryable: thrown?.retryable !== false,
  };
}

function stackOf(thrown, title, left) {
  const parts = [title];
  const lines = inspect.stack(Object(thrown));
  if (lines) parts.push(lines);
  if (left > 0) {
    for (const inner of Array.isArray(thrown?.errors) ? thrown.errors : []) {
      parts.push(`one of: ${stackOf(inner, titleOf(inner), left - 1)}`);
    }
    const cause = thrown?.cause;
    if (cause !== undefined && cause !== null) {
      parts.push(`caused by: ${stackOf(cause, titleOf(cause), left - 1)}`);
    }
  }
  return parts.join("\n");
}

function titleOf(thrown) {
  const { name, message } = isErrorLike(thrown)
    ? { name: textOf(() => thrown.name) || "Error", message: textOf(() => thrown.message) }
    : { name: "Error", message: shown(thrown) };
  return `${name}: ${message}`;
}

function isErrorLike(thrown) {
  return typeof thrown === "object" && thrown !== null && "message" in thrown;
}

function shown(thrown) {
  return typeof thrown === "string" ? thrown : inspect(thrown);
}

/** A broken getter must not hide the failure. */
function textOf(read) {
  try {
    return String(read() ?? "");
  } catch {
    return "";
  }
}

/** Without halves of surrogate pairs: it crosses to the host as UTF-8. */
function wellFormed(text) {
  return text.replace(/[\ud800-\udfff]/gu, "\ufffd");
}

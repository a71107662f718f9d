// Checks of what JavaScript lets through and the host's types do not.

import { inspect } from "./inspect.js";

const U32_MAX = 2 ** 32 - 1;

/** `value` as a whole number of milliseconds; the host checks its range. */
export function milliseconds(name, value) {
  return whole(name, value, "milliseconds", Number.MAX_SAFE_INTEGER);
}

/** `value` as a whole number from 0 to `most`. */
export function whole(name, value, unit, most = U32_MAX) {
  const number = typeof value === "bigint" ? Number(value) : value;
  if (typeof number !== "number") {
    throw new TypeError(`${name}: expected a number of ${unit}, got ${inspect(value)}`);
  }
  // Also false for NaN.
  if (!(number >= 0 && number <= most)) {
    throw new RangeError(
      `${name}: expected a number of ${unit} from 0 to ${most}, got ${inspect(value)}`,
    );
  }
  return Math.round(number);
}

/** `value` if it is text. */
export function text(name, value) {
  if (typeof value !== "string") {
    throw new TypeError(`${name}: expected text, got ${inspect(value)}`);
  }
  return value;
}

/** `value` if it is one of `choices`. */
export function oneOf(name, value, choices) {
  if (!choices.includes(value)) {
    const allowed = choices.map((choice) => JSON.stringify(choice)).join(", ");
    throw new TypeError(`${name}: expected one of ${allowed}, got ${inspect(value)}`);
  }
  return value;
}

/** `check(name, value)`, or undefined where nothing is given. */
export function optional(check, name, value, ...more) {
  return value === undefined || value === null ? undefined : check(name, value, ...more);
}

/** `value` if it is an object that has only `fields`: others are typing errors. */
export function options(name, value, fields) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`${name}: expected an object, got ${inspect(value)}`);
  }
  for (const field of Object.keys(value)) {
    if (!fields.includes(field)) {
      throw new TypeError(`${name}: there is no \`${field}\`; there are: ${fields.join(", ")}`);
    }
  }
  return value;
}

// One call of a step.

import { decode, encode } from "./encoding.js";
import { inspect } from "./inspect.js";
import { Step } from "./step.js";

const EXAMPLE = "write `export default defineComponent({ async run({ steps, $ }) { … } })`";

/**
 * The component that `module` exports: its default export, an exported function `run` or
 * `handler`, or what a CommonJS module is.
 *
 * @throws {TypeError} there is none
 */
export function componentOf(module) {
  let found = module.default ?? module.run ?? module.handler;
  // What a tool made of `export default` for CommonJS.
  if (found?.__esModule && found.default) found = found.default;
  if (typeof found === "function") return { run: found };
  if (found === undefined || (found === module.default && isEmpty(found))) {
    throw new TypeError(`there is no default export: ${EXAMPLE}`);
  }
  if (typeof found !== "object" || found === null) {
    throw new TypeError(`the default export is ${inspect(found)}: ${EXAMPLE}`);
  }
  if (typeof found.run !== "function") {
    const reason = found.type === "source" ? "a source, and a step is an action" : "no step";
    throw new TypeError(`the default export is ${reason}: it has no run(): ${EXAMPLE}`);
  }
  return found;
}

/**
 * Calls the component's `run` and gives its result as JSON text; undefined for nothing.
 * Whatever it throws is thrown.
 *
 * @param {import("./host.js").Host} host
 * @param {string} props the step's configuration, as JSON text
 */
export async function invoke(component, host, props) {
  const $ = new Step(host);
  const self = bind(component, decode(props) ?? {});
  const given = {
    $,
    props: self,
    get steps() {
      return $.steps;
    },
    get event() {
      return $.event;
    },
  };
  const result = await component.run.call(self, given);
  return result === undefined ? undefined : encode(result, "the return value");
}

/** `this` of the component: its methods, and its props with what the declaration adds. */
function bind(component, given) {
  const self = Object.create(component.methods ?? Object.prototype);
  for (const [name, value] of Object.entries(given)) set(self, name, value);
  for (const [name, declared] of Object.entries(component.props ?? {})) {
    if (given[name] !== undefined || typeof declared !== "object" || declared === null) continue;
    if ("default" in declared) set(self, name, structuredCopy(declared.default));
    else if (isRequired(declared)) throw missing(name, declared);
  }
  return self;
}

function set(self, name, value) {
  // Not by assignment: a prop may be called `__proto__` or like a method.
  const field = { value, writable: true, enumerable: true, configurable: true };
  Object.defineProperty(self, name, field);
}

/** Two runs, in a test, do not share a default. */
function structuredCopy(value) {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** Is it a value that the workflow has to give? Apps, timers and the like are not values. */
function isRequired({ type, optional }) {
  const kind = String(type).replace(/\[\]$/, "");
  return !optional && ["string", "integer", "number", "boolean", "object", "any"].includes(kind);
}

function missing(name, { type }) {
  const message = `the prop \`${name}\` (${type}) is missing: give it in the workflow's \`props\``;
  return Object.assign(new TypeError(message), { retryable: false });
}

function isEmpty(value) {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

// `console`, as Node has it: what is said goes to the run's log.
//
// The engine's own writes objects in its own way, and all of it to standard output.

import { format, inspect } from "../inspect.js";

const engine = { log: console.log.bind(console), error: console.error.bind(console) };
const counts = new Map();
const times = new Map();
let indent = "";

function line(write) {
  return (...values) => {
    const text = values.length ? format(...values) : "";
    // One call, one string: the engine would add its own quotes to anything else.
    write(indent + text.replaceAll("\n", `\n${indent}`));
  };
}

const out = line(engine.log);
const error = line(engine.error);

Object.assign(console, {
  log: out,
  info: out,
  debug: out,
  warn: error,
  error,
  dir: (value) => out(inspect(value)),
  table: (value) => out(inspect(value)),
  trace: (...values) => error(`Trace: ${format(...values)}\n${inspect.stack(new Error())}`),
  assert(truth, ...values) {
    if (!truth) error(["Assertion failed", ...(values.length ? [format(...values)] : [])].join(": "));
  },
  group(...values) {
    if (values.length) out(...values);
    indent += "  ";
  },
  groupEnd() {
    indent = indent.slice(2);
  },
  count(label = "default") {
    counts.set(label, (counts.get(label) ?? 0) + 1);
    out(`${label}: ${counts.get(label)}`);
  },
  countReset: (label = "default") => counts.delete(label),
  time: (label = "default") => times.set(label, performance.now()),
  timeLog: (label = "default", ...values) => out(`${label}: ${elapsed(label)}`, ...values),
  timeEnd(label = "default") {
    out(`${label}: ${elapsed(label)}`);
    times.delete(label);
  },
});
console.groupCollapsed = console.group;

function elapsed(label) {
  return `${(performance.now() - (times.get(label) ?? performance.now())).toFixed(3)}ms`;
}

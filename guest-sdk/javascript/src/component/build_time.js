// While a component is built there is no host, and no clock or chance that a run could share:
// the engine traps at the first use. What stands in says so, or does as well until a run begins.

import { inspect } from "../inspect.js";

let building = true;
const begin = [];

/** Is the component being built, and not run? */
export function isBuilding() {
  return building;
}

/** Calls `action` when the run begins. */
export function atRun(action) {
  begin.push(action);
}

/** The run begins: what stood in goes. */
export function beginRun() {
  building = false;
  for (const action of begin) action();
}

/** The error for `name`, which works in runs only. */
export function onlyInRuns(name) {
  return new Error(`${name} works only in a run: this is the module's top level, which runs while the component is built; call it inside run()`);
}

standIn(Math, "random", repeatingRandom(0x2545f491));
for (const name of ["getRandomValues", "randomUUID"]) {
  standIn(Object.getPrototypeOf(crypto), name, () => {
    throw onlyInRuns(`crypto.${name}`);
  });
}
standInClock();

/** Puts `value` in place of `home[name]` until the run begins. */
function standIn(home, name, value) {
  const field = Object.getOwnPropertyDescriptor(home, name);
  if (!field) throw new Error(`the engine has no ${name} in ${inspect(home)}`);
  Object.defineProperty(home, name, { ...field, value });
  atRun(() => Object.defineProperty(home, name, field));
}

/** Numbers for what a library draws once, when it is loaded: the same in all runs. */
function repeatingRandom(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function standInClock() {
  const field = Object.getOwnPropertyDescriptor(globalThis, "performance");
  const still = { now: () => 0, timeOrigin: 0, mark() {}, measure() {}, toJSON: () => ({}) };
  Object.defineProperty(globalThis, "performance", {
    value: still,
    configurable: true,
    writable: true,
    enumerable: true,
  });
  atRun(() => Object.defineProperty(globalThis, "performance", field));
}

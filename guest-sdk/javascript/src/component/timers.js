// Timers whose errors fail the run, and which are objects as in Node.
//
// A timer that is set while the component is built starts when a run begins.

import { atRun, isBuilding } from "./build_time.js";
import { crash, settled, started } from "./pending.js";

const engine = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
};
/** Timers that are none of the step's. */
export const engineTimers = { set: engine.setTimeout, clear: engine.clearTimeout };
const waiting = new Set();
const byId = new Map();
let ids = 0;

class Timeout {
  #call;
  #ms;
  #repeats;
  #id;
  #engineId;

  constructor(call, ms, repeats) {
    this.#call = call;
    this.#ms = ms;
    this.#repeats = repeats;
    this.#id = ++ids;
    byId.set(this.#id, this);
    if (isBuilding()) waiting.add(this);
    else this.start();
  }

  start() {
    started(this);
    this.#engineId = engine.setTimeout(() => this.#fire(), this.#ms);
  }

  close() {
    waiting.delete(this);
    byId.delete(this.#id);
    settled(this);
    if (this.#engineId !== undefined) engine.clearTimeout(this.#engineId);
    this.#engineId = undefined;
    return this;
  }

  refresh() {
    if (this.#engineId !== undefined) {
      engine.clearTimeout(this.#engineId);
      this.start();
    }
    return this;
  }

  // A run ends when `run` has: no timer holds it up.
  ref() {
    return this;
  }
  unref() {
    return this;
  }
  hasRef() {
    return true;
  }
  [Symbol.toPrimitive]() {
    return this.#id;
  }

  #fire() {
    if (this.#repeats) this.start();
    else this.close();
    try {
      this.#call();
    } catch (error) {
      crash(error);
    }
  }
}

function set(name, repeats) {
  return (call, ms, ...args) => {
    if (typeof call !== "function") {
      throw new TypeError(`${name}: expected a function, got ${typeof call}`);
    }
    const wait = Number(ms);
    return new Timeout(() => call(...args), wait > 0 ? wait : 0, repeats);
  };
}

function clear(timer) {
  const found = timer instanceof Timeout ? timer : byId.get(Number(timer));
  found?.close();
}

export const timers = {
  setTimeout: set("setTimeout", false),
  setInterval: set("setInterval", true),
  setImmediate: (call, ...args) => timers.setTimeout(call, 0, ...args),
  clearTimeout: clear,
  clearInterval: clear,
  clearImmediate: clear,
};

for (const [name, value] of Object.entries(timers)) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
}
atRun(() => {
  for (const timer of waiting) timer.start();
  waiting.clear();
});

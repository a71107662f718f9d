// `node:timers`: the globals.

export const setTimeout = (...args) => globalThis.setTimeout(...args);
export const setInterval = (...args) => globalThis.setInterval(...args);
export const setImmediate = (...args) => globalThis.setImmediate(...args);
export const clearTimeout = (timer) => globalThis.clearTimeout(timer);
export const clearInterval = (timer) => globalThis.clearInterval(timer);
export const clearImmediate = (timer) => globalThis.clearImmediate(timer);

export default { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate };

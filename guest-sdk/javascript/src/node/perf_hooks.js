// `node:perf_hooks`: the clock.

/** Not the global itself, which is another one while the component is built. */
export const performance = {
  now: () => globalThis.performance.now(),
  get timeOrigin() {
    return globalThis.performance.timeOrigin;
  },
  mark() {},
  measure() {},
};

export default { performance };

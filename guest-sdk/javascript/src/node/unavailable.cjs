// A module of Node that a step can't have. Importing it is no error, since libraries import what
// they use only elsewhere; the first use is one, and says why.

/** `path`: `fs.promises.readFile`. */
function absent(path, why) {
  function use() {
    throw new Error(`${path}: ${why}`);
  }
  return new Proxy(use, {
    get(target, name) {
      if (typeof name === "symbol" || name === "then" || name === "__esModule") return undefined;
      return name === "prototype" ? target.prototype : absent(`${path}.${name}`, why);
    },
    has: (_, name) => typeof name === "string" && name !== "__esModule",
  });
}

/** The module `name`. Names are found through its prototype, also those nobody has listed. */
exports.unavailable = (name, why) => Object.create(absent(name, why));

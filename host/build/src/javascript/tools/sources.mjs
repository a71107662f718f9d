// Which file and line each line of a bundle was made of.

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/**
 * The table for `component/stacks.js`: `sources`, and `runs` of `[line, source, line in the
 * source, length]`. Lines of the bundle count from 1, and one is put before it. The bundle is not
 * minified, so the first thing on a line tells for all of it.
 *
 * @param {(path: string) => string | undefined} nameOf a source's name; the library's own are
 *   left out
 */
export function table(map, nameOf) {
  const names = map.sources.map(nameOf);
  const sources = [];
  const runs = [];
  for (const [line, source, at] of starts(map.mappings)) {
    const name = names[source];
    if (name === undefined || isMachinery(name)) continue;
    if (!sources.includes(name)) sources.push(name);
    const file = sources.indexOf(name);
    const last = runs.at(-1);
    const goesOn = last?.[1] === file && last[0] + last[3] === line + 1 && last[2] + last[3] === at;
    if (goesOn) last[3]++;
    else runs.push([line + 1, file, at, 1]);
  }
  return { sources, runs };
}

function isMachinery(name) {
  return /^(waystation[/-]|node-absent:|node_modules\/@jspm\/core\/|node_modules\/@noble\/hashes\/)/.test(name);
}

/** `[line, source, line in the source]` for each line of the bundle that has a mapping. */
function* starts(mappings) {
  let source = 0;
  let at = 0;
  for (const [index, line] of mappings.split(";").entries()) {
    let first;
    for (const segment of line ? line.split(",") : []) {
      const numbers = decode(segment);
      if (numbers.length < 4) continue;
      source += numbers[1];
      at += numbers[2];
      first ??= [index + 1, source, at + 1];
    }
    if (first) yield first;
  }
}

/** The numbers of one segment: base 64, low digits first, the lowest bit is the sign. */
function decode(segment) {
  const numbers = [];
  let value = 0;
  let shift = 0;
  for (const letter of segment) {
    const digit = DIGITS.indexOf(letter);
    value |= (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    value = shift = 0;
  }
  return numbers;
}

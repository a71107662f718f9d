// The engine's stacks name lines of the bundle; people know the files it was made of.

import { inspect } from "../inspect.js";

/** `name@file:line:column`, as the engine writes a frame. */
const FRAME = /^(async\*)?(.*)@(.*?):(\d+):(\d+)$/;

let sources = [];
let runs = [];

/**
 * Takes the table that the build makes: the names of the files, and stretches of the bundle's
 * lines as `[line, file, line in the file, length]`, in order.
 */
export function useSources(table) {
  ({ sources, runs } = table);
}

inspect.stack = (error) => {
  const lines = String(error.stack ?? "").trim().split("\n");
  return lines.flatMap(frame).join("\n");
};

function frame(line) {
  const [, isAsync, called, , number] = FRAME.exec(line.trim()) ?? [];
  const place = number && placeOf(Number(number));
  if (!place) return [];
  const name = called.replace(/(\/<|<)+$/, "").split("/").at(-1) || "<anonymous>";
  return [`    at ${isAsync ? "async " : ""}${name} (${place})`];
}

/** The file and line that a line of the bundle was made of; none for the library's own. */
function placeOf(line) {
  let low = 0;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (runs[middle][0] <= line) low = middle + 1;
    else high = middle;
  }
  const [from, file, first, length] = runs[low - 1] ?? [];
  if (from === undefined || line >= from + length) return undefined;
  return `${sources[file]}:${first + line - from}`;
}

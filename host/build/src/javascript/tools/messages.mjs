// What esbuild says, for the step's author.

import { Buffer } from "node:buffer";
import { dirname, relative, resolve } from "node:path";

/** A message with its file and line as seen from the step's folder, and the line itself. */
export function describe(message, job) {
  const { text, location, notes } = message;
  if (!location) return text;
  const path = /^Could not resolve "(\.[^"]*)"/.exec(text)?.[1];
  const said = path ? `there is no ${path}` : text;
  const lines = [`${placeOf(message, job)}: ${said}`, ...shown(location)];
  if (!path) lines.push(...(notes ?? []).map((note) => `  ${note.text}`));
  return lines.join("\n");
}

/** Where a message belongs: `step.js:3`. */
export function placeOf({ location }, { step, work }) {
  if (!location) return relative(dirname(step), step);
  return `${relative(dirname(step), resolve(work, location.file))}:${location.line}`;
}

function shown({ lineText, column, length }) {
  if (!lineText) return [];
  // Columns count bytes.
  const before = Buffer.from(lineText).subarray(0, column).toString();
  const marks = "^".repeat(Math.max(1, Math.min(length, lineText.length - before.length)));
  return [`    ${lineText}`, `    ${before.replace(/[^\t]/g, " ")}${marks}`];
}

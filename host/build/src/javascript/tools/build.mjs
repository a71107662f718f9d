// One phase of a build. usage: build.mjs JOB.json
//
// The job: its `phase`, and `step`, `work`, `library`, `modules` as `bundle.mjs` has them.
// `bundle` leaves `component/step.js`, `componentize` makes `step.wasm` of it. Both leave
// `result.json`: `missing` modules, or an `error` with its `kind` (`syntax`, `component`, `load`
// or `tool`) and `message`; and `warnings`.

import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** Begins the line in which the library tells what is wrong; `component/entry.js` writes it. */
const MARK = "waystation-step-error: ";
const PHASES = { bundle, componentize };

const job = JSON.parse(readFileSync(process.argv[2], "utf8"));
const at = (name) => join(job.work, name);
writeFileSync(at("result.json"), JSON.stringify(await PHASES[job.phase]()));

async function bundle() {
  const { bundle, MissingModules, SourceError } = await import("./bundle.mjs");
  try {
    const { code, warnings } = await bundle(job);
    writeFileSync(at("component/step.js"), code);
    return { warnings };
  } catch (error) {
    if (error instanceof MissingModules) return { missing: error.missing };
    const kind = error instanceof SourceError ? "syntax" : "tool";
    return { error: { kind, message: error.message } };
  }
}

async function componentize() {
  const { componentize } = await import("@bytecodealliance/componentize-js");
  const start = `exec '${process.execPath}' --no-warnings '${at("snapshot.mjs")}' "$@"`;
  writeFileSync(at("snapshot"), `#!/bin/sh\n${start}\n`);
  chmodSync(at("snapshot"), 0o755);
  // Paths are then relative to it.
  process.chdir(at("component"));
  try {
    const { component } = await componentize({
      sourcePath: at("component/step.js"),
      witPath: at("component/wit"),
      worldName: "step-javascript",
      wizerBin: at("snapshot"),
    });
    writeFileSync(at("step.wasm"), component);
    return {};
  } catch (error) {
    return { error: told(String(error?.message ?? error)) };
  }
}

/** The step's own error, where it says so in what the engine wrote. */
function told(output) {
  const line = output.split("\n").find((line) => line.startsWith(MARK));
  return line ? JSON.parse(line.slice(MARK.length)) : { kind: "tool", message: output };
}

// Runs the engine up to where the step is loaded, and writes a module that begins there.
//
// Stands in for the program `wizer`, which componentize-js would start for this: the same
// arguments, the same result. But here time stands still and chance repeats itself, and files are
// where the engine is told they are, whatever their real folder: the same step then gives the
// same bytes. It runs in Node's engine, which also starts faster.
//
// usage: snapshot.mjs --init-func NAME --dir=PATH --mapdir=GUEST::PATH … -o=OUT IN < arguments

import { Buffer } from "node:buffer";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WASI } from "node:wasi";

import { instrument, snapshot } from "./wasm.mjs";

/** Where the folder of `--dir`, which has another name each time, is for the engine. */
const SOURCES = "/waystation";
/** The time at which every step is loaded: 1980-01-01. */
const TIME = 315_532_800_000_000_000n;

const given = parse(process.argv.slice(2));
let input = readFileSync(0, "utf8").replaceAll(given.sources, SOURCES);
for (const [guest, real] of Object.entries(given.mapped)) {
  input = input.replaceAll(real, guest === "/" ? "" : guest);
}
// The engine keeps its environment: not what the shell around this program adds to it.
const { PWD, OLDPWD, SHLVL, _, ...env } = process.env;
const { module, globals } = instrument(readFileSync(given.input));

const folder = mkdtempSync(join(tmpdir(), "waystation-"));
const stdin = join(folder, "arguments");
writeFileSync(stdin, input);
const fd = openSync(stdin, "r");
try {
  const wasi = new WASI({
    version: "preview1",
    env,
    stdin: fd,
    preopens: { [SOURCES]: given.sources, ...given.mapped },
    returnOnExit: false,
  });
  const compiled = await WebAssembly.compile(module);
  const instance = await WebAssembly.instantiate(compiled, imports(compiled, wasi));
  wasi.initialize(instance);
  instance.exports[given.init]();
  writeFileSync(given.output, snapshot(module, instance, globals, given.init));
} finally {
  closeSync(fd);
  rmSync(folder, { recursive: true });
}

function parse(args) {
  const given = { mapped: {} };
  while (args.length) {
    const arg = args.shift();
    if (arg === "--init-func") given.init = args.shift();
    else if (arg.startsWith("--dir=")) given.sources = arg.slice("--dir=".length);
    else if (arg.startsWith("--mapdir=")) {
      const [guest, real] = arg.slice("--mapdir=".length).split("::");
      given.mapped[guest] = real;
    } else if (arg.startsWith("-o=")) given.output = arg.slice("-o=".length);
    else if (!arg.startsWith("-")) given.input = arg;
  }
  return given;
}

/** What the engine imports: Node's WASI, but for time and chance; and what only a run has. */
function imports(module, wasi) {
  const all = {};
  for (const { module: home, name } of WebAssembly.Module.imports(module)) {
    all[home] ??= {};
    all[home][name] = () => {
      throw new Error(`${home} ${name}: there is no host while the step is built`);
    };
  }
  let memory;
  const view = () => new DataView(memory.buffer);
  const preview1 = "wasi_snapshot_preview1";
  Object.assign(all[preview1], wasi.wasiImport, {
    clock_time_get(_clock, _precision, at) {
      view().setBigUint64(at, TIME, true);
      return 0;
    },
    random_get(at, length) {
      Buffer.from(memory.buffer, at, length).fill("waystation");
      return 0;
    },
  });
  const { initialize } = wasi;
  wasi.initialize = (instance) => {
    memory = instance.exports.memory;
    return initialize.call(wasi, instance);
  };
  return all;
}

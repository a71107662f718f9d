// Node's own modules: what stands for them in a component.

import { join } from "node:path";

/** By @jspm/core, which has them from Node, browserify and Deno. */
const FROM_JSPM = [
  "_stream_duplex",
  "_stream_passthrough",
  "_stream_readable",
  "_stream_transform",
  "_stream_writable",
  "assert",
  "assert/strict",
  "buffer",
  "constants",
  "diagnostics_channel",
  "events",
  "os",
  "path",
  "path/posix",
  "punycode",
  "querystring",
  "stream",
  "stream/promises",
  "stream/web",
  "string_decoder",
  "sys",
  "tty",
  "url",
  "util",
  "util/types",
  "zlib",
];

/** By the library. */
const FROM_LIBRARY = {
  crypto: "crypto.js",
  perf_hooks: "perf_hooks.js",
  process: "process.js",
  timers: "timers.js",
  "timers/promises": "timers_promises.js",
};

/** What a step can't have, and why. */
const FILES = "a step has no files; what it needs is imported, or fetched, or among its props";
const SOCKETS = "a step has no sockets; call out with fetch or axios";
const PROCESSES = "a step has no other processes and no threads";
const ENGINE = "the engine of steps has none";
const ABSENT = {
  async_hooks: ENGINE,
  child_process: PROCESSES,
  cluster: PROCESSES,
  console: "use the global console",
  dgram: SOCKETS,
  dns: SOCKETS,
  "dns/promises": SOCKETS,
  domain: ENGINE,
  fs: FILES,
  "fs/promises": FILES,
  http: SOCKETS,
  http2: SOCKETS,
  https: SOCKETS,
  inspector: ENGINE,
  module: "modules are bundled when the step is built; use import",
  net: SOCKETS,
  "path/win32": "use path",
  readline: "a step has no terminal",
  "readline/promises": "a step has no terminal",
  repl: "a step has no terminal",
  sqlite: FILES,
  "stream/consumers": ENGINE,
  test: "tests run in Node, with waystation/testing",
  tls: SOCKETS,
  trace_events: ENGINE,
  v8: ENGINE,
  vm: ENGINE,
  wasi: ENGINE,
  worker_threads: PROCESSES,
};

/** The esbuild plugin that resolves them; `library` is the folder of the library's sources. */
export function builtins(library, tools) {
  const jspm = join(tools, "node_modules/@jspm/core/nodelibs/browser");
  return {
    name: "node",
    setup(build) {
      build.onResolve({ filter: /^(node:)?[a-z_0-9]+(\/[a-z]+)?\/?$/ }, async (args) => {
        const name = args.path.replace(/^node:/, "").replace(/\/$/, "");
        const prefixed = args.path.startsWith("node:");
        if (args.pluginData === "installed" || !(prefixed || isBuiltin(name))) return undefined;
        // `buffer`, `events`, `util` and others are packages too: who has one meant it.
        if (!prefixed && !args.importer.startsWith(library)) {
          const { kind, importer, resolveDir } = args;
          const options = { kind, importer, resolveDir, pluginData: "installed" };
          const installed = await build.resolve(args.path, options);
          if (installed.errors.length === 0 && !installed.external) return installed;
        }
        return standIn(name, library, jspm);
      });
      build.onLoad({ filter: /.*/, namespace: "node-absent" }, ({ path }) => ({
        contents: absent(path),
        resolveDir: library,
        loader: "js",
      }));
    },
  };
}

function isBuiltin(name) {
  return FROM_JSPM.includes(name) || name in FROM_LIBRARY || name in ABSENT;
}

function standIn(name, library, jspm) {
  if (name in FROM_LIBRARY) return { path: join(library, "node", FROM_LIBRARY[name]) };
  if (FROM_JSPM.includes(name)) return { path: join(jspm, `${name}.js`), sideEffects: false };
  return { path: name, namespace: "node-absent" };
}

function absent(name) {
  const why = ABSENT[name] ?? "a step has none";
  return `const { unavailable } = require("./node/unavailable.cjs");
module.exports = unavailable(${JSON.stringify(name)}, ${JSON.stringify(why)});`;
}

// The step, its modules and the library as one module, by esbuild.

import { dirname, join, relative, resolve, sep } from "node:path";
import { build } from "esbuild";

import { builtins } from "./builtins.mjs";
import { describe, placeOf } from "./messages.mjs";
import { table } from "./sources.mjs";

/** Packages that are imported and not there: the `name` and `place` of each. */
export class MissingModules extends Error {
  constructor(missing) {
    super(`missing modules: ${missing.map(({ name }) => name).join(", ")}`);
    this.missing = missing;
  }
}

/** The step can't be read; the message is for its author. */
export class SourceError extends Error {}

/**
 * @param {object} job `step`, the file; `work`, the folder of the build; `library`, the
 *   library's sources; `modules`, folders beside whose `node_modules` imports are looked up
 *   when the step's own have none
 * @returns the bundle's text, and what esbuild warns of
 * @throws {MissingModules | SourceError}
 */
export async function bundle(job) {
  const { step, work, library, modules } = job;
  const missing = new Set();
  const built = build({
    stdin: { contents: entry(step, library), resolveDir: work, sourcefile: "waystation-entry.js" },
    absWorkingDir: work,
    bundle: true,
    write: false,
    outfile: "bundle.js",
    format: "esm",
    platform: "browser",
    conditions: ["worker", "browser"],
    target: "es2022",
    external: ["waystation:*", "wasi:*"],
    define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
    inject: [join(work, "buffer.mjs")],
    loader: { ".cts": "ts", ".mts": "ts", ".txt": "text" },
    legalComments: "none",
    sourcemap: "external",
    sourcesContent: false,
    metafile: true,
    logLevel: "silent",
    plugins: [ownName(library), builtins(library, work), packages(modules, missing)],
  });
  const { outputFiles, metafile, warnings } = await built.catch((error) => {
    throw Array.isArray(error.errors) ? wrong(error.errors, missing, job) : error;
  });
  const [map, code] = ["bundle.js.map", "bundle.js"].map((name) => {
    return outputFiles.find(({ path }) => path.endsWith(name)).text;
  });
  const names = shortNames(metafile, { step, work, library });
  const sources = table(JSON.parse(map), (path) => names.get(path));
  const first = `globalThis.waystationSources = ${JSON.stringify(sources)};\n`;
  const own = warnings.filter(({ location }) => location && !location.file.includes("node_modules"));
  return { code: first + renamed(code, names), warnings: own.map((one) => describe(one, job)) };
}

/** What esbuild's `errors` say: of missing packages alone, something can be done about it. */
function wrong(errors, missing, job) {
  const lacks = errors.flatMap((error) => {
    const path = /^Could not resolve "(.+?)"/.exec(error.text)?.[1];
    return missing.has(path) ? [{ name: packageName(path), place: placeOf(error, job) }] : [];
  });
  if (lacks.length === errors.length) return new MissingModules(lacks);
  const others = errors.filter(({ text }) => !missing.has(/^Could not resolve "(.+?)"/.exec(text)?.[1]));
  return new SourceError(others.map((error) => describe(error, job)).join("\n"));
}

function entry(step, library) {
  const path = JSON.stringify(join(library, "component/entry.js"));
  return `import { load } from ${path};
export const handler = await load(() => import(${JSON.stringify(step)}), globalThis.waystationSources);
`;
}

/** `waystation` itself is the library that comes along, whatever is installed. */
function ownName(library) {
  return {
    name: "waystation",
    setup({ onResolve }) {
      onResolve({ filter: /^waystation$/ }, () => ({ path: join(library, "index.js") }));
    },
  };
}

/** Packages: the step's own, then those in `modules`; notes which are in neither. */
function packages(modules, missing) {
  return {
    name: "packages",
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, async (args) => {
        const { kind, importer, path } = args;
        if (args.pluginData === "installed" || /^(waystation|wasi|node|data|https?):/.test(path)) {
          return undefined;
        }
        const options = { kind, importer, pluginData: "installed" };
        for (const resolveDir of [args.resolveDir, ...modules]) {
          const found = await build.resolve(path, { ...options, resolveDir });
          if (found.errors.length === 0) return found;
        }
        missing.add(path);
        return undefined;
      });
    },
  };
}

/** `@scope/name` of `@scope/name/part`. */
function packageName(path) {
  return path.split("/", path.startsWith("@") ? 2 : 1).join("/");
}

/** Names that are the same wherever the step, the tools and the build are. */
function shortNames({ inputs }, { step, work, library }) {
  const home = dirname(step);
  const names = Object.keys(inputs).map((input) => {
    const path = resolve(work, input);
    const modules = path.lastIndexOf(`${sep}node_modules${sep}`);
    if (path.startsWith(library + sep)) return [input, `waystation/${relative(library, path)}`];
    if (modules >= 0) return [input, path.slice(modules + 1)];
    if (path.startsWith(work + sep)) return [input, `waystation/build/${relative(work, path)}`];
    return [input, input.includes(":") ? input : relative(home, path)];
  });
  return new Map(names);
}

/** The bundle with `names` where esbuild has written paths: in comments, and as wrappers' names. */
function renamed(code, names) {
  const lines = code.split("\n").map((line) => {
    const [, indent, path] = /^(\s*)\/\/ (.+)$/.exec(line) ?? [];
    return names.has(path) ? `${indent}// ${names.get(path)}` : line;
  });
  let text = lines.join("\n");
  for (const [path, name] of names) {
    text = text.replaceAll(`${JSON.stringify(path)}(`, `${JSON.stringify(name)}(`);
  }
  return text;
}

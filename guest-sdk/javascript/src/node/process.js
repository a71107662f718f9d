// `process`, as far as a step has one.

function no(name, why) {
  return () => {
    throw new Error(`process.${name}: ${why}`);
  };
}

function stream(write, fd) {
  let rest = "";
  return {
    fd,
    isTTY: false,
    writable: true,
    /** The log has lines: what is not ended yet waits for its end. */
    write(chunk) {
      const lines = (rest + (typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk))).split("\n");
      rest = lines.pop();
      for (const line of lines) write(line);
      return true;
    },
    end() {},
    on() {
      return this;
    },
    once() {
      return this;
    },
    emit: () => false,
  };
}

const none = () => process;

const process = {
  title: "step",
  pid: 1,
  platform: "linux",
  arch: "wasm32",
  argv: ["node", "step"],
  argv0: "node",
  execArgv: [],
  execPath: "/node",
  exitCode: undefined,
  version: "v20.0.0",
  // No `node` in it: libraries take that for leave to use files and sockets.
  versions: {},
  release: { name: "node" },
  config: {},
  features: {},
  browser: true,
  /** The step's settings, in runs. */
  env: {},
  stdout: stream((line) => console.log("%s", line), 1),
  stderr: stream((line) => console.error("%s", line), 2),
  nextTick: (call, ...args) => queueMicrotask(() => call(...args)),
  cwd: () => "/",
  umask: () => 0,
  uptime: () => performance.now() / 1000,
  memoryUsage: () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }),
  emitWarning: (warning) => console.warn("%s", String(warning)),
  chdir: no("chdir", "a step has no files"),
  exit: no("exit", "return from run(), or call $.flow.exit()"),
  abort: no("abort", "throw an error"),
  kill: no("kill", "a step has no processes"),
  emit: () => false,
  listeners: () => [],
  listenerCount: () => 0,
};
for (const name of ["on", "once", "off", "addListener", "removeListener", "removeAllListeners"]) {
  process[name] = none;
}
process.prependListener = process.prependOnceListener = none;

process.hrtime = (since) => {
  const now = process.hrtime.bigint();
  const from = since ? BigInt(since[0]) * 1_000_000_000n + BigInt(since[1]) : 0n;
  return [Number((now - from) / 1_000_000_000n), Number((now - from) % 1_000_000_000n)];
};
process.hrtime.bigint = () => BigInt(Math.round(performance.now() * 1e6));

export const { env, argv, platform, version, versions, nextTick, cwd, hrtime, stdout, stderr } =
  process;
export default process;
export { process };

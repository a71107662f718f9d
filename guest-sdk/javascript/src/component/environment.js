// The step's settings (`allow.config`), which the host gives as environment variables.

import { getEnvironment } from "wasi:cli/environment@0.2.12";

import process from "../node/process.js";

globalThis.process ??= process;

/** Makes `process.env` this run's. While the component is built it is empty. */
export function readEnvironment() {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, Object.fromEntries(getEnvironment()));
}

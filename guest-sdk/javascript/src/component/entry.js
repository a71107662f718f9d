// Where the build of a component begins, and where each of its runs does.

import { beginRun } from "./build_time.js";
import "./web.js";
import "./console.js";
import "./timers.js";
import "./fetch.js";
import { engineTimers } from "./timers.js";
import { useSources } from "./stacks.js";
import { watched } from "./pending.js";
import { readEnvironment } from "./environment.js";
import { componentHost } from "./host.js";
import { defineAction, defineComponent } from "../define.js";
import { failureOf } from "../failure.js";
import { componentOf, invoke } from "../invoke.js";

/** Begins the line that tells the builder, as JSON, what is wrong with the step. */
const MARK = "waystation-step-error: ";

Object.assign(globalThis, { defineComponent, defineAction });

/**
 * Loads the step, and gives the world's export.
 *
 * @param {() => Promise<object>} importStep
 */
export async function load(importStep, sources) {
  useSources(sources);
  const module = await told("load", importStep);
  const component = await told("component", () => componentOf(module));
  return async (props) => {
    try {
      beginRun();
      readEnvironment();
      const deadlineMs = componentHost.execution().deadline_ms;
      return await watched(invoke(component, componentHost, props), deadlineMs, engineTimers);
    } catch (error) {
      throw failureOf(error);
    }
  };
}

/** What `work` gives; what is wrong with it is told to the builder, too. */
async function told(kind, work) {
  try {
    return await work();
  } catch (error) {
    console.error(MARK + JSON.stringify({ kind, ...failureOf(error) }));
    throw error;
  }
}

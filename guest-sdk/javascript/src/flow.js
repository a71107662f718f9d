// Pause the workflow, run the step again, or end the workflow.

import { milliseconds, oneOf, optional, options, text, whole } from "./arguments.js";
import { encode } from "./encoding.js";

const SUSPEND_OPTIONS = ["timeoutMs", "timeout", "onTimeout", "message", "resumeSchema"];
const ON_TIMEOUT = ["resume", "cancel", "fail"];

/**
 * `$.flow`. No call here stops the step: the code after it still runs, and the host acts when
 * the step returns. If the step fails, what was asked for is dropped. Of several calls in one run
 * the last one stands. The links that come back work at once.
 */
export class Flow {
  #host;

  /** @param {import("./host.js").Host} host */
  constructor(host) {
    this.#host = host;
  }

  /** Pauses until the resume link is called or the time, 24 hours unless given, is over. */
  suspend(given) {
    const asked = typeof given === "object" && given !== null ? given : { timeoutMs: given };
    options("suspend", asked, SUSPEND_OPTIONS);
    const schema = asked.resumeSchema ?? undefined;
    return this.#host.suspend({
      timeoutMs: optional(milliseconds, "suspend: timeoutMs", asked.timeoutMs ?? asked.timeout),
      onTimeout: optional(oneOf, "suspend: onTimeout", asked.onTimeout, ON_TIMEOUT),
      message: optional(text, "suspend: message", asked.message),
      resumeSchema: schema && encode(schema, "resumeSchema"),
    });
  }

  /** Runs this step again after `delay` milliseconds, `maxRetries` times (10) at most. */
  rerun(delay, context, maxRetries) {
    return this.#host.rerun(
      milliseconds("rerun: delay", delay),
      context === undefined || context === null ? undefined : encode(context, "rerun: context"),
      optional(whole, "rerun: maxRetries", maxRetries, "reruns"),
    );
  }

  /** Pauses for `ms` milliseconds, then goes on with the next step. */
  delay(ms) {
    return this.#host.delay(milliseconds("delay: ms", ms));
  }

  /** Takes back what this run asked for: no pause, no rerun. */
  withdraw() {
    this.#host.withdraw();
  }

  /** Ends the workflow, successfully, when the step returns. */
  exit(reason) {
    this.#host.exit(optional(text, "exit: reason", reason));
  }
}

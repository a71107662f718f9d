// Run a step in plain Node, without a host:
//
//     import { FakeHost } from "waystation/testing";
//     const host = new FakeHost({ runs: 2, context: { n: 1 } });
//     const returned = await host.call(step, { url: "…" });
//     host.asked        // ["rerun", 1000, null, 3], or null

import { componentOf, invoke } from "./invoke.js";
import { defineAction, defineComponent } from "./define.js";
import { decode } from "./encoding.js";

globalThis.defineComponent ??= defineComponent;
globalThis.defineAction ??= defineAction;

/**
 * A host that remembers what the step asked for: `asked` is the flow call that stands, `ended`
 * an exit; `exports`, `mails` and `response` are what was handed over.
 */
export class FakeHost {
  #given;
  asked = null;
  ended = null;
  exports = {};
  mails = [];
  response = null;

  constructor(given = {}) {
    this.#given = { runs: 1, event: null, steps: {}, test: false, attempt: 1, ...given };
  }

  /** Calls the step, a component or what its module exports, and gives its result from JSON. */
  async call(step, props = {}) {
    const isModule = typeof step !== "function" && step.run === undefined;
    const component = componentOf(isModule ? step : { default: step });
    const result = await invoke(component, this, JSON.stringify(props));
    return result === undefined ? undefined : JSON.parse(result);
  }

  run() {
    const { runs, context, callback_request } = this.#given;
    return { runs, context: text(context), callback_request: text(callback_request) };
  }

  execution() {
    return {
      id: "01890a5d-ac96-774b-bcce-b302099a8057",
      workflow: "test",
      workflow_version: 1,
      step: "step",
      triggered_at: "2026-01-01T00:00:00Z",
      deadline_ms: 1767225630000,
      attempt: this.#given.attempt,
      idempotency_key: `test/step/${this.#given.runs}`,
      test: this.#given.test,
    };
  }

  event() {
    return JSON.stringify(this.#given.event);
  }

  steps() {
    return JSON.stringify(this.#given.steps);
  }

  suspend({ timeoutMs, onTimeout, message, resumeSchema }) {
    const asked = { timeoutMs, onTimeout, message, resumeSchema: decode(resumeSchema) ?? undefined };
    return this.#pause("suspend", JSON.parse(JSON.stringify(asked)));
  }

  rerun(delayMs, context, maxRetries) {
    if (this.#given.runs > (maxRetries ?? 10)) return links(false);
    return this.#pause("rerun", delayMs, decode(context), maxRetries ?? 10);
  }

  delay(delayMs) {
    return this.#pause("delay", delayMs);
  }

  withdraw() {
    this.asked = this.ended = null;
  }

  exit(reason) {
    this.ended = ["exit", reason];
  }

  export(name, value) {
    this.exports[name] = JSON.parse(value);
  }

  respond(status, headers, body) {
    this.response = { status, headers: Object.fromEntries(headers), body };
  }

  email(mail) {
    this.mails.push(mail);
  }

  #pause(...asked) {
    this.asked = asked;
    return links(true);
  }
}

function text(value) {
  return value === undefined || value === null ? undefined : JSON.stringify(value);
}

function links(scheduled) {
  return {
    resume_url: "http://localhost/resume/token",
    cancel_url: "http://localhost/cancel/token",
    approval_url: "http://localhost/approve/token",
    scheduled,
  };
}

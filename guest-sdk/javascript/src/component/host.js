// The host, through the component's imports. See `../host.js`.

import * as context from "waystation:step/context@0.1.0";
import * as exports from "waystation:step/exports@0.1.0";
import * as flow from "waystation:step/flow@0.1.0";
import * as httpResponse from "waystation:step/http-response@0.1.0";
import * as send from "waystation:step/send@0.1.0";

import { HostError } from "../host.js";

/** Calls the host; what it refuses is thrown, in its words. */
function ask(call) {
  try {
    return call();
  } catch (refusal) {
    const { tag, val } = refusal?.payload ?? {};
    throw tag === undefined ? refusal : new HostError(tag, String(val));
  }
}

/** 64-bit numbers are BigInts there. */
function u64(number) {
  return number === undefined ? undefined : BigInt(number);
}

function links({ resumeUrl, cancelUrl, approvalUrl, scheduled }) {
  return { resume_url: resumeUrl, cancel_url: cancelUrl, approval_url: approvalUrl, scheduled };
}

/** @type {import("../host.js").Host} */
export const componentHost = {
  run() {
    const run = context.getRun();
    return { runs: run.runs, context: run.context, callback_request: run.callbackRequest };
  },

  execution() {
    const execution = context.getExecution();
    return {
      id: execution.id,
      workflow: execution.workflow,
      workflow_version: execution.workflowVersion,
      step: execution.step,
      triggered_at: execution.triggeredAt,
      deadline_ms: Number(execution.deadlineMs),
      attempt: execution.attempt,
      idempotency_key: execution.idempotencyKey,
      test: execution.test,
    };
  },

  event: () => context.getEvent(),
  steps: () => context.getSteps(),

  suspend(options) {
    const asked = { ...options, timeoutMs: u64(options.timeoutMs) };
    return links(ask(() => flow.suspendWith(asked)));
  },

  rerun: (delayMs, value, maxRetries) =>
    links(ask(() => flow.rerun(u64(delayMs), value, maxRetries))),
  delay: (delayMs) => links(ask(() => flow.delay(u64(delayMs)))),
  withdraw: () => flow.withdraw(),
  exit: (reason) => flow.exit(reason),
  export: (name, value) => ask(() => exports.set(name, value)),
  respond: (status, headers, body) =>
    ask(() => httpResponse.respond({ status, headers, body })),
  email: (mail) => ask(() => send.email(mail)),
};

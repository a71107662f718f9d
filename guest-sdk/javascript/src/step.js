// What a step is given beside its props.

import { options, text, whole } from "./arguments.js";
import { decode, encode } from "./encoding.js";
import { Flow } from "./flow.js";
import { Send } from "./mail.js";

const RESPONSE = ["status", "headers", "body", "immediate"];

/** `$`: the step's view of its workflow. The host is asked only for what is read. */
export class Step {
  #host;
  #kept = {};

  /** @param {import("./host.js").Host} host */
  constructor(host) {
    this.#host = host;
    this.flow = new Flow(host);
    this.send = new Send(host);
    // Components hand these on as plain functions.
    this.export = this.export.bind(this);
    this.respond = this.respond.bind(this);
  }

  /** Which execution and which run this is. */
  get context() {
    return (this.#kept.context ??= this.#readContext());
  }

  /** The event that triggered the workflow. */
  get event() {
    if (!("event" in this.#kept)) this.#kept.event = decode(this.#host.event());
    return this.#kept.event;
  }

  /** What the steps so far exported, and the event as `trigger.event`. */
  get steps() {
    return (this.#kept.steps ??= this.#readSteps());
  }

  /** Exports `value` under `name`, for later steps and for people. */
  export(name, value) {
    this.#host.export(text("export: name", name), encode(value, `the export ${name}`));
  }

  /** Answers the HTTP request that triggered the workflow. */
  respond(response) {
    const { status = 200, headers, body } = options("respond", response, RESPONSE);
    const fields = pairs(headers).map(([name, value]) => [String(name), String(value)]);
    const [kind, bytes] = payload(body);
    if (kind && !fields.some(([name]) => name.toLowerCase() === "content-type")) {
      fields.push(["content-type", kind]);
    }
    this.#host.respond(whole("respond: status", status, "the HTTP status", 999), fields, bytes);
  }

  #readContext() {
    const execution = this.#host.execution();
    const { runs, context, callback_request } = this.#host.run();
    return {
      ...execution,
      deadline: rfc3339(execution.deadline_ms),
      run: { runs, context: decode(context), callback_request: decode(callback_request) },
    };
  }

  #readSteps() {
    const steps = decode(this.#host.steps());
    steps.trigger ??= { event: this.event };
    return steps;
  }
}

/** Headers as pairs: of an object, of pairs, of `Headers`. */
function pairs(headers) {
  if (headers === undefined || headers === null) return [];
  return typeof headers[Symbol.iterator] === "function" ? [...headers] : Object.entries(headers);
}

/** The media type and the bytes of an answer's body. */
function payload(body) {
  if (body === undefined || body === null) return [undefined, new Uint8Array()];
  const utf8 = new TextEncoder();
  if (typeof body === "string") return ["text/plain; charset=utf-8", utf8.encode(body)];
  if (body instanceof ArrayBuffer) return ["application/octet-stream", new Uint8Array(body)];
  if (body instanceof Uint8Array) return ["application/octet-stream", body];
  return ["application/json", utf8.encode(encode(body, "the response's body"))];
}

function rfc3339(ms) {
  const at = new Date(ms);
  // A host without a deadline may say "never".
  return Number.isNaN(at.getTime()) ? `${ms} ms` : at.toISOString();
}

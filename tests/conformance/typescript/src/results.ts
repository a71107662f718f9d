// What a step hands over, and what it is given.

import type { Program } from "./program";

class OutOfStock extends Error {
  override name = "OutOfStock";

  constructor(
    message: string,
    readonly retryable: boolean,
  ) {
    super(message);
  }
}

function reserve(message: string, retryable: boolean): never {
  throw new OutOfStock(message, retryable);
}

export const results: Record<string, Program> = {
  export({ $ }) {
    $.export("answer", { n: 42 });
    $.export("$summary", "answered");
    try {
      $.export("$resume_data", 1);
    } catch (error) {
      return { refused: (error as Error).message };
    }
  },

  respond({ $, event }) {
    const headers = { "x-answered-by": "conformance", "content-type": "application/json" };
    $.respond({ status: 201, headers, body: JSON.stringify({ got: event.body }) });
    return "responded";
  },

  mail({ $, props: { to, subject, text } }) {
    $.send.email({ to: [to], subject, text });
    return "sent";
  },

  error: ({ props }) => reserve(props.message, props.retryable),

  echo: ({ props }) => ({ value: props.value }),

  log({ props }) {
    console.info("out: %s", props.text);
    console.warn("err: %s", props.text);
    return "logged";
  },

  view({ $, steps, props, event }) {
    const { workflow, step, attempt, test, run } = $.context;
    const execution = { workflow, step, attempt, test, runs: run.runs };
    return { props, event, before: steps.first.$return_value, execution };
  },
};

// What a step hands over, and what it is given.

class OutOfStock extends Error {
  name = "OutOfStock";

  constructor(message, retryable) {
    super(message);
    this.retryable = retryable;
  }
}

function exported({ $ }) {
  $.export("answer", { n: 42 });
  $.export("$summary", "answered");
  try {
    $.export("$resume_data", 1);
  } catch (error) {
    return { refused: error.message };
  }
}
export { exported as export };

export function respond({ steps, $ }) {
  $.respond({
    status: 201,
    headers: { "x-answered-by": "conformance" },
    body: { got: steps.trigger.event.body },
  });
  return "responded";
}

export async function mail({ $ }) {
  const { to, subject, text } = this;
  await $.send.email({ to, subject, text });
  return "sent";
}

function reserve(message, retryable) {
  throw new OutOfStock(message, retryable);
}

export function error() {
  reserve(this.message, this.retryable);
}

export function echo() {
  return { value: this.value };
}

export function log() {
  console.log(`out: ${this.text}`);
  console.error(`err: ${this.text}`);
  return "logged";
}

export function view({ steps, $ }) {
  const { workflow, step, attempt, test, run } = $.context;
  return {
    props: { ...this },
    event: $.event,
    before: steps.first.$return_value,
    execution: { workflow, step, attempt, test, runs: run.runs },
  };
}

// The step's side of the library, in plain Node.

import assert from "node:assert/strict";
import { test } from "node:test";

import { failureOf } from "../src/failure.js";
import { FakeHost } from "../src/testing.js";

const step = (run, more = {}) => ({ ...more, run });

test("a rerun hands its context to the next run", async () => {
  const host = new FakeHost();
  const links = await host.call(step(({ $ }) => $.flow.rerun(10_000, { hello: "world" }, 3)));
  assert.deepEqual(host.asked, ["rerun", 10_000, { hello: "world" }, 3]);
  assert.equal(links.scheduled, true);
  const next = new FakeHost({ runs: 2, context: { hello: "world" } });
  assert.deepEqual(await next.call(step(({ $ }) => $.context.run.context)), { hello: "world" });
});

test("a rerun past its limit is not scheduled", async () => {
  const host = new FakeHost({ runs: 4 });
  assert.equal(await host.call(step(({ $ }) => $.flow.rerun(1, null, 3).scheduled)), false);
  assert.equal(host.asked, null);
});

test("suspend takes a time, or options", async () => {
  for (const [given, asked] of [
    [[], {}],
    [[1000], { timeoutMs: 1000 }],
    [[{ timeout: 1000 }], { timeoutMs: 1000 }],
    [
      [{ onTimeout: "fail", message: "?", resumeSchema: { type: "object" } }],
      { onTimeout: "fail", message: "?", resumeSchema: { type: "object" } },
    ],
  ]) {
    const host = new FakeHost();
    await host.call(step(({ $ }) => $.flow.suspend(...given)));
    assert.deepEqual(host.asked, ["suspend", asked]);
  }
});

test("wrong arguments are errors that name them", async () => {
  for (const [call, words] of [
    [({ $ }) => $.flow.rerun("10 s"), /delay/],
    [({ $ }) => $.flow.rerun(-1), /delay/],
    [({ $ }) => $.flow.delay(NaN), /ms/],
    [({ $ }) => $.flow.suspend({ onTimeout: "explode" }), /onTimeout/],
    [({ $ }) => $.flow.suspend({ timeoutMS: 1 }), /timeoutMS/],
    [({ $ }) => $.flow.rerun(1, null, -1), /maxRetries/],
    [({ $ }) => $.send.email({ subject: 1 }), /subject/],
    [({ $ }) => $.export(7, 1), /name/],
  ]) {
    await assert.rejects(new FakeHost().call(step(call)), words);
  }
});

test("withdraw takes back, exit ends", async () => {
  const host = new FakeHost();
  await host.call(
    step(({ $ }) => {
      $.flow.suspend();
      $.flow.withdraw();
      $.flow.exit("done");
    }),
  );
  assert.deepEqual([host.asked, host.ended], [null, ["exit", "done"]]);
});

test("props and methods are bound to this, with the declaration's defaults", async () => {
  const component = {
    props: { who: { type: "string" }, greeting: { type: "string", default: "Hello" } },
    methods: {
      greet() {
        return `${this.greeting}, ${this.who}!`;
      },
    },
    run() {
      return this.greet();
    },
  };
  assert.equal(await new FakeHost().call(component, { who: "Ada" }), "Hello, Ada!");
  await assert.rejects(new FakeHost().call(component, {}), /the prop `who` \(string\) is missing/);
});

test("a plain function and a module are steps, too", async () => {
  assert.equal(await new FakeHost().call(() => 1), 1);
  assert.equal(await new FakeHost().call({ default: { run: () => 2 } }), 2);
  await assert.rejects(new FakeHost().call({ default: {} }), /no default export|no run/);
});

test("exports, mails and answers reach the host", async () => {
  const host = new FakeHost({ event: { n: 7 }, steps: { ask: { $return_value: 1 } } });
  const result = await host.call(
    step(({ steps, $ }) => {
      $.export("$summary", "fine");
      $.send.email({ subject: "s", text: "t", to: "a@example.com" });
      $.respond({ status: 201, body: { id: steps.trigger.event.n } });
      return steps.ask.$return_value;
    }),
  );
  assert.equal(result, 1);
  assert.deepEqual(host.exports, { $summary: "fine" });
  assert.deepEqual(host.mails[0].to, ["a@example.com"]);
  assert.equal(host.response.status, 201);
  assert.equal(host.response.headers["content-type"], "application/json");
  assert.equal(new TextDecoder().decode(host.response.body), '{"id":7}');
});

test("values that are no JSON become some, or are named with their place", async () => {
  const value = { at: new Date(0), big: 7n, set: new Set([1]), none: undefined };
  const result = await new FakeHost().call(step(() => value));
  assert.deepEqual(result, { at: "1970-01-01T00:00:00.000Z", big: 7, set: [1] });
  const itself = { items: [{}] };
  itself.items[0].self = itself;
  await assert.rejects(new FakeHost().call(step(() => itself)), /the return value.*items/s);
});

test("an error tells its name, its message, its cause and whether to try again", () => {
  const error = new RangeError("none left", { cause: new Error("the shelf is empty") });
  const failure = failureOf(Object.assign(error, { retryable: false }));
  assert.deepEqual([failure.name, failure.message, failure.retryable], ["RangeError", "none left", false]);
  assert.match(failure.stack, /caused by: Error: the shelf is empty/);
  assert.equal(failureOf("just text").message, "just text");
  assert.equal(failureOf(new Error("x")).retryable, true);
});

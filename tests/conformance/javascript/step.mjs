// The conformance programs in JavaScript.

import * as calls from "./programs/calls.mjs";
import * as flow from "./programs/flow.mjs";
import * as results from "./programs/results.mjs";

const PROGRAMS = { ...flow, ...results, ...calls };

export default defineComponent({
  props: { program: { type: "string" } },
  async run({ steps, $ }) {
    const program = PROGRAMS[this.program];
    if (!program) throw new Error(`there is no program ${this.program}`);
    return program.call(this, { steps, $ });
  },
});

// The conformance programs in TypeScript.

import type { Given } from "waystation";

import { calls } from "./calls";
import { flow } from "./flow";
import type { Program, Props } from "./program";
import { results } from "./results";

const programs = new Map<string, Program>(Object.entries({ ...flow, ...results, ...calls }));

export default {
  async run(this: Props, given: Given): Promise<unknown> {
    const program = programs.get(this.program);
    if (program === undefined) throw new Error(`there is no program ${this.program}`);
    return program({ ...given, props: { ...this } });
  },
};

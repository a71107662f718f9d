// What a step imports from "waystation". Nothing has to be: `defineComponent` is a global where
// steps run.
//
// Layout: `step`, `flow` and `mail` are the step's side; `encoding` and `inspect` are its values;
// `invoke` and `failure` are one call of it; `host` is the seam to the host; `component` is what
// only works inside a component, and `node` what stands there for Node's own modules.

export { defineAction, defineComponent } from "./define.js";
export { HostError } from "./host.js";

// Put in by esbuild where a module names `Buffer`.

export { Buffer } from "node:buffer";

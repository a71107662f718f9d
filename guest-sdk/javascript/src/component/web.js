// What the engine's web classes lack.

const CLASSES = [
  "AbortSignal",
  "Blob",
  "File",
  "FormData",
  "Headers",
  "ReadableStream",
  "Request",
  "Response",
  "URL",
  "URLSearchParams",
];

// Libraries (axios) tell the classes apart by their tag.
for (const name of CLASSES) {
  const { prototype } = globalThis[name] ?? {};
  if (prototype && !(Symbol.toStringTag in prototype)) {
    Object.defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true });
  }
}
globalThis.global ??= globalThis;

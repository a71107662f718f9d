// The seam between the library and whoever hosts the step: inside a component
// `component/host.js`, in tests `testing.js`. Values cross as JSON text, times in milliseconds;
// what is absent is undefined.

/**
 * What a step asks of its host. Every call may throw a `HostError`.
 *
 * @typedef {object} Host
 * @property {() => { runs: number, context?: string, callback_request?: string }} run
 * @property {() => object} execution the fields of `$.context`, apart from `run`
 * @property {() => string} event the triggering event
 * @property {() => string} steps what the steps so far exported
 * @property {(options: { timeoutMs?: number, onTimeout?: string, message?: string,
 *   resumeSchema?: string }) => Links} suspend
 * @property {(delayMs: number, context?: string, maxRetries?: number) => Links} rerun
 * @property {(delayMs: number) => Links} delay
 * @property {() => void} withdraw takes back what this run asked for
 * @property {(reason?: string) => void} exit ends the workflow when the step returns
 * @property {(name: string, value: string) => void} export
 * @property {(status: number, headers: [string, string][], body: Uint8Array) => void} respond
 * @property {(mail: { to: string[], subject: string, text?: string, html?: string }) => void} email
 *
 * @typedef {{ resume_url: string, cancel_url: string, approval_url: string, scheduled: boolean }}
 *   Links
 */

/** What the host refuses, in its words. */
export class HostError extends Error {
  /** @param {string} code the case: `invalid-argument`, `not-allowed`, … */
  constructor(code, message) {
    super(message);
    this.name = "HostError";
    this.code = code;
  }
}

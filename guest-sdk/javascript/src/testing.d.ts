// `import { FakeHost } from "waystation/testing"`: run a step in plain Node, without a host.

import type { Component } from "./index.js";

/** What the host is to tell the step. */
export interface Told {
  /** Default: 1. */
  runs?: number;
  context?: unknown;
  callback_request?: unknown;
  event?: unknown;
  steps?: Record<string, Record<string, unknown>>;
  test?: boolean;
  /** Default: 1. */
  attempt?: number;
}

/** A host that remembers what the step asked for. */
export class FakeHost {
  constructor(told?: Told);
  /** The flow call that stands, with its arguments; null: none. */
  asked: unknown[] | null;
  /** `["exit", reason]`, or null. */
  ended: [string, string | undefined] | null;
  exports: Record<string, unknown>;
  mails: { to: string[]; subject: string; text?: string; html?: string }[];
  response: { status: number; headers: Record<string, string>; body: Uint8Array } | null;
  /** Calls the step, a component or what its module exports, and gives its result as JSON has it. */
  call(step: Component<any, any, any> | Function | object, props?: Record<string, unknown>): Promise<any>;
}

// What a step in TypeScript sees: `import { defineComponent } from "waystation"`, or the global.

/** Any value that JSON has. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Where an outside person or service reaches a pause. They work at once, also before the step has ended. */
export interface Links {
  /** Any HTTP request sent here resumes the workflow, or reruns the step. */
  resume_url: string;
  /** Any HTTP request sent here cancels the execution. */
  cancel_url: string;
  /** A page for people: shows what waits, and asks before it acts. */
  approval_url: string;
  /** False when a rerun asks for more runs than it allows: nothing is scheduled. */
  scheduled: boolean;
}

/** An HTTP request, as links and triggers record it. */
export interface HttpRequest {
  method: string;
  /** Without the query. */
  path: string;
  /** Whole. */
  url: string;
  query: Record<string, any>;
  /** Names in lower case. */
  headers: Record<string, any>;
  /** Parsed JSON, an object of form fields, text, or `{ base64 }`; null when empty. */
  body: any;
  client_ip: string | null;
}

export interface SuspendOptions {
  /** Milliseconds, 1 to 365 days. Default: 24 hours. */
  timeoutMs?: number;
  /** Default: the host's, which is to resume unless it is set otherwise. */
  onTimeout?: "resume" | "cancel" | "fail";
  /** A line of text for the people who approve. */
  message?: string;
  /** A JSON Schema that the resuming request's body must satisfy. */
  resumeSchema?: object | boolean;
}

/** Which run of its step this is, and what caused it. */
export interface Run {
  /** 1 on the first run, one more with each rerun. */
  runs: number;
  /** What the run before handed to `rerun`. */
  context: any;
  /** The request that called the resume link and so caused this run. */
  callback_request?: HttpRequest;
}

/** Which execution this is. */
export interface Context {
  id: string;
  workflow: string;
  workflow_version: number;
  step: string;
  /** RFC 3339. */
  triggered_at: string;
  /** RFC 3339: the run is cut off then. */
  deadline: string;
  /** The same in milliseconds since the Unix epoch. */
  deadline_ms: number;
  /** From 1. */
  attempt: number;
  /** The same for every attempt of one run: hand it to services that take one. */
  idempotency_key: string;
  test: boolean;
  run: Run;
}

/** The step's view of its workflow. */
export interface Step {
  flow: {
    /** Pauses when the step returns, until the resume link is called or the time is over. */
    suspend(timeoutMs?: number | SuspendOptions): Links;
    /** Runs this step again after `delay` milliseconds, at most `maxRetries` (10) times. */
    rerun(delay: number, context?: unknown, maxRetries?: number): Links;
    /** Pauses for `ms` milliseconds, then goes on with the next step. */
    delay(ms: number): Links;
    /** Takes back what this run asked for. */
    withdraw(): void;
    /** Ends the workflow, successfully, when the step returns. */
    exit(reason?: string): void;
  };
  context: Context;
  /** The event that triggered the workflow. */
  event: any;
  /** Exports `value` under `name`, for later steps and for people. */
  export(name: string, value: unknown): void;
  /** Answers the HTTP request that triggered the workflow. */
  respond(response: { status?: number; headers?: HeadersInit | Record<string, unknown>; body?: unknown }): void;
  send: {
    /** Hands a mail to the host, which delivers it after the run, also when the run fails. */
    email(mail: { to?: string | string[]; subject: string; text?: string; html?: string }): void;
  };
}

type HeadersInit = [string, string][] | Record<string, string>;

/** What `run` is called with. */
export interface Given {
  /** What the steps so far exported, and the event as `steps.trigger.event`. */
  steps: Record<string, any>;
  $: Step;
  event: any;
}

/** The declaration of one prop. */
export type PropDeclaration =
  | string
  | { type: string; default?: unknown; label?: string; description?: string; optional?: boolean; [more: string]: unknown };

type TypeNames = {
  string: string;
  integer: number;
  number: number;
  boolean: boolean;
  "string[]": string[];
  "integer[]": number[];
  object: Record<string, any>;
  any: any;
};
type TypeOf<D> = D extends { type: infer T } ? ByName<T> : ByName<D>;
type ByName<T> = T extends keyof TypeNames ? TypeNames[T] : any;

/** The step's props as fields of `this`. */
export type Props<P> = { [K in keyof P]: TypeOf<P[K]> };

export interface Component<P, M, R> {
  name?: string;
  description?: string;
  key?: string;
  version?: string;
  type?: string;
  props?: P;
  methods?: M & ThisType<Props<P> & M>;
  run(this: Props<P> & M, given: Given): R;
}

/** The component as it is: the name says what it is, to people and to TypeScript. */
export function defineComponent<const P extends Record<string, PropDeclaration> = {}, M = {}, R = unknown>(
  component: Component<P, M, R>,
): Component<P, M, R>;

/** Another name for `defineComponent`. */
export const defineAction: typeof defineComponent;

/** What the host refuses, in its words. */
export class HostError extends Error {
  /** The case: `invalid-argument`, `not-allowed`, … */
  code: string;
}

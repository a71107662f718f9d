// What a program is.

import type { Given } from "waystation";

/** The props of all programs. */
export interface Props {
  program: string;
  ms: number;
  message: string;
  schema: object;
  reason: string;
  to: string;
  subject: string;
  text: string;
  retryable: boolean;
  value: unknown;
  url: string;
}

export type Program = (given: Given & { props: Props }) => unknown;

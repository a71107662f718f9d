// What pauses, runs again and ends.

import { HostError, type Links } from "waystation";

import type { Program } from "./program";

interface Counter {
  n: number;
  text: string;
}

export const flow: Record<string, Program> = {
  suspend: ({ $ }): Links => $.flow.suspend(),

  timeout({ $, props }) {
    $.flow.suspend({ timeoutMs: props.ms });
    return "suspended";
  },

  approval({ $, props: { message, schema } }) {
    $.flow.suspend({ message, resumeSchema: schema, timeoutMs: 60_000, onTimeout: "cancel" });
    return "asked";
  },

  rerun({ $, props }) {
    const { runs, context } = $.context.run;
    if (runs === 3) return { runs, context };
    const n = ((context as Counter | null)?.n ?? 0) + 1;
    $.flow.rerun(props.ms, { n, text: "zwölf Boxkämpfer 🥊" } satisfies Counter);
  },

  callback({ $ }) {
    const { runs, callback_request } = $.context.run;
    if (runs > 1) return { runs, callback: callback_request };
    $.flow.rerun(86_400_000, null, 1);
  },

  max_retries({ $ }) {
    const { scheduled } = $.flow.rerun(1, null, 2);
    return { runs: $.context.run.runs, scheduled };
  },

  withdraw({ $ }) {
    $.flow.suspend();
    $.flow.withdraw();
    return "went on";
  },

  exit({ $, props }) {
    $.flow.exit(props.reason);
    return "done";
  },

  delay({ $, props }) {
    $.flow.delay(props.ms);
    return "delayed";
  },

  invalid_argument({ $ }) {
    try {
      $.flow.rerun(0);
    } catch (error) {
      return { refused: (error as HostError).message };
    }
  },
};

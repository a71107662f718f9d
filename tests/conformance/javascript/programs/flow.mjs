// What pauses, runs again and ends.

export function suspend({ $ }) {
  return $.flow.suspend();
}

export function timeout({ $ }) {
  $.flow.suspend(this.ms);
  return "suspended";
}

export function approval({ $ }) {
  const { message, schema } = this;
  $.flow.suspend({ message, resumeSchema: schema, timeoutMs: 60_000, onTimeout: "cancel" });
  return "asked";
}

export function rerun({ $ }) {
  const { runs, context } = $.context.run;
  if (runs === 3) return { runs, context };
  $.flow.rerun(this.ms, { n: (context?.n ?? 0) + 1, text: "zwölf Boxkämpfer 🥊" });
}

export function callback({ $ }) {
  const { runs, callback_request } = $.context.run;
  if (runs > 1) return { runs, callback: callback_request };
  $.flow.rerun(86_400_000, null, 1);
}

export function max_retries({ $ }) {
  const { scheduled } = $.flow.rerun(1, null, 2);
  return { runs: $.context.run.runs, scheduled };
}

export function withdraw({ $ }) {
  $.flow.suspend();
  $.flow.withdraw();
  return "went on";
}

export function exit({ $ }) {
  $.flow.exit(this.reason);
  return "done";
}

export function delay({ $ }) {
  $.flow.delay(this.ms);
  return "delayed";
}

export function invalid_argument({ $ }) {
  try {
    $.flow.rerun(0);
  } catch (error) {
    return { refused: error.message };
  }
}

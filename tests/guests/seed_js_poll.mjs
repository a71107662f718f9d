import axios from "axios";

export default defineComponent({
  async run({ steps, $ }) {
    const MAX_RETRIES = 3;
    // 10 seconds
    const DELAY = this.delay;
    const { run } = $.context;
    console.log($.context);
    // $.context.run.runs starts at 1 and increments when the step is rerun
    if (run.runs === 1) {
      // $.flow.rerun(delay, context (discussed below), max retries)
      $.flow.rerun(DELAY, null, MAX_RETRIES);
    } else if (run.runs === MAX_RETRIES + 1) {
      throw new Error("Max retries exceeded");
    } else {
      // Poll external API for status
      const { data } = await axios({ method: "GET", url: this.url });
      // If we're done, continue with the rest of the workflow
      if (data.status === "DONE") return data;
      // Else retry later
      $.flow.rerun(DELAY, null, MAX_RETRIES);
    }
  },
});

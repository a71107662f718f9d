import axios from "axios";

export default defineComponent({
  async run({ $ }) {
    const MAX_RETRIES = 3;
    // 10 seconds, unless the workflow says otherwise
    const DELAY = this.delay ?? 1000 * 10;
    const { runs } = $.context.run;
    // runs starts at 1 and increments when the step is rerun
    if (runs === MAX_RETRIES + 1) throw new Error("Max retries exceeded");
    if (runs > 1) {
      // Poll external API for status
      const { data } = await axios.get(`${this.service}/status`);
      // If we're done, continue with the rest of the workflow
      if (data.status === "DONE") return data;
    }
    // Else retry later
    $.flow.rerun(DELAY, null, MAX_RETRIES);
  },
});

export default defineComponent({
  async run({ steps, $ }) {
    const MAX_RETRIES = 3;
    const { run } = $.context;
    if (run.runs === 1) {
      $.flow.rerun(1000, null, MAX_RETRIES);
    } else if (run.runs === MAX_RETRIES + 1) {
      throw new Error("Max retries exceeded");
    }
  },
});

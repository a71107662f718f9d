export default defineComponent({
  async run({ steps, $ }) {
    if ($.context.run.runs === 1) {
      $.flow.rerun(1000, { hello: "world" });
    } else {
      return $.context.run.context;
    }
  },
});

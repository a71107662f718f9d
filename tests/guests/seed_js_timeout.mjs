export default defineComponent({
  async run({ steps, $ }) {
    // 7 days
    const TIMEOUT = 1000 * 60 * 60 * 24 * 7;
    $.flow.suspend(TIMEOUT);
  },
});

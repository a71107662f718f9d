export default defineComponent({
  async run({ steps, $ }) {
    const { resume_url, cancel_url } = $.flow.suspend();
    $.send.email({
      subject: "Please approve this important workflow",
      text: `Click here to approve the workflow: ${resume_url}, and cancel here: ${cancel_url}`,
    });
    // The workflow is suspended at the end of the step
  },
});

import axios from "axios";

export default defineComponent({
  async run({ steps, $ }) {
    const TIMEOUT = 86400 * 1000;
    const { run } = $.context;
    // $.context.run.runs starts at 1 and increments when the step is rerun
    if (run.runs === 1) {
      const links = $.flow.rerun(TIMEOUT, null, 1);
      // links contains two entries: resume_url and cancel_url
      // Send resume_url to external service
      await axios.post(this.url, links);
    }
    // When the external service calls back into the resume_url, you have access to
    // the callback data within $.context.run.callback_request
    else if (run.callback_request) {
      return run.callback_request;
    } else {
      throw new Error("External service never completed job");
    }
  },
});

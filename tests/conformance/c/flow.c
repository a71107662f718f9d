/* Programs that pause, run again, or end the workflow. */

#include "programs.h"

static uint64_t ms(const ws_json *props) { return (uint64_t)ws_integer(ws_get(props, "ms"), 0); }

/* `value`, unless the call that gave `links` was refused. */
static ws_json *unless_refused(ws_links links, ws_json *value) {
  return links.error == NULL ? value : ws_fail("Refused", links.error, true);
}

ws_json *program_suspend(const ws_json *props) {
  (void)props;
  ws_links links = ws_suspend(NULL);
  ws_json *result = ws_new_object();
  ws_set(result, "resume_url", ws_new_text(links.resume_url));
  ws_set(result, "cancel_url", ws_new_text(links.cancel_url));
  ws_set(result, "approval_url", ws_new_text(links.approval_url));
  ws_set(result, "scheduled", ws_new_boolean(links.scheduled));
  return unless_refused(links, result);
}

ws_json *program_timeout(const ws_json *props) {
  ws_links links = ws_suspend(&(ws_suspend_options){.timeout_ms = ms(props)});
  return unless_refused(links, ws_new_text("suspended"));
}

ws_json *program_approval(const ws_json *props) {
  ws_links links = ws_suspend(&(ws_suspend_options){
      .timeout_ms = 60000,
      .on_timeout = WS_ON_TIMEOUT_CANCEL,
      .message = ws_text(ws_get(props, "message"), NULL),
      .resume_schema = ws_get(props, "schema"),
  });
  return unless_refused(links, ws_new_text("asked"));
}

ws_json *program_rerun(const ws_json *props) {
  ws_run run = ws_get_run();
  ws_json *result = ws_new_object();
  if (run.runs < 3) {
    int64_t n = ws_integer(ws_get(run.context, "n"), 0);
    ws_set(result, "n", ws_new_integer(n + 1));
    ws_set(result, "text", ws_new_text("zwölf Boxkämpfer 🥊"));
    return unless_refused(ws_rerun(ms(props), result, WS_DEFAULT_RETRIES), NULL);
  }
  ws_set(result, "runs", ws_new_integer(run.runs));
  return ws_set(result, "context", run.context);
}

ws_json *program_callback(const ws_json *props) {
  (void)props;
  ws_run run = ws_get_run();
  if (run.runs == 1) return unless_refused(ws_rerun(86400000, NULL, 1), NULL);
  ws_json *result = ws_set(ws_new_object(), "runs", ws_new_integer(run.runs));
  return ws_set(result, "callback", run.callback_request);
}

ws_json *program_max_retries(const ws_json *props) {
  (void)props;
  ws_links links = ws_rerun(1, NULL, 2);
  ws_json *result = ws_set(ws_new_object(), "runs", ws_new_integer(ws_get_run().runs));
  ws_set(result, "scheduled", ws_new_boolean(links.scheduled));
  return unless_refused(links, result);
}

ws_json *program_withdraw(const ws_json *props) {
  (void)props;
  ws_links links = ws_suspend(NULL);
  ws_withdraw();
  return unless_refused(links, ws_new_text("went on"));
}

ws_json *program_exit(const ws_json *props) {
  ws_exit(ws_text(ws_get(props, "reason"), NULL));
  return ws_new_text("done");
}

ws_json *program_delay(const ws_json *props) {
  return unless_refused(ws_delay(ms(props)), ws_new_text("delayed"));
}

ws_json *program_invalid_argument(const ws_json *props) {
  (void)props;
  return refused(ws_rerun(0, NULL, WS_DEFAULT_RETRIES).error);
}

/* Pause the workflow, run the step again, or end the workflow. */

#include "internal.h"

static ws_links failed(waystation_step_flow_error_t *error) {
  return (ws_links){.error = ws_take(&error->val.invalid_argument)};
}

static ws_links links(waystation_step_flow_links_t *from) {
  return (ws_links){
      .resume_url = ws_take(&from->resume_url),
      .cancel_url = ws_take(&from->cancel_url),
      .approval_url = ws_take(&from->approval_url),
      .scheduled = from->scheduled,
  };
}

ws_links ws_suspend(const ws_suspend_options *given) {
  static const ws_suspend_options none = {0};
  const ws_suspend_options *options = given == NULL ? &none : given;
  waystation_step_flow_suspend_options_t asked = {0};
  if (options->timeout_ms != 0) {
    asked.timeout_ms.is_some = true;
    asked.timeout_ms.val = options->timeout_ms;
  }
  if (options->on_timeout != WS_ON_TIMEOUT_DEFAULT) {
    /* In the order of the interface, where there is no default among them. */
    asked.on_timeout.is_some = true;
    asked.on_timeout.val = (waystation_step_flow_on_timeout_t)(options->on_timeout - 1);
  }
  if (options->message != NULL) {
    asked.message.is_some = true;
    asked.message.val = ws_lend(options->message);
  }
  if (options->resume_schema != NULL) {
    const char *error = NULL;
    asked.resume_schema.is_some = true;
    if (!ws_lend_json(options->resume_schema, &asked.resume_schema.val, &error)) {
      return (ws_links){.error = error};
    }
  }
  waystation_step_flow_links_t made;
  waystation_step_flow_error_t error;
  bool done = waystation_step_flow_suspend_with(&asked, &made, &error);
  return done ? links(&made) : failed(&error);
}

ws_links ws_rerun(uint64_t delay_ms, const ws_json *context, int64_t max_retries) {
  step_http_string_t json = {0};
  const char *problem = NULL;
  if (context != NULL && !ws_lend_json(context, &json, &problem)) {
    return (ws_links){.error = problem};
  }
  if (max_retries > UINT32_MAX) max_retries = UINT32_MAX;
  uint32_t retries = (uint32_t)max_retries;
  waystation_step_flow_links_t made;
  waystation_step_flow_error_t error;
  bool done = waystation_step_flow_rerun(delay_ms, context == NULL ? NULL : &json,
                                         max_retries < 0 ? NULL : &retries, &made, &error);
  return done ? links(&made) : failed(&error);
}

ws_links ws_delay(uint64_t delay_ms) {
  waystation_step_flow_links_t made;
  waystation_step_flow_error_t error;
  bool done = waystation_step_flow_delay(delay_ms, &made, &error);
  return done ? links(&made) : failed(&error);
}

void ws_withdraw(void) { waystation_step_flow_withdraw(); }

void ws_exit(const char *reason) {
  step_http_string_t lent = ws_lend(reason);
  waystation_step_flow_exit(reason == NULL ? NULL : &lent);
}

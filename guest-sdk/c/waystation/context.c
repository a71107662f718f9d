/* What the host knows about this execution. */

#include "internal.h"

static const ws_json *optional(waystation_step_context_option_json_t *json) {
  return json->is_some ? ws_take_json(&json->val) : NULL;
}

ws_run ws_get_run(void) {
  waystation_step_context_run_t run;
  waystation_step_context_get_run(&run);
  return (ws_run){
      .runs = run.runs,
      .context = optional(&run.context),
      .callback_request = optional(&run.callback_request),
  };
}

ws_execution ws_get_execution(void) {
  waystation_step_context_execution_t execution;
  waystation_step_context_get_execution(&execution);
  return (ws_execution){
      .id = ws_take(&execution.id),
      .workflow = ws_take(&execution.workflow),
      .workflow_version = execution.workflow_version,
      .step = ws_take(&execution.step),
      .triggered_at = ws_take(&execution.triggered_at),
      .deadline_ms = execution.deadline_ms,
      .attempt = execution.attempt,
      .idempotency_key = ws_take(&execution.idempotency_key),
      .test = execution.test,
  };
}

const ws_json *ws_get_event(void) {
  step_http_string_t json;
  waystation_step_context_get_event(&json);
  return ws_take_json(&json);
}

const ws_json *ws_get_steps(void) {
  step_http_string_t json;
  waystation_step_context_get_steps(&json);
  return ws_take_json(&json);
}

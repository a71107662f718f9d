/* What the host calls: reads the props, runs the handler, hands over what came of it. */

#include <stdio.h>

#include "internal.h"

static struct {
  bool failed;
  const char *name;
  const char *message;
  bool retryable;
} failure;

ws_json *ws_fail(const char *name, const char *message, bool retryable) {
  failure.failed = true;
  failure.name = ws_format("%s", name == NULL ? "Error" : name);
  failure.message = ws_format("%s", message == NULL ? "" : message);
  failure.retryable = retryable;
  return NULL;
}

static void run(step_http_json_t *props, step_http_option_json_t *result) {
  const char *error = NULL;
  ws_json *read = ws_parse((const char *)props->ptr, props->len, &error);
  step_http_string_free(props);
  if (read == NULL) {
    ws_fail("InvalidProps", error, false);
    return;
  }
  ws_json *returned = ws_handler(read);
  if (failure.failed || returned == NULL) return;
  const char *text = ws_write(returned);
  if (text == NULL) {
    ws_fail("InvalidReturnValue",
            ws_format("the return value is nested deeper than %d levels", WS_DEPTH_MAX), false);
    return;
  }
  result->is_some = true;
  result->val = ws_give(text);
}

bool exports_step_http_handler(step_http_json_t *props, step_http_option_json_t *result,
                               step_http_failure_t *error) {
  failure.failed = false;
  result->is_some = false;
  /* Line by line, so that a run that is cut off leaves its log. */
  setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
  run(props, result);
  fflush(NULL);
  if (failure.failed) {
    *error = (step_http_failure_t){
        .name = ws_give(failure.name),
        .message = ws_give(failure.message),
        .retryable = failure.retryable,
    };
  }
  ws_release();
  return !failure.failed;
}

/* The bindings call this to bring in an object file that tells the world. `waystation build` adds
 * the world itself. */
void __component_type_object_force_link_step_http(void);
void __component_type_object_force_link_step_http(void) {}

/* Programs that hand something to the host, and the ones that fail, echo and log. */

#include <stdio.h>
#include <string.h>

#include "programs.h"

ws_json *program_export(const ws_json *props) {
  (void)props;
  const char *error = ws_export("answer", ws_set(ws_new_object(), "n", ws_new_integer(42)));
  if (error == NULL) error = ws_export("$summary", ws_new_text("answered"));
  if (error != NULL) return ws_fail("Refused", error, true);
  return refused(ws_export("$resume_data", ws_new_integer(1)));
}

ws_json *program_respond(const ws_json *props) {
  (void)props;
  const ws_json *body = ws_get(ws_get_event(), "body");
  const char *json = ws_write(ws_set(ws_new_object(), "got", body));
  const char *error = ws_respond(&(ws_response){
      .status = 201,
      .headers = (const ws_header[]){{"x-answered-by", "conformance"},
                                     {"content-type", "application/json"},
                                     {0}},
      .body = json,
      .body_length = strlen(json),
  });
  return error == NULL ? ws_new_text("responded") : ws_fail("NotAnswered", error, false);
}

ws_json *program_mail(const ws_json *props) {
  const char *error = ws_send_email(&(ws_mail){
      .to = (const char *const[]){ws_text(ws_get(props, "to"), ""), NULL},
      .subject = ws_text(ws_get(props, "subject"), ""),
      .text = ws_text(ws_get(props, "text"), ""),
  });
  return error == NULL ? ws_new_text("sent") : ws_fail("NotSent", error, false);
}

static ws_json *reserve(const char *message, bool retryable) {
  return ws_fail("OutOfStock", message, retryable);
}

ws_json *program_error(const ws_json *props) {
  const char *message = ws_text(ws_get(props, "message"), "");
  return reserve(message, ws_boolean(ws_get(props, "retryable"), true));
}

ws_json *program_echo(const ws_json *props) {
  return ws_set(ws_new_object(), "value", ws_get(props, "value"));
}

ws_json *program_log(const ws_json *props) {
  const char *text = ws_text(ws_get(props, "text"), "");
  printf("out: %s\n", text);
  fprintf(stderr, "err: %s\n", text);
  return ws_new_text("logged");
}

ws_json *program_view(const ws_json *props) {
  ws_execution execution = ws_get_execution();
  ws_json *seen = ws_new_object();
  ws_set(seen, "workflow", ws_new_text(execution.workflow));
  ws_set(seen, "step", ws_new_text(execution.step));
  ws_set(seen, "attempt", ws_new_integer(execution.attempt));
  ws_set(seen, "test", ws_new_boolean(execution.test));
  ws_set(seen, "runs", ws_new_integer(ws_get_run().runs));

  ws_json *result = ws_new_object();
  ws_set(result, "props", props);
  ws_set(result, "event", ws_get_event());
  ws_set(result, "before", ws_get(ws_get(ws_get_steps(), "first"), "$return_value"));
  return ws_set(result, "execution", seen);
}

/* Programs that call out over HTTP. */

#include "programs.h"

static ws_json *failed(const char *why) { return ws_fail("HttpError", why, true); }

static ws_json *result_of(ws_answer answer) {
  const char *error = NULL;
  ws_json *body = ws_answer_json(&answer, &error);
  if (error != NULL) return failed(error);
  ws_json *result = ws_set(ws_new_object(), "status", ws_new_integer(answer.status));
  return ws_set(result, "body", body);
}

ws_json *program_get(const ws_json *props) {
  ws_answer answer = ws_http(&(ws_request){
      .url = ws_text(ws_get(props, "url"), ""),
      .headers = (const ws_header[]){{"x-conformance", "yes"}, {0}},
  });
  ws_json *result = result_of(answer);
  if (result == NULL) return NULL;
  return ws_set(result, "type", ws_new_text(ws_answer_header(&answer, "content-type")));
}

ws_json *program_post(const ws_json *props) {
  return result_of(ws_http_post(ws_text(ws_get(props, "url"), ""), ws_get(props, "value")));
}

ws_json *program_denied(const ws_json *props) {
  return refused(ws_http_get(ws_text(ws_get(props, "url"), "")).error);
}

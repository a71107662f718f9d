/* Exports, the answer to the trigger's caller, and mail. */

#include "internal.h"

const char *ws_export(const char *name, const ws_json *value) {
  const char *problem = NULL;
  step_http_string_t key = ws_lend(name), json;
  if (!ws_lend_json(value, &json, &problem)) return problem;
  waystation_step_exports_error_t error;
  if (waystation_step_exports_set(&key, &json, &error)) return NULL;
  /* All cases hold a text, in the same place. */
  return ws_take(&error.val.invalid_name);
}

size_t ws_header_count(const ws_header *headers) {
  size_t count = 0;
  while (headers != NULL && headers[count].name != NULL) count++;
  return count;
}

const char *ws_respond(const ws_response *response) {
  size_t count = ws_header_count(response->headers);
  step_http_tuple2_string_string_t *headers = ws_alloc((count + 1) * sizeof *headers);
  for (size_t at = 0; at < count; at++) {
    headers[at].f0 = ws_lend(response->headers[at].name);
    headers[at].f1 = ws_lend(response->headers[at].value);
  }
  ws_buffer body = {0};
  ws_append(&body, response->body, response->body == NULL ? 0 : response->body_length);
  waystation_step_http_response_response_t asked = {
      .status = response->status,
      .headers = {headers, count},
      .body = {(uint8_t *)body.bytes, body.length},
  };
  waystation_step_http_response_error_t error;
  if (waystation_step_http_response_respond(&asked, &error)) return NULL;
  return ws_take(&error.val.nobody_waits);
}

const char *ws_send_email(const ws_mail *mail) {
  size_t count = 0;
  while (mail->to != NULL && mail->to[count] != NULL) count++;
  step_http_string_t *addresses = ws_alloc((count + 1) * sizeof *addresses);
  for (size_t at = 0; at < count; at++) addresses[at] = ws_lend(mail->to[at]);
  waystation_step_send_mail_t asked = {
      .to = {addresses, count},
      .subject = ws_lend(mail->subject),
      .text = {mail->text != NULL, ws_lend(mail->text)},
      .html = {mail->html != NULL, ws_lend(mail->html)},
  };
  waystation_step_send_error_t error;
  if (waystation_step_send_email(&asked, &error)) return NULL;
  return ws_take(&error.val.not_allowed);
}

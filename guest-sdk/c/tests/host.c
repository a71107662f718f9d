#include "host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

host the_host;

static void said(const char *format, ...) {
  size_t used = strlen(the_host.calls);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(the_host.calls + used, sizeof the_host.calls - used, format, arguments);
  va_end(arguments);
}

/* Text as the host gives it: without a NUL at its end. */
static step_http_string_t given(const char *text) {
  size_t length = strlen(text);
  uint8_t *copy = malloc(length > 0 ? length : 1);
  memcpy(copy, text, length);
  return (step_http_string_t){copy, length};
}

static const char *seen(const step_http_string_t *text) {
  return text == NULL ? "none" : ws_format("%.*s", (int)text->len, (const char *)text->ptr);
}

void step_http_string_free(step_http_string_t *text) {
  free(text->ptr);
  *text = (step_http_string_t){0};
}

static bool answered(waystation_step_flow_links_t *links, waystation_step_flow_error_t *error) {
  if (the_host.refuses != NULL) {
    error->val.invalid_argument = given(the_host.refuses);
    return false;
  }
  *links = (waystation_step_flow_links_t){given("resume"), given("cancel"), given("approve"), true};
  return true;
}

bool waystation_step_flow_suspend_with(waystation_step_flow_suspend_options_t *o,
                                       waystation_step_flow_links_t *links,
                                       waystation_step_flow_error_t *error) {
  said("suspend %lld %d %s %s\n", o->timeout_ms.is_some ? (long long)o->timeout_ms.val : -1LL,
       o->on_timeout.is_some ? o->on_timeout.val : -1,
       seen(o->message.is_some ? &o->message.val : NULL),
       seen(o->resume_schema.is_some ? &o->resume_schema.val : NULL));
  return answered(links, error);
}

bool waystation_step_flow_rerun(uint64_t delay_ms, step_http_string_t *context, uint32_t *retries,
                                waystation_step_flow_links_t *links,
                                waystation_step_flow_error_t *error) {
  said("rerun %llu %s %lld\n", (unsigned long long)delay_ms, seen(context),
       retries == NULL ? -1LL : (long long)*retries);
  return answered(links, error);
}

bool waystation_step_flow_delay(uint64_t delay_ms, waystation_step_flow_links_t *links,
                                waystation_step_flow_error_t *error) {
  said("delay %llu\n", (unsigned long long)delay_ms);
  return answered(links, error);
}

void waystation_step_flow_withdraw(void) { said("withdraw\n"); }

void waystation_step_flow_exit(step_http_string_t *reason) { said("exit %s\n", seen(reason)); }

void waystation_step_context_get_run(waystation_step_context_run_t *run) {
  *run = (waystation_step_context_run_t){.runs = the_host.runs};
  if (the_host.context == NULL) return;
  run->context.is_some = true;
  run->context.val = given(the_host.context);
}

void waystation_step_context_get_execution(waystation_step_context_execution_t *execution) {
  *execution = (waystation_step_context_execution_t){
      given("id"), given("workflow"), 1, given("step"), given("2026-01-01T00:00:00Z"),
      1767225630000, 1, given("key"), true};
}

void waystation_step_context_get_event(step_http_string_t *event) {
  *event = given(the_host.event);
}

void waystation_step_context_get_steps(step_http_string_t *steps) {
  *steps = given(the_host.steps);
}

bool waystation_step_exports_set(step_http_string_t *name, step_http_string_t *value,
                                 waystation_step_exports_error_t *error) {
  said("export %s %s\n", seen(name), seen(value));
  if (the_host.refuses == NULL) return true;
  error->val.too_large = given(the_host.refuses);
  return false;
}

bool waystation_step_http_response_respond(waystation_step_http_response_response_t *response,
                                           waystation_step_http_response_error_t *error) {
  said("respond %d", response->status);
  for (size_t at = 0; at < response->headers.len; at++) {
    said(" %s=%s", seen(&response->headers.ptr[at].f0), seen(&response->headers.ptr[at].f1));
  }
  said(" %.*s\n", (int)response->body.len, (const char *)response->body.ptr);
  if (the_host.refuses == NULL) return true;
  error->val.nobody_waits = given(the_host.refuses);
  return false;
}

bool waystation_step_send_email(waystation_step_send_mail_t *mail,
                                waystation_step_send_error_t *error) {
  said("email");
  for (size_t at = 0; at < mail->to.len; at++) said(" %s", seen(&mail->to.ptr[at]));
  said(" %s %s %s\n", seen(&mail->subject), seen(mail->text.is_some ? &mail->text.val : NULL),
       seen(mail->html.is_some ? &mail->html.val : NULL));
  if (the_host.refuses == NULL) return true;
  error->val.not_allowed = given(the_host.refuses);
  return false;
}

static void keep(char *into, size_t size, step_http_string_t *text) {
  snprintf(into, size, "%.*s", (int)text->len, (const char *)text->ptr);
  step_http_string_free(text);
}

void call_step(const char *props) {
  step_http_string_t json = given(props);
  step_http_option_json_t result;
  step_http_failure_t failure;
  the_host.calls[0] = the_host.returned[0] = the_host.name[0] = the_host.message[0] = '\0';
  the_host.failed = !exports_step_http_handler(&json, &result, &failure);
  if (the_host.failed) {
    keep(the_host.name, sizeof the_host.name, &failure.name);
    keep(the_host.message, sizeof the_host.message, &failure.message);
    the_host.retryable = failure.retryable;
  } else if (result.is_some) {
    keep(the_host.returned, sizeof the_host.returned, &result.val);
  }
}

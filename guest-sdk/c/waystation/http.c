/* HTTP requests, which the host carries out: wasi:http. */

#include <string.h>
#include <strings.h>

#include "http_words.h"
#include "internal.h"

/* What one blocking write takes, by the definition of wasi:io. */
#define WRITE_BYTES_MAX 4096
/* How much of an answer is asked for at once. */
#define READ_BYTES_MAX (64 * 1024)

#define NANOSECONDS 1000000

static ws_answer failed(const ws_request *request, const char *why) {
  const char *method = request->method == NULL ? "GET" : request->method;
  const char *url = request->url == NULL ? "" : request->url;
  return (ws_answer){.error = ws_format("%s %s: %s", method, url, why)};
}

/* ---- The request */

static bool set_method(wasi_http_types_borrow_outgoing_request_t request, const char *name) {
  static const char *const known[] = {"GET",    "HEAD",    "POST",    "PUT",  "DELETE",
                                      "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  wasi_http_types_method_t method = {.tag = WASI_HTTP_TYPES_METHOD_OTHER};
  if (name == NULL) name = "GET";
  method.val.other = ws_lend(name);
  for (size_t at = 0; at < sizeof known / sizeof *known; at++) {
    if (strcasecmp(name, known[at]) == 0) method.tag = (uint8_t)at;
  }
  return wasi_http_types_method_outgoing_request_set_method(request, &method);
}

/* Sets scheme, host and path. NULL, or what is wrong. */
static const char *set_url(wasi_http_types_borrow_outgoing_request_t request, const char *url) {
  wasi_http_types_scheme_t scheme = {.tag = WASI_HTTP_TYPES_SCHEME_HTTP};
  if (url != NULL && strncasecmp(url, "http://", 7) == 0) {
    url += 7;
  } else if (url != NULL && strncasecmp(url, "https://", 8) == 0) {
    url += 8;
    scheme.tag = WASI_HTTP_TYPES_SCHEME_HTTPS;
  } else {
    return "the URL begins neither with http:// nor with https://";
  }
  size_t host = strcspn(url, "/?#"), end = strcspn(url, "#");
  step_http_string_t authority = ws_lend(ws_format("%.*s", (int)host, url));
  const char *slash = url[host] == '/' ? "" : "/";
  step_http_string_t path = ws_lend(ws_format("%s%.*s", slash, (int)(end - host), url + host));
  if (!wasi_http_types_method_outgoing_request_set_scheme(request, &scheme)) {
    return "the URL's scheme is not valid";
  }
  if (host == 0 || !wasi_http_types_method_outgoing_request_set_authority(request, &authority)) {
    return "the URL's host is not valid";
  }
  if (!wasi_http_types_method_outgoing_request_set_path_with_query(request, &path)) {
    return "the URL's path is not valid";
  }
  return NULL;
}

static bool add_header(wasi_http_types_borrow_fields_t fields, const char *name,
                       const char *value) {
  step_http_string_t key = ws_lend(name), lent = ws_lend(value);
  wasi_http_types_field_value_t bytes = {lent.ptr, lent.len};
  wasi_http_types_header_error_t error;
  return wasi_http_types_method_fields_append(fields, &key, &bytes, &error);
}

static const char *add_headers(wasi_http_types_borrow_fields_t fields, const ws_request *request) {
  bool sized = false;
  for (size_t at = 0; at < ws_header_count(request->headers); at++) {
    const ws_header *header = &request->headers[at];
    sized |= strcasecmp(header->name, "content-length") == 0;
    if (!add_header(fields, header->name, header->value)) {
      return ws_format("the header %s is not valid, or is the host's", header->name);
    }
  }
  /* Many servers read no body whose length is not told. */
  if (request->body != NULL && !sized) {
    add_header(fields, "content-length", ws_format("%zu", request->body_length));
  }
  return NULL;
}

static wasi_http_types_own_request_options_t options(uint64_t timeout_ms) {
  wasi_http_types_own_request_options_t made = wasi_http_types_constructor_request_options();
  if (timeout_ms > 0) {
    wasi_http_types_borrow_request_options_t own = wasi_http_types_borrow_request_options(made);
    uint64_t time = timeout_ms > UINT64_MAX / NANOSECONDS ? UINT64_MAX : timeout_ms * NANOSECONDS;
    /* A host that supports no timeouts says so here; the run's own limit remains. */
    wasi_http_types_method_request_options_set_connect_timeout(own, &time);
    wasi_http_types_method_request_options_set_first_byte_timeout(own, &time);
    wasi_http_types_method_request_options_set_between_bytes_timeout(own, &time);
  }
  return made;
}

/* Writes what the server takes: when it hangs up meanwhile, its answer says why. */
static void write_body(wasi_http_types_own_outgoing_body_t body, const ws_request *request) {
  wasi_io_streams_own_output_stream_t stream;
  bool whole = true;
  if (wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body),
                                                 &stream)) {
    size_t length = request->body == NULL ? 0 : request->body_length;
    for (size_t at = 0; whole && at < length; at += WRITE_BYTES_MAX) {
      size_t left = length - at;
      step_http_list_u8_t part = {(uint8_t *)request->body + at,
                                  left < WRITE_BYTES_MAX ? left : WRITE_BYTES_MAX};
      wasi_io_streams_stream_error_t error;
      whole = wasi_io_streams_method_output_stream_blocking_write_and_flush(
          wasi_io_streams_borrow_output_stream(stream), &part, &error);
      if (!whole && error.tag == WASI_IO_STREAMS_STREAM_ERROR_LAST_OPERATION_FAILED) {
        wasi_io_error_error_drop_own(error.val.last_operation_failed);
      }
    }
    wasi_io_streams_output_stream_drop_own(stream);
  }
  wasi_http_types_error_code_t error;
  if (!whole) {
    wasi_http_types_outgoing_body_drop_own(body);
  } else if (!wasi_http_types_static_outgoing_body_finish(body, NULL, &error)) {
    wasi_http_types_error_code_free(&error);
  }
}

/* ---- The answer */

static const ws_header *headers_of(wasi_http_types_borrow_incoming_response_t response) {
  wasi_http_types_own_headers_t fields = wasi_http_types_method_incoming_response_headers(response);
  wasi_http_types_list_tuple2_field_name_field_value_t entries;
  wasi_http_types_method_fields_entries(wasi_http_types_borrow_fields(fields), &entries);
  ws_header *headers = ws_alloc((entries.len + 1) * sizeof *headers);
  for (size_t at = 0; at < entries.len; at++) {
    wasi_http_types_tuple2_field_name_field_value_t *entry = &entries.ptr[at];
    headers[at].name = ws_utf8((const char *)entry->f0.ptr, entry->f0.len, NULL);
    headers[at].value = ws_utf8((const char *)entry->f1.ptr, entry->f1.len, NULL);
  }
  wasi_http_types_list_tuple2_field_name_field_value_free(&entries);
  wasi_http_types_fields_drop_own(fields);
  return headers;
}

/* Why a stream broke off. */
static const char *words_for_io(wasi_io_error_borrow_error_t io_error) {
  wasi_http_types_error_code_t code;
  if (wasi_http_types_http_error_code(io_error, &code)) return ws_http_words(&code);
  step_http_string_t text;
  wasi_io_error_method_error_to_debug_string(io_error, &text);
  return ws_take(&text);
}

/* NULL, or why not all of it came. */
static const char *read_stream(wasi_io_streams_borrow_input_stream_t stream, ws_buffer *body) {
  for (;;) {
    step_http_list_u8_t part;
    wasi_io_streams_stream_error_t error;
    if (wasi_io_streams_method_input_stream_blocking_read(stream, READ_BYTES_MAX, &part, &error)) {
      ws_append(body, part.ptr, part.len);
      step_http_list_u8_free(&part);
      continue;
    }
    if (error.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED) return NULL;
    const char *why = words_for_io(wasi_io_error_borrow_error(error.val.last_operation_failed));
    wasi_io_error_error_drop_own(error.val.last_operation_failed);
    return why;
  }
}

static const char *read_body(wasi_http_types_borrow_incoming_response_t response, ws_buffer *read) {
  wasi_http_types_own_incoming_body_t body;
  ws_append(read, "", 0);
  if (!wasi_http_types_method_incoming_response_consume(response, &body)) {
    return "the answer has no body";
  }
  wasi_io_streams_own_input_stream_t stream;
  const char *why = NULL;
  if (wasi_http_types_method_incoming_body_stream(wasi_http_types_borrow_incoming_body(body),
                                                  &stream)) {
    why = read_stream(wasi_io_streams_borrow_input_stream(stream), read);
    wasi_io_streams_input_stream_drop_own(stream);
  }
  wasi_http_types_incoming_body_drop_own(body);
  return why;
}

static ws_answer receive(const ws_request *request,
                         wasi_http_types_own_future_incoming_response_t future) {
  wasi_http_types_borrow_future_incoming_response_t waiting =
      wasi_http_types_borrow_future_incoming_response(future);
  wasi_http_types_own_pollable_t pollable =
      wasi_http_types_method_future_incoming_response_subscribe(waiting);
  wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(pollable));
  wasi_io_poll_pollable_drop_own(pollable);
  wasi_http_types_result_result_own_incoming_response_error_code_void_t got;
  bool ready = wasi_http_types_method_future_incoming_response_get(waiting, &got);
  wasi_http_types_future_incoming_response_drop_own(future);
  if (!ready || got.is_err) return failed(request, "no answer came");
  if (got.val.ok.is_err) return failed(request, ws_http_words(&got.val.ok.val.err));

  wasi_http_types_own_incoming_response_t response = got.val.ok.val.ok;
  wasi_http_types_borrow_incoming_response_t own =
      wasi_http_types_borrow_incoming_response(response);
  ws_answer answer = {
      .status = wasi_http_types_method_incoming_response_status(own),
      .headers = headers_of(own),
  };
  ws_buffer body = {0};
  const char *why = read_body(own, &body);
  wasi_http_types_incoming_response_drop_own(response);
  if (why != NULL) return failed(request, why);
  answer.body = body.bytes;
  answer.body_length = body.length;
  return answer;
}

/* ---- All of it */

ws_answer ws_http(const ws_request *request) {
  wasi_http_types_own_fields_t fields = wasi_http_types_constructor_fields();
  const char *wrong = add_headers(wasi_http_types_borrow_fields(fields), request);
  wasi_http_types_own_outgoing_request_t outgoing =
      wasi_http_types_constructor_outgoing_request(fields);
  wasi_http_types_borrow_outgoing_request_t own = wasi_http_types_borrow_outgoing_request(outgoing);
  if (wrong == NULL && !set_method(own, request->method)) wrong = "the method is not valid";
  if (wrong == NULL) wrong = set_url(own, request->url);
  wasi_http_types_own_outgoing_body_t body;
  if (wrong == NULL && !wasi_http_types_method_outgoing_request_body(own, &body)) {
    wrong = "the request has no body";
  }
  if (wrong != NULL) {
    wasi_http_types_outgoing_request_drop_own(outgoing);
    return failed(request, wrong);
  }
  wasi_http_types_own_request_options_t limits = options(request->timeout_ms);
  wasi_http_types_own_future_incoming_response_t future;
  wasi_http_types_error_code_t error;
  if (!wasi_http_outgoing_handler_handle(outgoing, &limits, &future, &error)) {
    wasi_http_types_outgoing_body_drop_own(body);
    return failed(request, ws_http_words(&error));
  }
  write_body(body, request);
  return receive(request, future);
}

ws_answer ws_http_get(const char *url) { return ws_http(&(ws_request){.url = url}); }

ws_answer ws_http_post(const char *url, const ws_json *value) {
  ws_request request = {
      .method = "POST",
      .url = url,
      .headers = (const ws_header[]){{"content-type", "application/json"}, {0}},
      .body = ws_write(value),
  };
  if (request.body == NULL) {
    return failed(&request, ws_format("the JSON is nested deeper than %d levels", WS_DEPTH_MAX));
  }
  request.body_length = strlen(request.body);
  return ws_http(&request);
}

const char *ws_answer_header(const ws_answer *answer, const char *name) {
  for (const ws_header *header = answer->headers; header != NULL && header->name != NULL;
       header++) {
    if (strcasecmp(header->name, name) == 0) return header->value;
  }
  return NULL;
}

ws_json *ws_answer_json(const ws_answer *answer, const char **error) {
  if (answer->error == NULL) return ws_parse(answer->body, answer->body_length, error);
  if (error != NULL) *error = answer->error;
  return NULL;
}

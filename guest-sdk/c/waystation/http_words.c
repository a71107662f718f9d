#include "http_words.h"

/* Those that need no more words, by their names in wasi:http. */
static const char *const names[] = {
    "DNS timeout", "DNS error", "destination not found", "destination unavailable",
    "destination IP prohibited", "destination IP unroutable", "connection refused",
    "connection terminated", "connecting took too long", "the server did not answer in time",
    "writing took too long", "too many connections", "TLS protocol error",
    "TLS certificate error", "TLS alert received", "request denied",
    "the request needs a length", "the request's body has another size than its header says",
    "the request's method is not valid", "the request's URI is not valid",
    "the request's URI is too long", "the request's headers are too large",
    "a header of the request is too large", "the request's trailers are too large",
    "a trailer of the request is too large", "the answer broke off",
    "the answer's headers are too large", "a header of the answer is too large",
    "the answer's body is too large", "the answer's trailers are too large",
    "a trailer of the answer is too large", "the answer's transfer coding is not known",
    "the answer's content coding is not known", "the server did not answer in time",
    "HTTP upgrade failed", "HTTP protocol error", "loop detected", "configuration error",
    "internal error"};

const char *ws_http_words(wasi_http_types_error_code_t *code) {
  const char *words = "HTTP error";
  if (code->tag < sizeof names / sizeof *names) words = names[code->tag];
  if (code->tag == WASI_HTTP_TYPES_ERROR_CODE_HTTP_REQUEST_DENIED) {
    words = "the host does not allow this request: see the step's `allow.http` and the host's "
            "`outbound.allow`";
  }
  if (code->tag == WASI_HTTP_TYPES_ERROR_CODE_INTERNAL_ERROR && code->val.internal_error.is_some) {
    step_http_string_t *told = &code->val.internal_error.val;
    words = ws_utf8((const char *)told->ptr, told->len, NULL);
  }
  wasi_http_types_error_code_free(code);
  return words;
}

/* Steps for Waystation in C.
 *
 * Write `ws_handler`; `waystation build step.c` makes the component.
 *
 * Memory: everything that this library returns lives until the handler returns, and is then
 * freed by it. Nothing has to be freed, and nothing of it may be kept in a global. Everything
 * that is passed in is copied: the library keeps no pointer of yours.
 *
 * Errors: a call that can fail returns the error's message, or has it in a field `error`; NULL
 * says that it worked. The library ends the process only for mistakes of the program, such as
 * `ws_set` on an array, and when memory runs out; it then says so on standard error.
 *
 * Text is UTF-8 and ends with a NUL; what is not UTF-8 crosses to the host as U+FFFD.
 */
#ifndef WAYSTATION_H
#define WAYSTATION_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A JSON value. Where one is read, NULL stands for nothing and reads as `null`. */
typedef struct ws_json ws_json;

/* ---- The step ------------------------------------------------------------------------------ */

/* Yours: runs the step. `props` is its configuration. What it returns becomes the export
 * `$return_value`; NULL is no value. To fail, `return ws_fail(…)`. */
ws_json *ws_handler(const ws_json *props);

/* Makes the run fail when the handler returns. `name` is the error's class, such as
 * "OutOfStock"; `retryable` says whether the step's retry policy may try again. Of several
 * calls the last one stands. Returns NULL. */
ws_json *ws_fail(const char *name, const char *message, bool retryable);

/* ---- Flow ---------------------------------------------------------------------------------- */

/* No call here stops the step: the code after it still runs, and the host acts when the handler
 * returns. If the handler fails, what was asked for is dropped. Of several calls the last one
 * stands. */

/* Where an outside person or service reaches the pause; valid at once. */
typedef struct {
  /* Why there are no links: a wrong argument, in the words of the host. NULL: it worked. */
  const char *error;
  const char *resume_url;
  const char *cancel_url;
  /* A page for people: shows what waits, and asks before it acts. */
  const char *approval_url;
  /* False when a rerun asks for more runs than it allows: nothing is scheduled. */
  bool scheduled;
} ws_links;

typedef enum {
  WS_ON_TIMEOUT_DEFAULT, /* as the host is configured: resume, unless its settings say other */
  WS_ON_TIMEOUT_RESUME,
  WS_ON_TIMEOUT_CANCEL,
  WS_ON_TIMEOUT_FAIL
} ws_on_timeout;

typedef struct {
  uint64_t timeout_ms;          /* 1 ms to 365 days; 0: 24 hours */
  ws_on_timeout on_timeout;     /* what happens when nobody answers in time */
  const char *message;          /* a line of text for the approval page, or NULL */
  const ws_json *resume_schema; /* a JSON Schema for the resuming request's body, or NULL */
} ws_suspend_options;

/* Pauses after this step until the resume link is called or the time is over. NULL: all
 * defaults. */
ws_links ws_suspend(const ws_suspend_options *options);

/* For `max_retries`: 10. */
#define WS_DEFAULT_RETRIES (-1)

/* Runs this step again after `delay_ms` (1 ms to 365 days), or as soon as the resume link is
 * called. The next run finds `context` (NULL: none) in `ws_get_run().context`. At most
 * `max_retries` reruns happen; a call past it schedules nothing, and `scheduled` is false. */
ws_links ws_rerun(uint64_t delay_ms, const ws_json *context, int64_t max_retries);

/* Pauses for `delay_ms`, then goes on. */
ws_links ws_delay(uint64_t delay_ms);

/* Takes back what this run asked for. */
void ws_withdraw(void);

/* Ends the workflow, successfully, when the handler returns. `reason` may be NULL. */
void ws_exit(const char *reason);

/* ---- Context ------------------------------------------------------------------------------- */

typedef struct {
  uint32_t runs;                   /* 1 on the first run of this step, one more each rerun */
  const ws_json *context;          /* what the run before handed to `ws_rerun`, or NULL */
  const ws_json *callback_request; /* the request that called the resume link, or NULL: method,
                                      path, url, query, headers, body, client_ip */
} ws_run;

typedef struct {
  const char *id;
  const char *workflow;
  uint32_t workflow_version;
  const char *step;
  const char *triggered_at;    /* RFC 3339, UTC */
  uint64_t deadline_ms;        /* milliseconds since the Unix epoch: this run is cut off then */
  uint32_t attempt;            /* 1, one more each time the host repeats this run */
  const char *idempotency_key; /* the same for every attempt of one run */
  bool test;
} ws_execution;

ws_run ws_get_run(void);
ws_execution ws_get_execution(void);
/* The event that triggered the workflow. */
const ws_json *ws_get_event(void);
/* Earlier exports: an object of step name to an object of exports. */
const ws_json *ws_get_steps(void);

/* ---- Exports, answers, mail ---------------------------------------------------------------- */

/* Exports `value` under `name`, beside the return value. NULL, or the error's message. */
const char *ws_export(const char *name, const ws_json *value);

typedef struct {
  const char *name;
  const char *value;
} ws_header;

typedef struct {
  uint16_t status;          /* 200 to 599 */
  const ws_header *headers; /* ends with {0}; NULL: none */
  const void *body;         /* NULL: none */
  size_t body_length;
} ws_response;

/* Answers the HTTP request that triggered the workflow. NULL, or the error's message. */
const char *ws_respond(const ws_response *response);

typedef struct {
  const char *const *to; /* addresses, ends with NULL; NULL: the owner */
  const char *subject;
  const char *text; /* or NULL */
  const char *html; /* or NULL */
} ws_mail;

/* Hands a mail to the host. NULL, or the error's message. */
const char *ws_send_email(const ws_mail *mail);

/* ---- HTTP ---------------------------------------------------------------------------------- */

/* Requests go where the step's `allow.http` lets them. Redirects are not followed. */

typedef struct {
  const char *method;       /* NULL: GET */
  const char *url;          /* http or https */
  const ws_header *headers; /* ends with {0}; NULL: none */
  const void *body;         /* NULL: none */
  size_t body_length;
  uint64_t timeout_ms; /* for connecting, the first byte, and between two; 0: the host's */
} ws_request;

typedef struct {
  const char *error; /* why no answer came, or not all of it; NULL: it did, of any status */
  uint16_t status;
  const ws_header *headers; /* names in lower case; ends with {0} */
  const char *body;         /* a NUL follows it */
  size_t body_length;
} ws_answer;

ws_answer ws_http(const ws_request *request);
ws_answer ws_http_get(const char *url);
/* Sends `value` as JSON. */
ws_answer ws_http_post(const char *url, const ws_json *value);
/* The first header of that name, in any case; NULL: none. */
const char *ws_answer_header(const ws_answer *answer, const char *name);
/* The body from JSON; NULL when it is none, and `*error` (unless NULL) says why. */
ws_json *ws_answer_json(const ws_answer *answer, const char **error);

/* ---- JSON ---------------------------------------------------------------------------------- */

/* How deep a value may be nested that is handed to the host. (Twice as deep can be read.) */
#define WS_DEPTH_MAX 128

typedef enum { WS_NULL, WS_BOOLEAN, WS_NUMBER, WS_TEXT, WS_ARRAY, WS_OBJECT } ws_kind;

/* Reads JSON text (RFC 8259). NULL when it is none, and `*error` (unless NULL) says why. */
ws_json *ws_parse(const char *text, size_t length, const char **error);
/* JSON text; NULL when the value is nested deeper than WS_DEPTH_MAX. */
const char *ws_write(const ws_json *value);

ws_kind ws_kind_of(const ws_json *value);
/* The member of an object; NULL when there is none, or it is no object. Of two the last. */
ws_json *ws_get(const ws_json *object, const char *key);
/* The item of an array, or the member of an object, at `index`; NULL past the end. */
ws_json *ws_at(const ws_json *value, size_t index);
/* The key of an object's member; NULL past the end. */
const char *ws_key_at(const ws_json *object, size_t index);
/* The number of items or members; 0 for anything else. */
size_t ws_count(const ws_json *value);

/* The value, or `otherwise` when it is of another kind. */
const char *ws_text(const ws_json *value, const char *otherwise);
double ws_number(const ws_json *value, double otherwise);
/* `otherwise` also for a number with a fraction, or past 64 bits. */
int64_t ws_integer(const ws_json *value, int64_t otherwise);
bool ws_boolean(const ws_json *value, bool otherwise);
/* The length of a text in bytes; it may hold NULs. */
size_t ws_text_length(const ws_json *value);

ws_json *ws_new_null(void);
ws_json *ws_new_boolean(bool value);
ws_json *ws_new_integer(int64_t value);
/* `null` for what JSON has no number for: infinities, and not a number. */
ws_json *ws_new_number(double value);
/* `null` for NULL. */
ws_json *ws_new_text(const char *text);
ws_json *ws_new_text_of(const char *text, size_t length);
ws_json *ws_new_array(void);
ws_json *ws_new_object(void);

/* Both return their first argument, so that calls can be nested. Values are not copied: one
 * may stand in several places. A NULL value is `null`. */
ws_json *ws_set(ws_json *object, const char *key, const ws_json *value);
ws_json *ws_push(ws_json *array, const ws_json *value);

/* ---- Memory -------------------------------------------------------------------------------- */

/* Memory that is freed when the handler returns. Zeroed. */
void *ws_alloc(size_t size);

/* As `printf`, into text that is freed when the handler returns. */
#if defined(__GNUC__)
__attribute__((__format__(__printf__, 1, 2)))
#endif
const char *ws_format(const char *format, ...);

#ifdef __cplusplus
}
#endif

#endif

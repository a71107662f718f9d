/* Tests of the library on this machine, without a host and without WebAssembly:
 *
 *   cc -std=c11 -Wall -Wextra -Werror -fsanitize=address,undefined -I waystation \
 *      tests/test.c tests/host.c waystation/[!h]*.c -lm -o test && ./test
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "internal.h"

static unsigned passed, failed;

static void check(bool holds, const char *what, int line) {
  if (holds) {
    passed++;
  } else {
    failed++;
    printf("test.c:%d: does not hold: %s\n", line, what);
  }
}

static void same(const char *text, const char *expected, int line) {
  if (text != NULL && strcmp(text, expected) == 0) {
    passed++;
  } else {
    failed++;
    printf("test.c:%d: expected\n  %s\nand it is\n  %s\n", line, expected, text);
  }
}

#define CHECK(condition) check(condition, #condition, __LINE__)
#define SAME(text, expected) same(text, expected, __LINE__)

/* The step under test. */
static ws_json *(*handler)(const ws_json *props);

ws_json *ws_handler(const ws_json *props) { return handler(props); }

static void run(ws_json *(*step)(const ws_json *), const char *props) {
  handler = step;
  call_step(props);
}

/* ---- JSON */

static const char *again(const char *text) {
  const char *error = NULL;
  ws_json *value = ws_parse(text, strlen(text), &error);
  return value == NULL ? error : ws_write(value);
}

static void what_is_read_is_written(void) {
  static const char *const texts[] = {
      "null", "true", "false", "0", "-0", "1.5e-7", "12345678901234567890", "1e400", "[]", "{}",
      "\"\"", "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\"", "\"zw\xc3\xb6lf \xf0\x9f\xa5\x8a\"",
      "[1,[2,{\"a\":[null]}],\"x\"]", "{\"a\":1,\"b\":{\"c\":[]}}"};
  for (size_t at = 0; at < sizeof texts / sizeof *texts; at++) SAME(again(texts[at]), texts[at]);
  SAME(again(" \t\r\n[ 1 , 2 ] "), "[1,2]");
  SAME(again("\"\\/\\u00e9\\u20AC\""), "\"/\xc3\xa9\xe2\x82\xac\"");
  SAME(again("\"\\ud83e\\udd4a\""), "\"\xf0\x9f\xa5\x8a\"");
}

static void what_is_no_json_is_refused(void) {
  static const char *const wrong[] = {
      "", " ", "nul", "nulls", "tru", "01", "-", "1.", ".5", "1e", "1e+", "+1", "0x1", "NaN", "'a'",
      "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "]", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{a:1}",
      "{\"a\":1,}", "{\"a\" 1}", "{1:1}", "\"", "\"abc", "\"\\", "\"\\x\"", "\"\\u12\"",
      "\"\\u12g4\"", "\"\\ud83e\"", "\"\\ud83e\\u0041\"", "\"\\ud83ex\"", "\"\\udd4a\"", "\"\n\"",
      "\"\x01\"", "\"\xff\"", "\"\xc3\"", "\"\xed\xa0\x80\"", "\"\xc0\xaf\"", "1 2", "[] x",
      "\xef\xbb\xbf" "1"};
  for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++) {
    const char *error = NULL;
    check(ws_parse(wrong[at], strlen(wrong[at]), &error) == NULL && error != NULL, wrong[at],
          __LINE__);
  }
  const char *error = NULL;
  ws_parse("[1, x]", 6, &error);
  SAME(error, "not JSON, at byte 4: expected a value");
}

/* Every beginning of a text is refused, without a read past its end: the copies are exact. */
static void what_is_cut_off_is_refused(void) {
  static const char text[] = "{\"a\":[1.5e3,\"\\ud83e\\udd4a\\n\xc3\xb6\",true,null,{}]}";
  for (size_t length = 0; length < sizeof text - 1; length++) {
    char *copy = malloc(length + 1);
    memcpy(copy, text, length);
    copy = realloc(copy, length > 0 ? length : 1);
    check(ws_parse(copy, length, NULL) == NULL, "a beginning is no JSON", __LINE__);
    free(copy);
  }
  CHECK(ws_parse(text, sizeof text - 1, NULL) != NULL);
}

static const char *nested(unsigned depth) {
  char *text = ws_alloc(2 * depth + 1);
  memset(text, '[', depth);
  memset(text + depth, ']', depth);
  return text;
}

static void depth_is_bounded(void) {
  SAME(again(nested(WS_DEPTH_MAX)), nested(WS_DEPTH_MAX));
  const char *text = nested(2 * WS_DEPTH_MAX);
  ws_json *deep = ws_parse(text, strlen(text), NULL);
  CHECK(deep != NULL && ws_write(deep) == NULL);
  text = nested(2 * WS_DEPTH_MAX + 1);
  CHECK(ws_parse(text, strlen(text), NULL) == NULL);
  text = nested(100000);
  CHECK(ws_parse(text, strlen(text), NULL) == NULL);
  ws_json *itself = ws_new_array();
  CHECK(ws_write(ws_push(itself, itself)) == NULL);
}

static void values_are_read_as_what_they_are(void) {
  const char *text = "{\"n\":42,\"f\":2.5,\"e\":1e3,\"big\":9223372036854775808,\"t\":\"a\\u0000b\","
                     "\"b\":true,\"l\":[1,2],\"n\":7,\"z\":null}";
  const ws_json *value = ws_parse(text, strlen(text), NULL);
  CHECK(ws_integer(ws_get(value, "n"), 0) == 7);
  CHECK(ws_integer(ws_get(value, "e"), 0) == 1000 && ws_integer(ws_get(value, "f"), -1) == -1);
  CHECK(ws_integer(ws_get(value, "big"), -1) == -1 && ws_integer(ws_get(value, "t"), -1) == -1);
  CHECK(ws_number(ws_get(value, "f"), 0) == 2.5 && ws_number(ws_get(value, "b"), 9) == 9);
  CHECK(ws_boolean(ws_get(value, "b"), false) && ws_boolean(ws_get(value, "n"), true));
  CHECK(ws_text_length(ws_get(value, "t")) == 3);
  CHECK(ws_count(ws_get(value, "l")) == 2 && ws_integer(ws_at(ws_get(value, "l"), 1), 0) == 2);
  CHECK(ws_at(ws_get(value, "l"), 2) == NULL && ws_key_at(value, 99) == NULL);
  SAME(ws_key_at(value, 1), "f");
  CHECK(ws_get(ws_get(value, "none"), "none") == NULL && ws_kind_of(NULL) == WS_NULL);
  SAME(ws_text(ws_get(value, "n"), "otherwise"), "otherwise");
}

static void values_are_made(void) {
  ws_json *list = ws_push(ws_push(ws_new_array(), ws_new_number(0.1)), NULL);
  ws_push(list, ws_new_number(1.0 / 3));
  ws_push(list, ws_new_number(1e22));
  ws_push(list, ws_new_number(INFINITY));
  ws_push(list, ws_new_integer(INT64_MIN));
  ws_push(list, ws_new_text("a\xff" "b"));
  ws_push(list, ws_new_text(NULL));
  SAME(ws_write(list), "[0.1,null,0.3333333333333333,1e+22,null,-9223372036854775808,"
                       "\"a\xef\xbf\xbd" "b\",null]");
  ws_json *object = ws_set(ws_new_object(), "a", ws_new_integer(1));
  ws_set(ws_set(object, "b", ws_new_boolean(false)), "a", ws_new_text("x"));
  SAME(ws_write(object), "{\"a\":\"x\",\"b\":false}");
  for (int at = 0; at < 1000; at++) ws_push(list, object);
  CHECK(ws_count(list) == 1008);
}

/* ---- The step */

static ws_json *echo(const ws_json *props) {
  return ws_set(ws_new_object(), "got", ws_get(props, "value"));
}

static ws_json *nothing(const ws_json *props) {
  (void)props;
  return NULL;
}

static ws_json *fails(const ws_json *props) {
  return ws_fail("OutOfStock", ws_format("no %s", ws_text(ws_get(props, "item"), "?")), false);
}

static ws_json *too_deep(const ws_json *props) {
  (void)props;
  ws_json *itself = ws_new_array();
  return ws_push(itself, itself);
}

static void what_a_handler_returns_reaches_the_host(void) {
  run(echo, "{\"value\":[1,\"\\u00fc\"]}");
  CHECK(!the_host.failed);
  SAME(the_host.returned, "{\"got\":[1,\"\xc3\xbc\"]}");
  run(nothing, "{}");
  CHECK(!the_host.failed);
  SAME(the_host.returned, "");
  run(fails, "{\"item\":\"tea\"}");
  CHECK(the_host.failed && !the_host.retryable);
  SAME(the_host.name, "OutOfStock");
  SAME(the_host.message, "no tea");
  run(too_deep, "{}");
  CHECK(the_host.failed);
  SAME(the_host.name, "InvalidReturnValue");
  run(echo, "{");
  SAME(the_host.name, "InvalidProps");
  /* A failure does not outlive its run. */
  run(nothing, "{}");
  CHECK(!the_host.failed);
}

static ws_json *flows(const ws_json *props) {
  (void)props;
  ws_links links = ws_suspend(NULL);
  ws_suspend(&(ws_suspend_options){.timeout_ms = 5, .on_timeout = WS_ON_TIMEOUT_CANCEL,
                                   .message = "Really?", .resume_schema = ws_new_boolean(true)});
  ws_rerun(10, NULL, WS_DEFAULT_RETRIES);
  ws_rerun(20, ws_set(ws_new_object(), "n", ws_new_integer(1)), 3);
  ws_delay(30);
  ws_withdraw();
  ws_exit("enough");
  ws_exit(NULL);
  return ws_new_text(links.error == NULL ? links.resume_url : links.error);
}

static void flow_calls_reach_the_host(void) {
  run(flows, "{}");
  SAME(the_host.calls,
       "suspend -1 -1 none none\nsuspend 5 1 Really? true\nrerun 10 none -1\n"
       "rerun 20 {\"n\":1} 3\ndelay 30\nwithdraw\nexit enough\nexit none\n");
  SAME(the_host.returned, "\"resume\"");
  the_host.refuses = "no";
  run(flows, "{}");
  SAME(the_host.returned, "\"no\"");
  the_host.refuses = NULL;
}

static ws_json *delivers(const ws_json *props) {
  (void)props;
  const char *one = ws_export("a", ws_new_integer(1));
  const char *two = ws_respond(&(ws_response){
      .status = 201, .headers = (const ws_header[]){{"x", "y"}, {0}}, .body = "hi", .body_length = 2});
  const char *three = ws_send_email(&(ws_mail){
      .to = (const char *const[]){"a@b", "c@d", NULL}, .subject = "S\xff", .html = "<p>"});
  ws_send_email(&(ws_mail){.subject = "owner", .text = "t"});
  ws_json *errors = ws_push(ws_push(ws_new_array(), ws_new_text(one)), ws_new_text(two));
  return ws_push(errors, ws_new_text(three));
}

static void deliveries_reach_the_host(void) {
  run(delivers, "{}");
  SAME(the_host.calls, "export a 1\nrespond 201 x=y hi\nemail a@b c@d S\xef\xbf\xbd none <p>\n"
                       "email owner t none\n");
  SAME(the_host.returned, "[null,null,null]");
  the_host.refuses = "no";
  run(delivers, "{}");
  SAME(the_host.returned, "[\"no\",\"no\",\"no\"]");
  the_host.refuses = NULL;
}

static ws_json *looks(const ws_json *props) {
  (void)props;
  ws_run now = ws_get_run();
  ws_json *list = ws_push(ws_new_array(), ws_new_integer(now.runs));
  ws_push(ws_push(list, now.context), now.callback_request);
  ws_push(ws_push(list, ws_get_event()), ws_get(ws_get_steps(), "first"));
  ws_execution execution = ws_get_execution();
  ws_push(ws_push(list, ws_new_text(execution.workflow)), ws_new_boolean(execution.test));
  return ws_push(list, ws_new_integer((int64_t)execution.deadline_ms));
}

static void the_context_is_the_hosts(void) {
  the_host.runs = 2;
  the_host.context = "{\"n\":1}";
  run(looks, "{}");
  SAME(the_host.returned,
       "[2,{\"n\":1},null,{\"total\":12},{\"$summary\":\"x\"},\"workflow\",true,1767225630000]");
}

int main(void) {
  the_host = (host){.runs = 1, .event = "{\"total\":12}", .steps = "{\"first\":{\"$summary\":\"x\"}}"};
  what_is_read_is_written();
  what_is_no_json_is_refused();
  what_is_cut_off_is_refused();
  depth_is_bounded();
  values_are_read_as_what_they_are();
  values_are_made();
  ws_release();
  what_a_handler_returns_reaches_the_host();
  flow_calls_reach_the_host();
  deliveries_reach_the_host();
  the_context_is_the_hosts();
  printf("%u passed, %u failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

/* JSON text (RFC 8259) into values. */

#include <string.h>

#include "internal.h"

/* How deep what is read may be nested: the host wraps values of WS_DEPTH_MAX, such as an event's
 * body or an earlier export, in objects of its own. Each level takes some 200 bytes of stack. */
#define READ_DEPTH_MAX (2 * WS_DEPTH_MAX)

typedef struct {
  const char *text;
  size_t length;
  size_t at;
  const char *error; /* the first one */
} reader;

static void *failed(reader *in, const char *what) {
  if (in->error == NULL) in->error = ws_format("not JSON, at byte %zu: %s", in->at, what);
  return NULL;
}

/* The character here; -1 at the end. */
static int here(const reader *in) {
  return in->at < in->length ? (unsigned char)in->text[in->at] : -1;
}

static bool digit(const reader *in) { return here(in) >= '0' && here(in) <= '9'; }

static bool next_is(reader *in, char character) {
  if (here(in) != character) return false;
  in->at++;
  return true;
}

static void skip_space(reader *in) {
  while (here(in) == ' ' || here(in) == '\t' || here(in) == '\n' || here(in) == '\r') in->at++;
}

static ws_json *word(reader *in, const char *expected, ws_json *value) {
  size_t length = strlen(expected);
  if (in->length - in->at < length || memcmp(in->text + in->at, expected, length) != 0) {
    return failed(in, "expected a value");
  }
  in->at += length;
  return value;
}

static bool digits(reader *in) {
  if (!digit(in)) return false;
  while (digit(in)) in->at++;
  return true;
}

static ws_json *number(reader *in) {
  size_t start = in->at;
  next_is(in, '-');
  /* A zero at the front stands alone. */
  if (!next_is(in, '0') && !digits(in)) return failed(in, "expected a digit");
  if (next_is(in, '.') && !digits(in)) return failed(in, "expected a digit after the point");
  if (here(in) == 'e' || here(in) == 'E') {
    in->at++;
    if (!next_is(in, '+')) next_is(in, '-');
    if (!digits(in)) return failed(in, "expected a digit in the exponent");
  }
  ws_json *value = ws_new(WS_NUMBER);
  value->text = ws_utf8(in->text + start, in->at - start, &value->length);
  return value;
}

/* Four hexadecimal digits; -1 when there are none. */
static long hexadecimal(reader *in) {
  long number = 0;
  for (int count = 0; count < 4; count++, in->at++) {
    int character = here(in);
    int value = character >= '0' && character <= '9'   ? character - '0'
                : character >= 'a' && character <= 'f' ? character - 'a' + 10
                : character >= 'A' && character <= 'F' ? character - 'A' + 10
                                                       : -1;
    if (value < 0) return -1;
    number = number * 16 + value;
  }
  return number;
}

static void append_character(ws_buffer *out, long code) {
  unsigned char bytes[4];
  size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (size_t at = size; at-- > 1; code >>= 6) bytes[at] = (unsigned char)(0x80 | (code & 0x3f));
  bytes[0] = (unsigned char)(first[size] | code);
  ws_append(out, bytes, size);
}

/* After `\u`. */
static bool unicode(reader *in, ws_buffer *out) {
  long code = hexadecimal(in);
  if (code >= 0xd800 && code <= 0xdbff) {
    /* The first half of a character: the other half has to follow. */
    long low = next_is(in, '\\') && next_is(in, 'u') ? hexadecimal(in) : -1;
    bool pair = low >= 0xdc00 && low <= 0xdfff;
    code = pair ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : -1;
  } else if (code >= 0xdc00 && code <= 0xdfff) {
    code = -1;
  }
  if (code < 0) return failed(in, "\\u is followed by no character");
  append_character(out, code);
  return true;
}

/* After a backslash. */
static bool escape(reader *in, ws_buffer *out) {
  static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  int letter = here(in);
  const char *found = letter > 0 ? strchr(letters, letter) : NULL;
  if (found == NULL && letter != 'u') return failed(in, "no such escape");
  in->at++;
  if (found == NULL) return unicode(in, out);
  ws_append(out, &meant[found - letters], 1);
  return true;
}

/* The text after a quote, up to the next. */
static bool quoted(reader *in, ws_buffer *out) {
  ws_append(out, "", 0);
  for (;;) {
    size_t start = in->at;
    while (here(in) >= 0x20 && here(in) != '"' && here(in) != '\\') {
      size_t size = ws_character((const unsigned char *)in->text + in->at, in->length - in->at);
      if (size == 0) return failed(in, "the text is not UTF-8");
      in->at += size;
    }
    ws_append(out, in->text + start, in->at - start);
    if (next_is(in, '"')) return true;
    if (here(in) < 0) return failed(in, "the text has no end");
    if (!next_is(in, '\\')) return failed(in, "control characters in text must be escaped");
    if (!escape(in, out)) return false;
  }
}

static ws_json *value(reader *in, unsigned depth);

static bool item(reader *in, ws_json *container, unsigned depth) {
  ws_buffer key = {0};
  if (container->kind == WS_OBJECT) {
    skip_space(in);
    if (!next_is(in, '"')) return failed(in, "expected a key in quotes");
    if (!quoted(in, &key)) return false;
    skip_space(in);
    if (!next_is(in, ':')) return failed(in, "expected a colon");
  }
  ws_json *inner = value(in, depth + 1);
  if (inner == NULL) return false;
  ws_add(container, key.bytes, key.length, inner);
  return true;
}

/* After the opening bracket. */
static ws_json *items(reader *in, ws_kind kind, char end, unsigned depth) {
  if (depth == READ_DEPTH_MAX) return failed(in, "it is nested too deep");
  ws_json *container = ws_new(kind);
  skip_space(in);
  if (next_is(in, end)) return container;
  do {
    if (!item(in, container, depth)) return NULL;
    skip_space(in);
  } while (next_is(in, ','));
  if (next_is(in, end)) return container;
  return failed(in, end == ']' ? "expected a comma or ]" : "expected a comma or }");
}

static ws_json *value(reader *in, unsigned depth) {
  skip_space(in);
  switch (here(in)) {
    case -1: return failed(in, "the text ends where a value is expected");
    case 'n': return word(in, "null", ws_new_null());
    case 't': return word(in, "true", ws_new_boolean(true));
    case 'f': return word(in, "false", ws_new_boolean(false));
    case '[': in->at++; return items(in, WS_ARRAY, ']', depth);
    case '{': in->at++; return items(in, WS_OBJECT, '}', depth);
    case '"': {
      in->at++;
      ws_buffer text = {0};
      if (!quoted(in, &text)) return NULL;
      ws_json *made = ws_new(WS_TEXT);
      made->text = text.bytes;
      made->length = text.length;
      return made;
    }
    default: return digit(in) || here(in) == '-' ? number(in) : failed(in, "expected a value");
  }
}

ws_json *ws_parse(const char *text, size_t length, const char **error) {
  reader in = {text, length, 0, NULL};
  ws_json *parsed = value(&in, 0);
  skip_space(&in);
  if (parsed != NULL && in.at < length) parsed = failed(&in, "something follows the value");
  if (error != NULL) *error = in.error;
  return parsed;
}

ws_json *ws_take_json(step_http_string_t *text) {
  const char *error = NULL;
  ws_json *taken = ws_parse((const char *)text->ptr, text->len, &error);
  step_http_string_free(text);
  if (taken == NULL) ws_die(error);
  return taken;
}

/* JSON text from values. */

#include <stdio.h>
#include <string.h>

#include "internal.h"

static void text(ws_buffer *out, const char *bytes) { ws_append(out, bytes, strlen(bytes)); }

static void escaped(ws_buffer *out, unsigned char character) {
  switch (character) {
    case '"': text(out, "\\\""); return;
    case '\\': text(out, "\\\\"); return;
    case '\b': text(out, "\\b"); return;
    case '\f': text(out, "\\f"); return;
    case '\n': text(out, "\\n"); return;
    case '\r': text(out, "\\r"); return;
    case '\t': text(out, "\\t"); return;
    default: break;
  }
  char number[8];
  snprintf(number, sizeof number, "\\u%04x", character);
  text(out, number);
}

static void quoted(ws_buffer *out, const char *bytes, size_t length) {
  text(out, "\"");
  size_t plain = 0;
  for (size_t at = 0; at < length; at++) {
    unsigned char character = (unsigned char)bytes[at];
    if (character >= 0x20 && character != '"' && character != '\\') continue;
    ws_append(out, bytes + plain, at - plain);
    escaped(out, character);
    plain = at + 1;
  }
  ws_append(out, bytes + plain, length - plain);
  text(out, "\"");
}

static bool written(ws_buffer *out, const ws_json *value, unsigned depth);

static bool items(ws_buffer *out, const ws_json *value, unsigned depth) {
  /* A value that holds itself ends here too. */
  if (depth == WS_DEPTH_MAX) return false;
  bool object = value->kind == WS_OBJECT;
  text(out, object ? "{" : "[");
  for (size_t at = 0; at < value->length; at++) {
    const ws_item *item = &value->items[at];
    if (at > 0) text(out, ",");
    if (object) {
      quoted(out, item->key, item->key_length);
      text(out, ":");
    }
    if (!written(out, item->value, depth + 1)) return false;
  }
  text(out, object ? "}" : "]");
  return true;
}

static bool written(ws_buffer *out, const ws_json *value, unsigned depth) {
  switch (ws_kind_of(value)) {
    case WS_NULL: text(out, "null"); return true;
    case WS_BOOLEAN: text(out, value->boolean ? "true" : "false"); return true;
    case WS_NUMBER: ws_append(out, value->text, value->length); return true;
    case WS_TEXT: quoted(out, value->text, value->length); return true;
    case WS_ARRAY:
    case WS_OBJECT: return items(out, value, depth);
  }
  ws_die("a JSON value is damaged");
}

const char *ws_write(const ws_json *value) {
  ws_buffer out = {0};
  return written(&out, value, 0) ? out.bytes : NULL;
}

bool ws_lend_json(const ws_json *value, step_http_string_t *lent, const char **error) {
  const char *json = ws_write(value);
  if (json == NULL) {
    *error = ws_format("the JSON is nested deeper than %d levels", WS_DEPTH_MAX);
    return false;
  }
  *lent = (step_http_string_t){(uint8_t *)json, strlen(json)};
  return true;
}

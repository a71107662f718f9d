/* Text that grows, and text that is UTF-8 for sure. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

char *ws_room(ws_buffer *buffer, size_t more) {
  if (more >= SIZE_MAX - buffer->length) ws_die("out of memory");
  size_t needed = buffer->length + more + 1;
  if (needed > buffer->capacity) {
    size_t doubled = buffer->capacity > SIZE_MAX / 2 ? needed : buffer->capacity * 2;
    buffer->capacity = needed > doubled ? needed : doubled;
    buffer->bytes = ws_resize(buffer->bytes, buffer->capacity);
  }
  return buffer->bytes + buffer->length;
}

void ws_append(ws_buffer *buffer, const void *bytes, size_t length) {
  char *place = ws_room(buffer, length);
  if (length > 0) memcpy(place, bytes, length);
  buffer->length += length;
  buffer->bytes[buffer->length] = '\0';
}

size_t ws_character(const unsigned char *text, size_t length) {
  if (length == 0) return 0;
  unsigned first = text[0];
  if (first < 0x80) return 1;
  size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || size > length) return 0;
  for (size_t at = 1; at < size; at++) {
    if ((text[at] & 0xc0) != 0x80) return 0;
  }
  /* Longer than need be, a surrogate, or past the last character. */
  if (first == 0xe0 && text[1] < 0xa0) return 0;
  if (first == 0xed && text[1] > 0x9f) return 0;
  if (first == 0xf0 && text[1] < 0x90) return 0;
  if (first == 0xf4 && text[1] > 0x8f) return 0;
  return size;
}

char *ws_utf8(const char *text, size_t length, size_t *copied) {
  static const char replacement[] = "\xef\xbf\xbd";
  ws_buffer buffer = {0};
  size_t at = 0, good = 0;
  while (at < length) {
    size_t size = ws_character((const unsigned char *)text + at, length - at);
    if (size > 0) {
      at += size;
      continue;
    }
    ws_append(&buffer, text + good, at - good);
    ws_append(&buffer, replacement, sizeof replacement - 1);
    good = ++at;
  }
  ws_append(&buffer, length > 0 ? text + good : "", length - good);
  if (copied != NULL) *copied = buffer.length;
  return buffer.bytes;
}

const char *ws_format(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  va_list again;
  va_copy(again, arguments);
  int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  if (length < 0) ws_die("ws_format: the format is not valid");
  char *text = ws_alloc((size_t)length + 1);
  vsnprintf(text, (size_t)length + 1, format, again);
  va_end(again);
  return text;
}

const char *ws_take(step_http_string_t *text) {
  ws_buffer copy = {0};
  ws_append(&copy, text->ptr, text->len);
  step_http_string_free(text);
  return copy.bytes;
}

step_http_string_t ws_lend(const char *text) {
  if (text == NULL) text = "";
  size_t length = 0;
  char *copy = ws_utf8(text, strlen(text), &length);
  return (step_http_string_t){(uint8_t *)copy, length};
}

step_http_string_t ws_give(const char *text) {
  step_http_string_t lent = ws_lend(text);
  uint8_t *copy = malloc(lent.len + 1);
  if (copy == NULL) ws_die("out of memory");
  memcpy(copy, lent.ptr, lent.len + 1);
  return (step_http_string_t){copy, lent.len};
}

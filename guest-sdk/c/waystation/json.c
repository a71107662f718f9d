/* JSON values: making them and looking into them. */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Integers up to here are exact as `double`. */
#define EXACT_MAX 9007199254740992.0

ws_json *ws_new(ws_kind kind) {
  ws_json *value = ws_alloc(sizeof *value);
  value->kind = kind;
  return value;
}

void ws_add(ws_json *value, char *key, size_t key_length, ws_json *item) {
  if (value->length == value->capacity) {
    value->capacity = value->capacity == 0 ? 4 : value->capacity * 2;
    value->items = ws_resize(value->items, value->capacity * sizeof *value->items);
  }
  value->items[value->length++] = (ws_item){key, key_length, item};
}

ws_kind ws_kind_of(const ws_json *value) { return value == NULL ? WS_NULL : value->kind; }

static bool is(const ws_json *value, ws_kind kind) { return value != NULL && value->kind == kind; }

static bool has_items(const ws_json *value) { return is(value, WS_ARRAY) || is(value, WS_OBJECT); }

static ws_item *find(const ws_json *object, const char *key, size_t length) {
  for (size_t at = object->length; at > 0; at--) {
    ws_item *item = &object->items[at - 1];
    if (item->key_length == length && memcmp(item->key, key, length) == 0) return item;
  }
  return NULL;
}

ws_json *ws_get(const ws_json *object, const char *key) {
  if (!is(object, WS_OBJECT) || key == NULL) return NULL;
  ws_item *item = find(object, key, strlen(key));
  return item == NULL ? NULL : item->value;
}

ws_json *ws_at(const ws_json *value, size_t index) {
  return has_items(value) && index < value->length ? value->items[index].value : NULL;
}

const char *ws_key_at(const ws_json *object, size_t index) {
  return is(object, WS_OBJECT) && index < object->length ? object->items[index].key : NULL;
}

size_t ws_count(const ws_json *value) { return has_items(value) ? value->length : 0; }

const char *ws_text(const ws_json *value, const char *otherwise) {
  return is(value, WS_TEXT) ? value->text : otherwise;
}

size_t ws_text_length(const ws_json *value) { return is(value, WS_TEXT) ? value->length : 0; }

double ws_number(const ws_json *value, double otherwise) {
  return is(value, WS_NUMBER) ? strtod(value->text, NULL) : otherwise;
}

int64_t ws_integer(const ws_json *value, int64_t otherwise) {
  if (!is(value, WS_NUMBER)) return otherwise;
  if (strpbrk(value->text, ".eE") == NULL) {
    errno = 0;
    long long number = strtoll(value->text, NULL, 10);
    return errno == ERANGE ? otherwise : (int64_t)number;
  }
  /* 1e3 and 2.0 are integers too. */
  double number = strtod(value->text, NULL);
  return fabs(number) <= EXACT_MAX && number == floor(number) ? (int64_t)number : otherwise;
}

bool ws_boolean(const ws_json *value, bool otherwise) {
  return is(value, WS_BOOLEAN) ? value->boolean : otherwise;
}

ws_json *ws_new_null(void) { return ws_new(WS_NULL); }

ws_json *ws_new_boolean(bool boolean) {
  ws_json *value = ws_new(WS_BOOLEAN);
  value->boolean = boolean;
  return value;
}

static ws_json *new_number(const char *text) {
  ws_json *value = ws_new(WS_NUMBER);
  value->text = ws_utf8(text, strlen(text), &value->length);
  return value;
}

ws_json *ws_new_integer(int64_t number) {
  char text[24];
  snprintf(text, sizeof text, "%lld", (long long)number);
  return new_number(text);
}

ws_json *ws_new_number(double number) {
  if (!isfinite(number)) return ws_new_null();
  /* The shortest of these that reads as the same number. */
  char text[32];
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, number);
    if (strtod(text, NULL) == number) break;
  }
  return new_number(text);
}

ws_json *ws_new_text(const char *text) {
  return text == NULL ? ws_new_null() : ws_new_text_of(text, strlen(text));
}

ws_json *ws_new_text_of(const char *text, size_t length) {
  ws_json *value = ws_new(WS_TEXT);
  value->text = ws_utf8(text, length, &value->length);
  return value;
}

ws_json *ws_new_array(void) { return ws_new(WS_ARRAY); }

ws_json *ws_new_object(void) { return ws_new(WS_OBJECT); }

/* An item may stand in several places, so it is never changed through one of them by the
 * library; the cast lets callers put in what they only read. */
static ws_json *item_of(const ws_json *value) {
  return value == NULL ? ws_new_null() : (ws_json *)value;
}

ws_json *ws_set(ws_json *object, const char *key, const ws_json *value) {
  if (!is(object, WS_OBJECT)) ws_die("ws_set: the value is no object");
  if (key == NULL) ws_die("ws_set: the key is NULL");
  size_t length = 0;
  char *copy = ws_utf8(key, strlen(key), &length);
  ws_item *old = find(object, copy, length);
  if (old != NULL) {
    old->value = item_of(value);
  } else {
    ws_add(object, copy, length, item_of(value));
  }
  return object;
}

ws_json *ws_push(ws_json *array, const ws_json *value) {
  if (!is(array, WS_ARRAY)) ws_die("ws_push: the value is no array");
  ws_add(array, NULL, 0, item_of(value));
  return array;
}

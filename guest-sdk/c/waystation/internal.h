/* What the library's files share. */
#ifndef WAYSTATION_INTERNAL_H
#define WAYSTATION_INTERNAL_H

#include "bindings/step_http.h"
#include "waystation.h"

/* ---- memory.c: blocks that live until the handler returns */

/* A block of another size with the same beginning. `block` may be NULL. */
void *ws_resize(void *block, size_t size);
/* Frees all blocks. */
void ws_release(void);
/* A mistake of the program: says so, and ends. */
_Noreturn void ws_die(const char *message);

/* ---- text.c */

/* Text that grows. */
typedef struct {
  char *bytes;
  size_t length;
  size_t capacity;
} ws_buffer;

/* Appends; a NUL always follows. */
void ws_append(ws_buffer *buffer, const void *bytes, size_t length);
/* Makes room for `more` bytes after the text, and gives their place. */
char *ws_room(ws_buffer *buffer, size_t more);

/* The length of the character of UTF-8 at `text`; 0 when there is none. */
size_t ws_character(const unsigned char *text, size_t length);
/* A copy that is UTF-8: what is not becomes U+FFFD. A NUL follows. */
char *ws_utf8(const char *text, size_t length, size_t *copied);

/* ---- between the host's text and C's */

/* A copy of the host's text, which is freed. */
const char *ws_take(step_http_string_t *text);
/* The JSON in the host's text, which is freed. */
ws_json *ws_take_json(step_http_string_t *text);
/* For the time of a call: lives until the handler returns. */
step_http_string_t ws_lend(const char *text);
/* The same of JSON; false when it is nested too deep, and `*error` says so. */
bool ws_lend_json(const ws_json *value, step_http_string_t *text, const char **error);
/* A copy that the caller frees with `free`. */
step_http_string_t ws_give(const char *text);

/* The number of headers before the last, {0}. */
size_t ws_header_count(const ws_header *headers);

/* ---- json.c */

typedef struct {
  char *key; /* NULL in arrays */
  size_t key_length;
  ws_json *value;
} ws_item;

struct ws_json {
  ws_kind kind;
  bool boolean;
  char *text;    /* of texts and numbers: a number stays as it was written */
  size_t length; /* of `text` in bytes, or of `items` */
  ws_item *items;
  size_t capacity;
};

ws_json *ws_new(ws_kind kind);
/* Adds an item, without a look at the others. */
void ws_add(ws_json *value, char *key, size_t key_length, ws_json *item);

#endif

/* Memory that lives until the handler returns. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Before each block; as large as the strictest alignment. */
typedef union block {
  struct {
    union block *before;
    union block *after;
  } list;
  max_align_t aligned;
} block;

static block all = {.list = {&all, &all}};

static void unlink_block(block *one) {
  one->list.before->list.after = one->list.after;
  one->list.after->list.before = one->list.before;
}

static void link_block(block *one) {
  one->list.before = &all;
  one->list.after = all.list.after;
  all.list.after->list.before = one;
  all.list.after = one;
}

void *ws_resize(void *place, size_t size) {
  block *one = place == NULL ? NULL : (block *)place - 1;
  if (one != NULL) unlink_block(one);
  if (size > SIZE_MAX - sizeof(block)) ws_die("out of memory");
  one = realloc(one, sizeof(block) + size);
  if (one == NULL) ws_die("out of memory");
  link_block(one);
  return one + 1;
}

void *ws_alloc(size_t size) {
  void *place = ws_resize(NULL, size);
  return memset(place, 0, size);
}

void ws_release(void) {
  while (all.list.after != &all) {
    block *one = all.list.after;
    unlink_block(one);
    free(one);
  }
}

_Noreturn void ws_die(const char *message) {
  fflush(stdout);
  fprintf(stderr, "waystation: %s\n", message);
  fflush(stderr);
  abort();
}

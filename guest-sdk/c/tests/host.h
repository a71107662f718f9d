/* A host for tests: it remembers what the step asked for. */
#ifndef TESTS_HOST_H
#define TESTS_HOST_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
  /* What the step sees. */
  uint32_t runs;
  const char *context; /* JSON, or NULL */
  const char *event;
  const char *steps;
  const char *refuses; /* with this message, every call that can fail; NULL: none */
  /* What it did: one line a call, and the outcome. */
  char calls[4096];
  bool failed;
  bool retryable;
  char name[64];
  char message[512];
  char returned[1 << 16]; /* JSON, or nothing */
} host;

extern host the_host;

/* Calls the step with these props, as a component is called. */
void call_step(const char *props);

#endif

/* The programs of tests/conformance/README.md. */
#ifndef PROGRAMS_H
#define PROGRAMS_H

#include "waystation.h"

typedef ws_json *program(const ws_json *props);

program program_suspend, program_timeout, program_approval, program_rerun, program_callback,
    program_max_retries, program_withdraw, program_exit, program_delay, program_export,
    program_invalid_argument, program_respond, program_mail, program_error, program_echo,
    program_log, program_get, program_post, program_denied, program_view;

/* `{"refused": <message>}` */
static inline ws_json *refused(const char *message) {
  return ws_set(ws_new_object(), "refused", ws_new_text(message));
}

#endif

/* One component for all programs: the props say which one runs. */

#include <string.h>

#include "programs.h"

static const struct {
  const char *name;
  program *run;
} programs[] = {
    {"suspend", program_suspend},
    {"timeout", program_timeout},
    {"approval", program_approval},
    {"rerun", program_rerun},
    {"callback", program_callback},
    {"max_retries", program_max_retries},
    {"withdraw", program_withdraw},
    {"exit", program_exit},
    {"delay", program_delay},
    {"export", program_export},
    {"invalid_argument", program_invalid_argument},
    {"respond", program_respond},
    {"mail", program_mail},
    {"error", program_error},
    {"echo", program_echo},
    {"log", program_log},
    {"get", program_get},
    {"post", program_post},
    {"denied", program_denied},
    {"view", program_view},
};

ws_json *ws_handler(const ws_json *props) {
  const char *name = ws_text(ws_get(props, "program"), "");
  for (size_t at = 0; at < sizeof programs / sizeof *programs; at++) {
    if (strcmp(programs[at].name, name) == 0) return programs[at].run(props);
  }
  return ws_fail("UnknownProgram", ws_format("there is no program %s", name), false);
}

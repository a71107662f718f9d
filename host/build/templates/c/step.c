/* Greets somebody, once somebody else has agreed. */

#include <stdio.h>
#include <waystation.h>

ws_json *ws_handler(const ws_json *props) {
  const char *name = ws_text(ws_get(props, "name"), "");
  ws_links links = ws_suspend(&(ws_suspend_options){.message = ws_format("Greet %s?", name)});
  if (links.error != NULL) return ws_fail("SuspendError", links.error, false);
  /* The workflow pauses when this function returns. The links can be sent to whoever decides.
     Whoever has one may act, so none is logged: more people read logs. */
  printf("asked whether to greet %s\n", name);
  ws_json *greeted = ws_new_object();
  ws_set(greeted, "greeting", ws_new_text(ws_format("Hello, %s!", name)));
  return greeted;
}

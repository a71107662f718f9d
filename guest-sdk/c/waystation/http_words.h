/* What the codes of wasi:http say to people. */
#ifndef WAYSTATION_HTTP_WORDS_H
#define WAYSTATION_HTTP_WORDS_H

#include "internal.h"

/* In words; the code is freed. */
const char *ws_http_words(wasi_http_types_error_code_t *code);

#endif

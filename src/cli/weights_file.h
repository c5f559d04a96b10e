/* The versions of fitted weights beside an organisation's database: weights/0001.yaml and up, none ever changed. */
#ifndef WEIGHTS_FILE_H
#define WEIGHTS_FILE_H

#include "cli/cli.h"

enum { WEIGHTS_MAX_BYTES = 256 << 10 };

/* Writes the next version: on the disk as a whole or not at all. *out_path lives in a. */
int weights_file_put(const struct org_settings *org, const char *text, size_t len, struct arena *a,
                     const char **out_path, struct err *err) MUST_USE;

#endif

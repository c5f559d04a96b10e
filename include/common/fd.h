/* Descriptors and open folders, given back when the local goes out of scope; files without a name. */
#ifndef COMMON_FD_H
#define COMMON_FD_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/err.h"

void fd_closep(int *fd); /* below 0: none */
void folder_closep(DIR **folder); /* NULL: none */
/* The folder that a file lies in: "/" for one that lies directly there, "." for a name alone. */
const char *folder_holding(struct arena *a, const char *path);

/* A file of ours alone that has no name and goes when it is closed; folder NULL: in memory. Returns it, or -1. */
int fd_nameless(const char *folder, struct err *err) MUST_USE;
/* Writes all of it. */
int fd_write(int fd, const void *data, size_t len, struct err *err) MUST_USE;
/* Goes to the beginning; is_emptied: and cuts it to nothing. */
int fd_rewind(int fd, bool is_emptied, struct err *err) MUST_USE;

#endif

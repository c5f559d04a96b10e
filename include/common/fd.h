/* Descriptors and open folders, given back when the local goes out of scope. */
#ifndef COMMON_FD_H
#define COMMON_FD_H

#include <dirent.h>

void fd_closep(int *fd); /* below 0: none */
void folder_closep(DIR **folder); /* NULL: none */

#endif

#include "common/fd.h"

#include <unistd.h>

void fd_closep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

void folder_closep(DIR **folder)
{
	if (*folder)
		(void)closedir(*folder);
}

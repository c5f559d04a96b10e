#include "common/late.h"

#include <dlfcn.h>
#include <string.h>

int late_load(struct late_library *l, struct err *err)
{
	if (!l->handle)
		l->handle = dlopen(l->name, RTLD_LAZY | RTLD_LOCAL);
	return l->handle ? 0 : err_set(err, ERR_FATAL, "%s", dlerror());
}

late_fn *late_find(struct late_library *l, const char *function)
{
	late_fn *found = NULL;
	struct err err;
	void *at;

	if (late_load(l, &err) < 0)
		die("%s", err.text);
	at = dlsym(l->handle, function);
	if (!at)
		die("%s", dlerror());
	memcpy(&found, &at, sizeof found); /* POSIX: what dlsym gives is as large; ISO C has no cast for it */
	return found;
}

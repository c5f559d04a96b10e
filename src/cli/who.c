#include "who.h"

#include <pwd.h>
#include <unistd.h>

#include "common/text.h"
#include "config/secret.h"

enum { NAME_CHARS = 100 };

const char *who_says(struct arena *a)
{
	const char *sudo = environment("SUDO_USER");
	const struct passwd *user = getpwuid(getuid());

	if (!text_is_blank(sudo))
		return text_clean(a, sudo, NAME_CHARS);
	return user ? text_clean(a, user->pw_name, NAME_CHARS) : arena_printf(a, "uid %u", (unsigned)getuid());
}

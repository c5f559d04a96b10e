/* Who gets a digest, when, with how much in it, and over which channels. */
#ifndef DIGEST_SETTINGS_H
#define DIGEST_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/words.h"
#include "common/yaml.h"

/* Links by which readers answer findings. */
struct answers_settings {
	const char *url;          /* where the endpoint is reached from outside: https://retaind.acme.example; NULL: off */
	const char *secret;       /* reference to 16 bytes or more that links are signed with */
	const char *old_secret;   /* while that is replaced: links that are on their way; NULL */
	int64_t expires_after_s;
};
enum { ANSWERS_EXPIRE_AFTER_S = 14 * 86400 };

enum owner_role { ROLE_CSM, ROLE_AM, ROLE_MANAGER };

struct owner_settings {
	const char *email;        /* the identity; lower case */
	const char *name;
	int role;                 /* enum owner_role */
	const char *zone;         /* NULL: the organisation's */
	const char *language;     /* NULL: the organisation's */
	const struct words *words; /* the texts of either */
	int at_minutes;           /* local time of the digest */
	struct texts days;        /* mon tue wed thu fri sat sun; empty: the organisation's */
	struct texts holidays;    /* names of config/holidays files; empty: the organisation's */
	struct texts channels;    /* names of the organisation's channels */
	int64_t capacity;         /* items a day */
	struct texts manages;     /* manager: e-mails of the owners whose book it sees; empty: all */
	bool sends_when_quiet;    /* a short digest also when there is nothing to say */
};

#endif

/* What retaind.yaml says of the HTTP endpoint. */
#ifndef WEB_SETTINGS_H
#define WEB_SETTINGS_H

#include <stdbool.h>

struct web_settings {
	const char *listen;  /* ADDRESS:PORT; NULL: nothing listens */
	bool allows_public;  /* an address that others reach */
};

#endif

/* Which mail addresses are used at all: a plain ASCII dot-atom and a domain, so that none can smuggle a header or an
 * SMTP command. Quoted local parts and comments are legal elsewhere and refused here. */
#ifndef COMMON_EMAIL_ADDRESS_H
#define COMMON_EMAIL_ADDRESS_H

#include <stdbool.h>

#include "common/arena.h"

/* A bare address of at most 254 bytes. */
bool email_address_is_valid(const char *address);
/* The address of "Name <address>" or of itself, NULL when it is not valid. */
char *email_address_of(struct arena *a, const char *from);

#endif

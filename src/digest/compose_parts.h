/* Between the files that compose. */
#ifndef DIGEST_COMPOSE_PARTS_H
#define DIGEST_COMPOSE_PARTS_H

#include "digest/compose.h"

/* An owner's name, else the address. */
const char *digest_person_name(const struct digest_input *in, const char *email, struct arena *a);
/* What an account is called, by its key where it has no name. */
const char *digest_account_name(const struct words *w, struct arena *a, const char *name, const char *key);
/* What a manager is told of the portfolio beside what is to be handled; no list is empty. */
const struct digest_list *digest_lists(const struct digest_input *in, struct arena *a, size_t *out_n);

#endif

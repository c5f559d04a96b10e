/* Between the files that compose. */
#ifndef DIGEST_COMPOSE_PARTS_H
#define DIGEST_COMPOSE_PARTS_H

#include "digest/compose.h"

/* An owner's name, else the address. */
const char *digest_person_name(const struct digest_input *in, const char *email, struct arena *a);
/* What an account is called, by its key where it has no name. */
const char *digest_account_name(const struct words *w, struct arena *a, const char *name, const char *key);
/* What is at stake, in money, of all and not only of what is shown. */
const char *digest_headline(const struct digest *d, struct arena *a);
/* What changed since the digest before, and what is set aside. */
const char *digest_since(const struct digest_input *in, const struct digest *d, struct arena *a);
/* The day of the scores that it is made from. */
int32_t digest_judged_on(const struct digest_input *in);
/* What of the past or of the data the reader must know to trust the digest: its notes, and whether its data is old. */
void digest_notes(const struct digest_input *in, struct arena *a, struct digest *out);
/* What is open with each of the owners, the most overdue first; without lines where nothing is. */
struct digest_list digest_open_work(const struct digest_input *in, struct arena *a);
/* How right past findings were, of each engine, and which signals are mostly wrong. */
struct digest_list digest_precision(const struct digest_input *in, struct arena *a);
/* The links by which the reader answers a finding; none where there are no such links. */
const struct digest_answer *digest_answers(const struct digest_input *in, const struct finding *f, struct arena *a,
                                           size_t *out_n);
/* Who holds the band of a finding's account by hand, until when and why; NULL: nobody does. */
const char *digest_held_text(const struct digest_input *in, const struct finding *f, struct arena *a);
/* Accounts that somebody holds lower than their numbers say: no item tells of them. */
struct digest_list digest_held(const struct digest_input *in, struct arena *a);
/* What is told beside what is to be handled, to managers mostly; no list is empty. */
const struct digest_list *digest_lists(const struct digest_input *in, struct arena *a, size_t *out_n);

#endif

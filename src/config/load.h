/* What the files of src/config share while a configuration is read. */
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "config/config.h"

/* One file of the configuration folder, read once: what is hashed is what was parsed. */
struct config_file {
	const char *name; /* "orgs/acme.yaml" */
	const char *path; /* as shown in messages */
	const char *text;
	size_t len;
	struct config_file *next;
};

struct loading {
	struct arena *arena;
	struct mistakes *mistakes;
	const char *dir;
	struct config_file *files; /* newest first */
	struct config *config;
	const struct config_checks *checks;
	const struct yaml *daemon; /* retaind.yaml; NULL when it can't be read */
	const struct words **words; /* as words_built_in, with what the installation words in its own way */
	const struct config_file **texts; /* of each of these, as long as it is not looked into */
	struct score_settings score; /* signals.yaml, plays.yaml and lexicon/, before an organisation changes it */
};

/* file.c. Each returns NULL after noting a mistake; what: that is expected there. */
const struct config_file *config_file(struct loading *l, const char *name, const char *what);
/* The same from anywhere; name: what it is called in hashes, which are the same on every machine. */
const struct config_file *config_file_at(struct loading *l, const char *name, const char *path, const char *what);
const struct yaml *config_yaml(struct loading *l, const char *name, const char *what);
/* Names of the files of a folder that end with one of the endings, "holidays/fr.yaml", sorted. */
struct texts config_list(struct loading *l, const char *folder, const char *const *endings, size_t n);
/* The same of a folder anywhere: names only, "fr.yaml". */
struct texts files_of(struct loading *l, const char *path, const char *const *endings, size_t n);
/* "fr" of "holidays/fr.yaml" */
const char *config_stem(struct arena *a, const char *name);
/* SHA-256 over the names and bytes of these files, in the order of their names. */
const char *config_hash(const struct loading *l, struct texts names);

void read_daemon(struct loading *l);
void read_holidays(struct loading *l);
void read_score(struct loading *l);
void read_lexicons(struct loading *l); /* into l->score */
/* Makes *out the organisation's own judgement: the base with what its file changes. where may be NULL. */
void read_org_score(struct loading *l, const struct yaml *where, struct score_settings *out);
/* Brings in what was fitted to the organisation's history, if anything was. */
void read_weights(struct loading *l, const char *org, struct score_settings *s);
void read_orgs(struct loading *l);
void read_languages(struct loading *l);
/* Notes a language that nobody knows. */
void check_language(const struct yaml *where, const char *language, struct mistakes *m);
/* The texts of the `language` of a node; NULL when there is none (NULL) or it is not known, which is noted. */
const struct words *read_words(struct loading *l, const struct yaml *where, const char *language);

extern const struct yaml_table source_table, owner_table, channel_table, identity_table, answers_table, retention_table;
/* What needs more than the one entry. sources, owners and channels are nodes of the file; NULL when not there. */
void check_sources(struct loading *l, const struct org_settings *o, const struct yaml *sources);
void check_identity(struct loading *l, const struct org_settings *o, const struct yaml *identity);
void check_answers(struct loading *l, const struct org_settings *o, const struct yaml *answers);
void check_owners(struct loading *l, const struct org_settings *o, const struct yaml *owners);

/* check.c: each notes what is wrong with the value of a key; a value that is NULL (absent) is right. */
void check_absolute(const struct yaml *where, const char *key, const char *path, struct mistakes *m);
void check_reference(const struct yaml *where, const char *key, const char *text, struct mistakes *m);
void check_url(const struct yaml *where, const char *key, const char *url, bool allows_http, struct mistakes *m);
void check_email(const struct yaml *where, const char *key, const char *email, struct mistakes *m);
void check_mailbox(const struct yaml *where, const char *key, const char *mailbox, struct mistakes *m);
void check_zone(const struct yaml *where, const char *key, const char *zone, struct mistakes *m);
void check_days(const struct yaml *where, const char *key, struct mistakes *m); /* a list of weekdays, not empty */
/* Each text of a list is one of the known ones. what: "channel". */
void check_known(const struct yaml *where, const char *key, const char *what, struct texts known, struct mistakes *m);
/* A name that goes into paths and messages. */
void check_name(const struct yaml *where, const char *name, struct mistakes *m);
bool is_loopback(const char *host);
/* The first members, const char *, of an array's elements. */
struct texts names_of(struct arena *a, struct yaml_array array, size_t size);
/* "no signal `x`, did you mean `y`?" at an entry. */
void refuse_unknown(const struct yaml *entry, const char *text, const char *what, struct texts known,
                    struct mistakes *m);

#endif

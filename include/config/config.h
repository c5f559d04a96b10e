/* Everything that was configured, read once: retaind.yaml, orgs/, connectors/, signals.yaml, plays.yaml, lexicon/,
 * holidays/, texts/. Lives in the arena it was loaded into; nothing in it changes. Secrets are references only. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/yaml.h"
#include "connect/settings.h"
#include "deliver/settings.h"
#include "digest/settings.h"
#include "schedule/settings.h"
#include "score/settings.h"
#include "store/settings.h"
#include "web/settings.h"

struct holiday_set {
	const char *name;   /* file name without ending */
	const int32_t *days; /* ascending */
	size_t n;
};

struct org_settings {
	const char *name;        /* the file's name without .yaml */
	const char *title;       /* "Acme SAS" */
	const char *file;        /* where it was read from, for messages */
	const char *zone;
	const char *currency;    /* ISO 4217, for reports */
	const char *language;    /* of what people read: en, fr */
	const struct words *words; /* its texts */
	const char *ping_url;    /* asked once a day when all went well, or a reference to it; NULL: none */
	const char *account_url; /* template of the link into the CRM, {{key}}; NULL: account.url */
	const char *db_path;     /* STATE/orgs/NAME/retaind.db */
	const char *hash;        /* sha256 of every byte of configuration that bears on it: the config version */
	struct yaml_array sources;  /* struct source_settings */
	struct yaml_array owners;   /* struct owner_settings */
	struct yaml_array channels; /* struct channel_settings */
	struct texts days;          /* working days, default mon..fri */
	struct texts holidays;
	struct schedule_settings schedule;
	struct score_settings score;
	struct identity_settings identity;
	struct retention_settings retention;
	struct nrr_policy nrr;
	struct answers_settings answers;
};

struct config_file;
struct config {
	const char *dir;
	struct config_file *files; /* as they were read */
	const char *state_dir;
	const char *log_level;
	int64_t score_processes; /* how many judge accounts; 0: as many as there are processors */
	struct web_settings web;
	const char *admin_channel; /* "org/channel" that problems are told to; NULL: log only */
	const char *admin_fallback; /* in its place where it fails itself; NULL: none */
	struct yaml_array orgs;    /* struct org_settings */
	struct yaml_array holidays; /* struct holiday_set */
};

/* What other folders know better, handed in so that folders stay apart. Each may be NULL. */
struct config_checks {
	/* looks at what a source says beyond its shape: its connector, its mappings */
	void (*check_source)(struct arena *a, const char *dir, const struct source_settings *s, struct mistakes *m);
	bool (*knows_signal)(const char *name);
	/* makes the lexicons (struct lexicon_settings) ready to be found in texts */
	int (*index_lexicons)(struct arena *a, struct yaml_array lexicons, const struct lexicon_index **out,
	                      size_t *out_wrong, struct err *err);
	/* for who only reads and asks no source: texts in languages that nobody has are hashed and not looked into, and
	 * lexicons are left to config_lexicons */
	bool is_brief;
};
/* Returns NULL exactly when there were mistakes; they are in m. */
const struct config *config_load(struct arena *a, const char *dir, const struct config_checks *checks,
                                 struct mistakes *m);
/* Lexicons for an organisation of a configuration that was loaded in brief, of the bytes that were read then. */
bool config_lexicons(struct arena *a, const struct config *c, const struct config_checks *checks,
                     struct org_settings *io, struct mistakes *m);
/* NULL name: the only one. NULL when there is none, or several. */
const struct org_settings *config_org(const struct config *c, const char *name);
/* By "org/channel"; NULL when there is none, or no name. */
const struct channel_settings *config_channel(const struct config *c, const char *name);
const struct channel_settings *org_channel(const struct org_settings *o, const char *name);
const struct owner_settings *org_owner(const struct org_settings *o, const char *email);

#endif

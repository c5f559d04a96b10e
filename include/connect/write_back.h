/* Tells a source's own system what retaind says of its accounts: into properties that the organisation named for it and
 * no others, and only what differs from what was written last. */
#ifndef CONNECT_WRITE_BACK_H
#define CONNECT_WRITE_BACK_H

#include "connect/pull.h"

struct write_account {
	int64_t source, id;      /* in the store */
	const char *key, *name;  /* in its own system */
	const char *values[N_WRITE_FIELDS]; /* "": nothing to say, which empties what was said before */
};

/* A finding that is to have a task. */
struct write_task {
	struct write_account account; /* values are not read */
	int64_t finding;
	const char *engine, *cause;
	const char *title, *text;     /* plain; what to do, and why */
	const char *owner_key;        /* in the same system; NULL: none of its people */
	int32_t opened_on, due_on;
	int64_t sent_at;              /* INSTANT_NONE: never; else it isn't known whether it arrived */
};

struct write_change {
	const struct write_account *account;
	const char *property, *was, *becomes;
};

struct write_back {
	struct db *db;
	const char *config_dir, *lock_path; /* one write-back of a source at a time. NULL: no lock */
	const struct source_settings *source;
	int64_t now;
	const char *token_path, *limits_path; /* as of struct pull */
	secret_fn *secret;
	const struct write_account *accounts;
	size_t n_accounts;
	const struct write_task *tasks;
	size_t n_tasks;
	bool is_full;            /* also what was written before just so */
	bool is_dry_run;         /* only shows the changes: no secret is read and nothing sent */
	void (*show)(void *context, const struct write_change *change); /* of a dry run */
	/* one account's values were refused; the rest goes on */
	void (*refused)(void *context, const struct write_account *account, const char *reason);
	void *context;
};

struct write_counts {
	int64_t n_written, n_same, n_refused, n_tasks, n_requests;
};

/* Each batch that was answered is noted at once, so a run that ends in between repeats at most one batch, which does no
 * harm. The day alone is no change: it goes along with what is. Tasks come last, each made once. Returns 0, or -1 when
 * it could not go on: out has what was done until then. */
int write_back_source(const struct write_back *w, struct arena *a, struct write_counts *out, struct err *err) MUST_USE;

#endif

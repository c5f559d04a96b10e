/* Pulls one source into the store: each stream in turn, each page with its rows and cursor in one transaction. */
#ifndef CONNECT_PULL_H
#define CONNECT_PULL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "connect/settings.h"
#include "store/db.h"

/* Resolves a secret reference (config/secret.h, handed in so that folders stay apart). */
typedef int secret_fn(struct arena *a, const char *reference, const char **out, struct err *err);

struct pull_result {
	const char *stream;
	const char *mode;      /* full | incremental */
	int64_t n_requests;
	int64_t n_expected;    /* rows, as the source or the last list like this said; 0: not known */
	int64_t n_pages, n_rows, n_new, n_changed, n_deleted, n_quarantined;
	double done;           /* 0 to 1, of the file at hand; 0: not known */
	bool is_failed;
	const char *error;     /* NULL unless failed */
	enum err_kind kind;    /* of that error */
};

typedef void pull_progress_fn(void *context, const struct pull_result *so_far);

struct pull {
	struct db *db;
	const char *config_dir;
	const char *lock_path;     /* held while it pulls: one pull of a source at a time. NULL: none */
	const char *token_path;    /* where the source's OAuth tokens are kept; NULL: it can't use OAuth */
	const char *limits_path;   /* what its processes share of the source's limits; NULL: this one keeps them alone */
	const char *spool_folder;  /* where the daemon puts what is pushed; NULL: nothing can be */
	const struct source_settings *source;
	const struct zone *zone;   /* of the organisation */
	const char *currency;      /* of the organisation: of amounts whose row leaves its own empty; NULL: none */
	int64_t now;
	int32_t today;
	secret_fn *secret;
	bool is_full, is_dry_run;  /* dry run: reads and maps, stores nothing; rows go to show_row */
	bool notes_clock;          /* of a dry run too: what time it is by the source's clock is stored */
	bool accepts_gone;         /* a person says that whatever whole lists no longer have is deleted, be it most */
	const char *only_stream;   /* NULL: all */
	int64_t limit_rows;        /* of a dry run, per stream; 0: all */
	void (*show_row)(void *context, const char *stream, const char *json); /* dry run: mapped rows; may be NULL */
	pull_progress_fn *progress; /* may be NULL */
	void *context;
};

/* Pulls every stream; a stream that fails doesn't stop the others. *out has n results in the arena. Returns 0 when all
 * came through (source.last_ok_at is set), 1 when some stream failed (source.last_error is set), -1 when nothing could
 * be tried (ERR_RETRY: another process pulls it, who is said; ERR_CONFIG: secret, connector; ERR_FATAL: store), or
 * PULL_NO_STREAM when the source has none called only_stream. */
enum { PULL_NO_STREAM = 2 };
int pull_source(const struct pull *p, struct arena *a, const struct pull_result **out, size_t *out_n,
                struct err *err) MUST_USE;

/* Reads everything that a source says and its connector, without a network: mistakes are noted in m. */
void pull_check(struct arena *a, const char *config_dir, const struct source_settings *s, struct mistakes *m);

/* The csv connector, one row of pull_source's table of kinds. */
int csv_source_pull(const struct pull *p, struct arena *a, const struct pull_result **out, size_t *out_n,
                    struct err *err) MUST_USE;
/* The push connector, another. */
int push_source_pull(const struct pull *p, struct arena *a, const struct pull_result **out, size_t *out_n,
                     struct err *err) MUST_USE;
/* Mistakes in a push source's `events:` are noted in m. */
void push_source_check(struct arena *a, const struct source_settings *s, struct mistakes *m);
/* Mistakes in a csv source's `files:` are noted in m. */
void csv_source_check(struct arena *a, const struct source_settings *s, struct mistakes *m);

#endif

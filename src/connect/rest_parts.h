/* What rest.c is made of: one stream being pulled, one list being walked. */
#ifndef REST_PARTS_H
#define REST_PARTS_H

#include "page.h"
#include "rest.h"
#include "window.h"

/* One stream being pulled. */
struct run {
	const struct pull *pull;
	struct client *client;
	const struct stream_settings *stream;
	struct arena *arena;
	int64_t source;
	struct pull_result *result;
	struct progress progress;
	int64_t n_requests_before;
	bool has_unknown; /* some count's account isn't known, which is noted once */
};

/* One list being walked. */
struct walk {
	const struct request_settings *request;
	struct page_settings page; /* the request's, its first token expanded */
	struct walk_state state;
	const struct zone *zone;   /* of the window's days; NULL: UTC */
	int download_fd;           /* above 0: the file that a page goes to, undecoded */
	struct pager pager;
	const char *cursor;        /* that the source gave last; NULL: none yet */
	bool is_proper_end;        /* the page at hand may end a list: with rows or none, not with silence */
	struct job job;            /* id NULL: the request has none */
};

/* Makes the walk ready, from the state's token on. */
int rest_walk_begin(const struct run *r, struct walk *w, const struct walk_state *state, struct arena *a,
                    struct err *err) MUST_USE;
int rest_ask_page(const struct run *r, const struct walk *w, const struct texts *properties, struct arena *a,
                  struct answer *out, struct err *err) MUST_USE;
/* The list in a page's answer; NULL when it stands for no rows. */
int rest_list_of(const struct run *r, const struct walk *w, const struct answer *x, const struct json **out,
                 struct err *err) MUST_USE;
/* A dry run's limit of rows is met. */
bool rest_has_enough(const struct run *r);

/* rest_job.c: has the job of a walk done, one that was asked for before if there is one. */
int rest_job_open(const struct run *r, struct walk *w, struct arena *a, struct err *err) MUST_USE;
/* Where to go on behind the page at hand, with or without a job. */
const char *rest_job_place(const struct walk *w, struct arena *a);
/* After the last page: whether all rows have come that the job had. One that lacks some is not asked again. */
int rest_job_check(const struct run *r, const struct walk *w, struct err *err) MUST_USE;
void rest_job_close(const struct run *r, const struct walk *w);

/* slices.c: walks a stream whose rows are counted, come as files, or are asked for in slices of time. */
bool slices_are_for(const struct stream_settings *s);
int slices_pull(struct run *r, const struct walk_state *whole, struct err *err) MUST_USE;

#endif

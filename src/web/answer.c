#include "web/answer.h"

#include <string.h>

#include "answer_parts.h"
#include "common/text.h"
#include "common/token.h"
#include "store/precision.h"

enum { OK = 200, WRONG = 400, FORBIDDEN = 403, NOT_FOUND = 404, NO_METHOD = 405, CONFLICT = 409, GONE = 410,
	TOO_LARGE = 413, TOO_MANY = 429, UNAVAILABLE = 503, RETRY_S = 60, UNDO_S = 86400 };

static const char prefix[] = "/a/", form_type[] = "application/x-www-form-urlencoded";

/* Somebody who follows a link, as far as it is known who and which. */
struct visit {
	const struct answer_request *r;
	struct arena *arena;
	struct answer_view view;
	const char *link, *key; /* the token, and what it was signed with */
	struct token token;
	struct finding finding;
	struct web_page *out;
};

bool answer_is_at(const char *path)
{
	return text_starts(path, prefix);
}

/* pages ------------------------------------------------------------------------------------------------------------ */

static void refuse(struct visit *v, int status, const char *key)
{
	v->out->status = status;
	v->out->html = page_refused(&v->view, key, v->arena);
	v->out->event = key;
}

static void fail(struct visit *v, const struct err *err)
{
	refuse(v, UNAVAILABLE, "busy");
	v->out->retry_after_s = RETRY_S;
	v->out->why = arena_strdup(v->arena, err->text);
	v->out->is_held_up = err->kind == ERR_RETRY;
}

static void ask(struct visit *v, int status)
{
	v->out->status = status;
	v->out->html = page_ask(&v->view, status != OK, v->arena);
	v->out->event = status == OK ? NULL : "wrong";
}

/* links ------------------------------------------------------------------------------------------------------------ */

/* The organisation of the path, and what is behind it; NULL: there is none. */
static const struct web_answers *org_of(const struct web_answers *orgs, size_t n, const char *path, const char **out)
{
	const char *at = path + strlen(prefix), *slash = strchr(at, '/');

	for (size_t i = 0; slash && i < n; i++) {
		if (strlen(orgs[i].org) == (size_t)(slash - at) && strncmp(orgs[i].org, at, (size_t)(slash - at)) == 0) {
			*out = slash + 1;
			return &orgs[i];
		}
	}
	return NULL;
}

/* Who has left gets no more digests, and answers none. */
static const struct web_owner *reader_of(const struct web_answers *org, uint64_t holder)
{
	for (size_t i = 0; i < org->n_owners; i++)
		if (token_holder(org->owners[i].email) == holder)
			return &org->owners[i];
	return NULL;
}

static bool take_turn(struct answer_pace *b, int64_t now_ms)
{
	b->n += (double)(now_ms - b->at_ms) / 1000 * WEB_ANSWERS_PER_S;
	b->at_ms = now_ms;
	if (b->n > WEB_ANSWERS_BURST)
		b->n = WEB_ANSWERS_BURST;
	if (b->n < 1)
		return false;
	b->n -= 1;
	return true;
}

/* Returns whether the link is one of ours; else it has been refused. Nobody is told what was wrong with one that is
 * not. */
static bool read_link(struct visit *v)
{
	const struct web_answers *org = v->view.org;
	enum token_state state = token_read(v->link, org->keys, org->n_keys, org->org, v->r->now, &v->token, &v->key);

	if (state != TOKEN_NONE)
		v->view.reader = reader_of(org, v->token.holder);
	if (v->view.reader && v->view.reader->words)
		v->view.words = v->view.reader->words;
	if (state == TOKEN_NONE || !v->view.reader || v->token.purpose >= N_ANSWERS) {
		v->view.reader = NULL;
		refuse(v, NOT_FOUND, "none");
		return false;
	}
	v->view.kind = (enum answer_kind)v->token.purpose;
	v->out->who = v->view.reader->email;
	v->out->finding = v->token.subject;
	if (state == TOKEN_EXPIRED)
		refuse(v, GONE, "expired");
	return state == TOKEN_GOOD;
}

/* findings --------------------------------------------------------------------------------------------------------- */

/* What the link is about, as it stands. Returns whether it may be answered; else it has been refused. */
static bool look(struct visit *v, struct db *db)
{
	struct err err;
	int found = finding_load(db, v->token.subject, v->arena, &v->finding, &err), is_used = 0;

	if (found >= 0)
		is_used = answer_link_is_used(db, v->link, &err);
	if (found < 0 || is_used < 0) {
		fail(v, &err);
		return false;
	}
	if (!found || !answer_fits(v->view.kind, v->finding.engine)) {
		refuse(v, NOT_FOUND, "none");
		return false;
	}
	v->view.finding = &v->finding;
	if (is_used)
		refuse(v, GONE, "used");
	else if (v->finding.closed_on != DAY_NONE && v->view.kind != ANSWER_REOPEN)
		refuse(v, CONFLICT, "closed");
	else
		return true;
	return false;
}

static const char *field(const struct visit *v, const char *name)
{
	return form_field(v->arena, v->r->body, v->r->len, name);
}

/* Whether it is the form that we showed: a request that only knows the address does not have what it carries. */
static bool is_form(const struct visit *v)
{
	const char *type = v->r->type ? v->r->type : "", *confirm = field(v, "confirm");

	type = text_trim(v->arena, arena_strndup(v->arena, type, strcspn(type, ";")));
	return text_equal_fold(type, form_type) && confirm && token_is_same(v->view.form, confirm);
}

static const struct web_owner *owner_of(const struct web_answers *org, const char *email)
{
	for (size_t i = 0; i < org->n_owners; i++)
		if (strcmp(org->owners[i].email, email) == 0)
			return &org->owners[i];
	return NULL;
}

/* What was filled in; false: something is missing, or is none of what was offered. */
static bool read_form(const struct visit *v, struct answer *x)
{
	const char *days = field(v, "days"), *reason = field(v, "reason"), *to = field(v, "to"), *note = field(v, "note");
	int64_t n_days = 0;

	if (v->view.kind == ANSWER_SNOOZE) {
		if (!days || !text_to_int(days, &n_days) || n_days < 1 || n_days > ANSWER_MAX_SNOOZE_DAYS)
			return false;
		x->until = x->today + (int32_t)n_days;
		return true;
	}
	if (v->view.kind == ANSWER_WRONG_OWNER) {
		x->to = to && *to ? to : NULL;
		return to && (!*to || owner_of(v->view.org, to));
	}
	x->note = text_is_blank(note) ? NULL : text_clean(v->arena, note, ANSWER_NOTE_CHARS);
	x->reason = v->view.kind == ANSWER_NOT_A_RISK ? reason : NULL;
	return v->view.kind != ANSWER_NOT_A_RISK || (reason && dismiss_reason_known(reason));
}

/* Beside the address that was posted to, so that it holds behind a proxy's path too. */
static const char *undo_link(const struct visit *v)
{
	const struct token t = { .purpose = ANSWER_REOPEN, .subject = v->token.subject, .expires_at = v->r->now + UNDO_S,
		                     .made_on = v->token.made_on, .holder = v->token.holder };

	return v->view.kind == ANSWER_REOPEN ? NULL : token_make(v->arena, v->view.org->keys[0], v->view.org->org, &t);
}

static void take(struct visit *v, struct db *db)
{
	struct answer x = { .kind = v->view.kind, .finding = v->token.subject, .who = v->view.reader->email, .via = "link",
		.until = DAY_NONE, .today = v->view.today, .at = v->r->now, .link = v->link,
		.link_expires_at = v->token.expires_at };
	enum answer_result result;
	struct err err;

	if (!read_form(v, &x)) {
		ask(v, WRONG);
		return;
	}
	if (answer_take(db, &x, v->arena, &result, &v->finding, &err) < 0) {
		fail(v, &err);
		return;
	}
	if (result != ANSWER_TAKEN) {
		refuse(v, result == ANSWER_USED ? GONE : CONFLICT, result == ANSWER_USED ? "used" :
		       result == ANSWER_CLOSED ? "closed" : "unfit");
		return;
	}
	v->view.said = &x;
	v->view.undo = undo_link(v);
	v->out->status = OK;
	v->out->html = page_told(&v->view, v->arena);
	v->out->event = answer_names[x.kind];
}

static void serve(struct visit *v)
{
	CLEANUP(db_closep) struct db *db = NULL;
	bool is_post = strcmp(v->r->method, "POST") == 0, is_sent;
	struct err err;
	int second;

	v->view.today = zone_day(v->view.org->zone, v->r->now, &second);
	v->view.form = token_form(v->arena, v->key, v->view.org->org, v->link);
	is_sent = is_post && is_form(v);
	if (db_open(v->view.org->db_path, is_sent ? DB_WRITE : DB_READ, &db, &err) < 0) {
		fail(v, &err);
		return;
	}
	db_wait_for(db, 0);
	if (look(v, db) && is_sent)
		take(v, db);
	else if (!v->out->html)
		ask(v, is_post ? FORBIDDEN : OK);
}

static void follow(struct visit *v, struct answer_budget *b, int64_t now_ms)
{
	bool is_good = read_link(v);
	struct answer_pace *pace = is_good ? &b->readers[v->view.reader - v->view.org->owners] : &b->strangers;

	if (!v->r->is_again && !take_turn(pace, now_ms)) {
		refuse(v, TOO_MANY, "busy");
		v->out->retry_after_s = RETRY_S;
	} else if (is_good) {
		serve(v);
	}
}

void answer_serve(const struct web_answers *orgs, struct answer_budget *budgets, size_t n,
                  const struct answer_request *r, int64_t now_ms, struct arena *a, struct web_page *out)
{
	static const char *const methods[] = { "GET", "HEAD", "POST" };
	struct visit v = { .r = r, .arena = a, .out = out, .link = "" };
	bool is_known = false;

	v.view.org = org_of(orgs, n, r->path, &v.link);
	v.view.words = v.view.org ? v.view.org->words : NULL;
	*out = (struct web_page){ .policy = page_policy(a), .org = v.view.org };
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		is_known |= strcmp(r->method, methods[i]) == 0;
	if (!is_known) {
		refuse(&v, NO_METHOD, "none");
		out->allow = "GET, HEAD, POST";
	} else if (r->is_cut) {
		refuse(&v, TOO_LARGE, "wrong");
	} else if (!v.view.org) {
		refuse(&v, NOT_FOUND, "none");
	} else {
		follow(&v, &budgets[v.view.org - orgs], now_ms);
	}
}

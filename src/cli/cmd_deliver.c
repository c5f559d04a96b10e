#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "cli/cli.h"
#include "commands.h"
#include "common/log.h"
#include "config/secret.h"
#include "deliver/deliver.h"
#include "store/ledger.h"

enum { MAX_WAIT_S = 24 * 3600, MAX_LISTED = 10000, MAX_ADMINS = 2 };

static void report(void *context, const struct deliver_event *e)
{
	const char *org = context;
	const struct outbox_message *m = e->message;
	bool is_dead = strcmp(e->state, "dead") == 0;
	bool is_sent = strcmp(e->state, "sent") == 0 || strcmp(e->state, "accepted_unverified") == 0;
	enum log_level level = is_dead ? LOG_LEVEL_ERROR : is_sent ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING;
	/* A mail server's words are text from outside, often with an address: the ledger keeps them, a log does not. */
	const char *detail = e->result->status && strcmp(m->kind, "email") == 0 ? NULL : e->result->detail;

	log_event(level, "delivery", LOG_TEXT("org", org), LOG_TEXT("sink", m->sink), LOG_INT("delivery", m->id),
	          LOG_TEXT("state", e->state), LOG_INT("attempt", m->n_attempts), LOG_INT("status", e->result->status),
	          LOG_TEXT("detail", detail));
	if (e->sink_was_disabled)
		log_event(LOG_LEVEL_ERROR, "sink_disabled", LOG_TEXT("org", org), LOG_TEXT("sink", m->sink),
		          LOG_TEXT("detail", detail));
}

/* The channels "org/channel" that alerts are told over, in the order of preference. */
static void add_admins(const struct session *s, struct arena *a, struct deliver *d)
{
	const char *names[MAX_ADMINS] = { s->config->admin_channel, s->config->admin_fallback };
	const struct channel_settings **admins = arena_array(a, MAX_ADMINS, sizeof *admins);

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if ((admins[d->n_admins] = config_channel(s->config, names[i])) != NULL)
			d->n_admins++;
	d->admins = admins;
}

static int show_due(struct cli *c, const struct session *s, struct err *err)
{
	static const struct table_column columns[] = {
		{ "id", true },         { "date", false }, { "owner", false }, { "sink", false },
		{ "recipient", false }, { "part", true },  { "state", false },
	};
	static const char *const states[] = { "pending", "ambiguous" };
	struct table *t = table_new(c->arena, columns, ARRAY_LEN(columns));

	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		const struct ledger_row *rows;
		size_t n;

		if (ledger_list(s->db, states[i], MAX_LISTED, c->arena, &rows, &n, err) < 0)
			return -1;
		for (size_t k = n; k-- > 0;) {
			const char *cells[] = {
				cell_int(c->arena, rows[k].id), day_text(c->arena, rows[k].local_on),
				rows[k].owner_email, rows[k].sink, rows[k].recipient, cell_int(c->arena, rows[k].part),
				rows[k].state,
			};

			if (rows[k].next_at <= s->now && rows[k].expires_at > s->now)
				table_row(t, cells);
		}
	}
	table_print(t, c->format);
	return EX_OK;
}

int cmd_deliver(struct cli *c, struct err *err)
{
	bool is_dry_run = cli_option(c, "dry-run") != NULL;
	CLEANUP(session_close) struct session s = { 0 };
	struct deliver d = { .secret = secret_read, .report = report };
	struct deliver_counts n;

	if (cli_option_int(c, "wait", MAX_WAIT_S, &d.wait_s, err) < 0)
		return -1;
	if (session_open(c, is_dry_run ? DB_READ : DB_WRITE, &s, err) < 0)
		return -1;
	if (is_dry_run)
		return show_due(c, &s, err);
	d.org = s.org->name;
	d.context = arena_strdup(c->arena, s.org->name);
	d.db = s.db;
	d.channels = s.org->channels.at;
	d.n_channels = s.org->channels.n;
	d.now = s.now;
	d.lock_path = beside_database(c->arena, s.org, "deliver.lock");
	add_admins(&s, c->arena, &d);
	if (deliver_run(&d, &n, err) < 0)
		return -1;
	if (n.n_expired) /* nobody tried any more: it has no event of its own */
		log_event(LOG_LEVEL_ERROR, "deliveries_expired", LOG_TEXT("org", d.org), LOG_INT("count", n.n_expired));
	if (c->verbosity >= 0)
		(void)printf("%s: %" PRId64 " sent, %" PRId64 " to be tried again, %" PRId64 " not delivered, %" PRId64
		             " expired\n", s.org->name, n.n_sent, n.n_later, n.n_dead, n.n_expired);
	return n.has_more ? EX_TEMPFAIL : EX_OK;
}

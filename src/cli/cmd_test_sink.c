/* A real message over a real channel, and what the other side makes of it. */
#include <stdio.h>
#include <sysexits.h>

#include "cli/cli.h"
#include "commands.h"
#include "config/secret.h"
#include "deliver/deliver.h"

static const struct {
	const char *name;
	int code;
} outcomes[] = {
	[DELIVERY_SENT] = { "sent", EX_OK },
	[DELIVERY_UNVERIFIED] = { "accepted_unverified", EX_OK },
	[DELIVERY_RETRY] = { "retry", EX_TEMPFAIL },
	[DELIVERY_REFUSED] = { "refused", EX_CONFIG },
	[DELIVERY_DEAD] = { "dead", EX_CONFIG },
	[DELIVERY_AMBIGUOUS] = { "ambiguous", EX_TEMPFAIL },
};

static void print(struct cli *c, const struct channel_settings *channel, const struct delivery_result *r, int64_t ms)
{
	static const struct table_column columns[] = {
		{ "sink", false }, { "kind", false },        { "outcome", false }, { "status", true },
		{ "ms", true },    { "their name", false },  { "detail", false },
	};
	struct table *t = table_new(c->arena, columns, ARRAY_LEN(columns));
	const char *cells[] = { channel->name, channel_kind_names[channel->kind], outcomes[r->outcome].name,
		                    r->status ? cell_int(c->arena, r->status) : NULL, cell_int(c->arena, ms),
		                    r->provider_ref, r->detail };

	table_row(t, cells);
	table_print(t, c->format);
}

int cmd_test_sink(struct cli *c, struct err *err)
{
	const struct config *config = cli_config(c);
	const char *email = cli_option(c, "owner");
	const struct org_settings *org;
	const struct channel_settings *channel;
	const struct owner_settings *owner;
	struct deliver_trial trial = { .now = c->now, .subject = "A test from retaind" };
	struct delivery_result result;
	int64_t began_ms;

	if (!config)
		return EX_CONFIG;
	if (cli_org(c, config, &org, err) < 0)
		return -1;
	channel = org_channel(org, c->args[0]);
	if (!channel)
		return err_set(err, ERR_USAGE, "organisation %s has no channel `%s`", org->name, c->args[0]);
	if (email && cli_owner(org, email, &owner, err) < 0)
		return -1;
	trial.recipient = email ? owner->email : NULL;
	trial.text = arena_printf(c->arena, "Digests of %s would come here over the channel %s. Nothing is to be done.",
	                          org->title ? org->title : org->name, channel->name);
	began_ms = clock_monotonic_ms();
	if (deliver_try(channel, secret_read, &trial, c->arena, &result, err) < 0)
		return -1;
	print(c, channel, &result, clock_monotonic_ms() - began_ms);
	return outcomes[result.outcome].code;
}

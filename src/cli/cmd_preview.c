#include <stdio.h>
#include <sysexits.h>

#include "commands.h"
#include "owner_digest.h"

/* The first mail channel of the owner: whose sender a previewed mail shows. */
static const struct channel_settings *mail_channel(const struct org_settings *org, const struct owner_settings *owner)
{
	for (size_t i = 0; i < owner->channels.n; i++) {
		const struct channel_settings *channel = org_channel(org, owner->channels.at[i]);

		if (channel && channel->kind == CHANNEL_EMAIL)
			return channel;
	}
	return NULL;
}

static int print_digest(const struct session *s, const struct owner_settings *owner, const struct renderer *renderer,
                        struct arena *a, struct err *err)
{
	const struct zone *zone;
	struct render_to to;
	struct rendered r;
	struct digest d;
	int second;

	if (owner_zone(s, owner, a, &zone, err) < 0 ||
	    owner_digest(s, owner, zone_day(zone, s->now, &second), a, &d, err) < 0 ||
	    owner_render_to(s, owner, mail_channel(s->org, owner), "preview", a, &to, err) < 0 ||
	    renderer->render(&d, &to, a, &r, err) < 0)
		return -1;
	for (size_t i = 0; i < r.n; i++) {
		(void)fwrite(r.parts[i].body, 1, r.parts[i].len, stdout);
		if (r.parts[i].len && ((const char *)r.parts[i].body)[r.parts[i].len - 1] != '\n')
			(void)putchar('\n');
	}
	return EX_OK;
}

static const char *format_names(struct arena *a)
{
	const char *names = renderers[0].name;

	for (const struct renderer *r = renderers + 1; r->name; r++)
		names = arena_printf(a, r[1].name ? "%s, %s" : "%s or %s", names, r->name);
	return names;
}

int cmd_preview(struct cli *c, struct err *err)
{
	CLEANUP(session_close) struct session s = { 0 };
	const char *email = cli_option(c, "owner"), *format = cli_option(c, "format");
	const struct renderer *renderer = renderer_of(format ? format : "text");
	const struct owner_settings *owner;

	if (!email)
		return err_set(err, ERR_USAGE, "give --owner");
	if (!renderer)
		return err_set(err, ERR_USAGE, "--format is `%s`, expected %s", format, format_names(c->arena));
	if (session_open(c, DB_READ, &s, err) < 0 || cli_owner(s.org, email, &owner, err) < 0)
		return -1;
	return print_digest(&s, owner, renderer, c->arena, err);
}

#include <sysexits.h>
#include <unistd.h>

#include "cli/cli.h"
#include "commands.h"
#include "common/text.h"
#include "rules.h"
#include "store/migrate.h"
#include "store/silences.h"

enum { MAX_SLOTS = 100000, DEFAULT_COUNT = 10, DEFAULT_DAYS = 14, DEFAULT_AT_MINUTES = 480 };

static const char *const kinds[] = { [WALL_NORMAL] = "normal", [WALL_GAP] = "gap", [WALL_OVERLAP] = "overlap",
	                             [WALL_SKIPPED_DAY] = "skipped_day" };

static struct table *slot_table(struct arena *a)
{
	static const struct table_column columns[] = { { "local", false }, { "kind", false }, { "utc", false } };

	return table_new(a, columns, ARRAY_LEN(columns));
}

static void add_slot(struct cli *c, struct table *t, int32_t day, int at_minutes, enum wall_kind kind, int64_t at,
                     bool is_silenced)
{
	const char *local =
		arena_printf(c->arena, "%sT%02d:%02d", day_text(c->arena, day), at_minutes / 60, at_minutes % 60);
	const char *name = !is_silenced          ? kinds[kind]
	                   : kind == WALL_NORMAL ? "silenced"
	                                         : arena_printf(c->arena, "%s, silenced", kinds[kind]);
	const char *const cells[] = { local, name, kind == WALL_SKIPPED_DAY ? "" : instant_text(c->arena, at) };

	table_row(t, cells);
}

/* Every civil day of a zone, whether anybody works on it or not. */
static int next_of_zone(struct cli *c, const char *name, struct err *err)
{
	const char *at_text = cli_option(c, "at");
	int at_minutes = DEFAULT_AT_MINUTES, second;
	const struct zone *zone;
	struct table *t = slot_table(c->arena);
	int64_t n_days = DEFAULT_DAYS;
	int32_t from;

	if (zone_open(c->arena, name, &zone, err) < 0) {
		err->kind = ERR_USAGE; /* it is the command line that names it, no configuration */
		return -1;
	}
	from = zone_day(zone, c->now, &second);
	if (cli_option_int(c, "days", MAX_SLOTS, &n_days, err) < 0 || cli_option_day(c, "from", &from, err) < 0)
		return -1;
	if (at_text != NULL && !text_to_time_of_day(at_text, &at_minutes))
		return err_set(err, ERR_USAGE, "--at is `%s`, expected a time such as 08:00", at_text);
	for (int32_t day = from; day < from + n_days; day++) {
		int64_t at = 0;
		enum wall_kind kind = zone_instant(zone, day, at_minutes * 60, &at);

		add_slot(c, t, day, at_minutes, kind, at, false);
	}
	table_print(t, c->format);
	return EX_OK;
}

/* The first day that is not silenced. Slots are told without a database, too: then nobody is. */
static int silenced_until(struct cli *c, const struct org_settings *org, const struct owner_settings *owner,
                          const struct slot_rules *rules, int32_t *out, struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	struct silence silence;
	int second, rc;

	if (access(org->db_path, R_OK) < 0)
		return 0;
	if (db_open(org->db_path, DB_READ, &db, err) < 0 || (rc = migrate_is_current(db, err)) < 0)
		return -1;
	if (rc > 0)
		rc = silence_load(db, owner->email, zone_day(rules->zone, c->now, &second), c->arena, &silence, err);
	if (rc > 0)
		*out = silence.until_on;
	return rc < 0 ? -1 : 0;
}

static int next_of_owner(struct cli *c, const char *email, struct err *err)
{
	const struct config *config = cli_config(c);
	const char *from = cli_option(c, "at");
	const struct org_settings *org;
	const struct owner_settings *owner;
	struct table *t = slot_table(c->arena);
	struct slot_rules rules;
	struct slot slot = { .due_at = c->now };
	int64_t count = DEFAULT_COUNT;
	int32_t until_on = DAY_NONE;

	if (config == NULL)
		return EX_CONFIG;
	if (from != NULL && !instant_parse(from, &slot.due_at))
		return err_set(err, ERR_USAGE, "--at is `%s`, expected with --owner an instant such as 2026-03-02T08:00:00Z",
		               from);
	if (cli_option_int(c, "count", MAX_SLOTS, &count, err) < 0 || cli_org(c, config, &org, err) < 0 ||
	    cli_owner(org, email, &owner, err) < 0)
		return -1;
	if (owner_rules(c->arena, config, org, owner, &rules, err) < 0 ||
	    silenced_until(c, org, owner, &rules, &until_on, err) < 0)
		return -1;
	while (count-- > 0 && slot_next(&rules, slot.due_at, &slot))
		add_slot(c, t, slot.local_on, rules.at_minutes, slot.kind, slot.due_at, slot.local_on < until_on);
	table_print(t, c->format);
	return EX_OK;
}

int cmd_next(struct cli *c, struct err *err)
{
	const char *owner = cli_option(c, "owner"), *zone = cli_option(c, "zone");

	if ((owner == NULL) == (zone == NULL))
		return err_set(err, ERR_USAGE, "give either --owner or --zone");
	return zone != NULL ? next_of_zone(c, zone, err) : next_of_owner(c, owner, err);
}

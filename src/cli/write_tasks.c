/* The findings that a source's system is to have a task for, in words for its people. */
#include "write_tasks.h"

#include <string.h>

#include "common/text.h"
#include "store/tasks.h"

enum { TEXT_CHARS = 1500 };

static const struct play_settings *play_of(const struct org_settings *org, const char *name)
{
	const struct play_settings *plays = org->score.plays.at;

	for (size_t i = 0; name && i < org->score.plays.n; i++)
		if (strcmp(plays[i].name, name) == 0)
			return &plays[i];
	return NULL;
}

static struct write_task told(const struct org_settings *org, const struct task_wanted *w, struct arena *a)
{
	const struct play_settings *play = play_of(org, w->play);
	const char *text = arena_printf(a, "%s%s%s", w->summary, play ? " First step: " : "", play ? play->first_step : "");

	return (struct write_task){
		.account = { .source = w->source, .id = w->account, .key = w->account_key, .name = w->account_name },
		.finding = w->finding,
		.engine = w->engine,
		.cause = w->cause,
		.title = play ? play->title : w->cause,
		.text = text_clean(a, text, TEXT_CHARS),
		.owner_key = w->owner_key,
		.opened_on = w->opened_on,
		.due_on = w->act_by_on,
		.sent_at = w->sent_at,
	};
}

int write_tasks_read(const struct session *s, const struct source_settings *source, struct arena *a,
                     const struct write_task **out, size_t *out_n, struct err *err)
{
	const struct write_tasks *asked = &source->write_back.tasks;
	struct task_wanted *wanted = NULL;
	struct write_task *tasks;
	size_t n = 0;

	*out_n = 0;
	if (!asked->is_wanted)
		return 0;
	if (tasks_wanted(s->db, source->name, asked->engines.n == 1 ? asked->engines.at[0] : NULL, asked->most, a, &wanted,
	                 &n, err) < 0)
		return -1;
	tasks = arena_array(a, n + 1, sizeof *tasks);
	for (size_t i = 0; i < n; i++)
		tasks[i] = told(s->org, &wanted[i], a);
	*out = tasks;
	*out_n = n;
	return 0;
}

#include "record_show.h"

#include "common/buf.h"
#include "common/clock.h"
#include "common/json.h"

enum { MAX_SHOWN_BYTES = 1 << 20 };

static void show_value(struct json_out *o, const struct entity_field *f, const struct value *v, struct arena *a)
{
	if (!v->is_set)
		return;
	if (v->is_null)
		json_put_null(o, f->name);
	else if (f->type == VALUE_TEXT)
		json_put_text(o, f->name, v->text);
	else if (f->type == VALUE_DAY)
		json_put_text(o, f->name, v->number == DAY_NONE ? NULL : day_text(a, (int32_t)v->number));
	else if (f->type == VALUE_INSTANT)
		json_put_text(o, f->name, v->number == INSTANT_NONE ? NULL : instant_text(a, v->number));
	else if (f->type == VALUE_REAL)
		json_put_real(o, f->name, v->real, 6);
	else
		json_put_int(o, f->name, v->number);
}

const char *record_show(const struct record *r, const char *account, struct arena *a)
{
	CLEANUP(buf_done) struct buf b;
	struct json_out o;

	buf_init(&b, MAX_SHOWN_BYTES);
	o = json_out_to(&b);
	json_open_object(&o, NULL);
	json_put_text(&o, "entity", r->entity->name);
	json_put_text(&o, "key", r->key);
	if (r->account_key || account)
		json_put_text(&o, "account", r->account_key ? r->account_key : account);
	for (int i = 0; i < r->entity->n_fields; i++)
		show_value(&o, &r->entity->fields[i], &r->values[i], a);
	json_close_object(&o);
	return arena_strndup(a, b.at, b.len);
}

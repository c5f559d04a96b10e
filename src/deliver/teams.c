/* Microsoft Teams through the webhook of a workflow. Its 2xx says that the request was taken, never that the card was
 * shown, so a card is judged by us first and the message counts as accepted, not as sent. */
#include <stdio.h>
#include <string.h>

#include "chat.h"
#include "common/text.h"

/* Teams takes 28 KB. */
enum { CARD_BYTES = 24 * 1000, TEXT = 4000, TITLE = 200, URL = 2000 };

static const char *const sizes[] = { "Small", "Medium", "Large", NULL };
static const char *const weights[] = { "Lighter", "Default", "Bolder", NULL };
static const char *const spacings[] = { "None", "Small", "Medium", "Large", NULL };
static const char *const versions[] = { "1.5", NULL };
static const char *const message_type[] = { "message", NULL };
static const char *const card_type[] = { "AdaptiveCard", NULL };
static const char *const content_type[] = { "application/vnd.microsoft.card.adaptive", NULL };
static const char *const widths[] = { "full", NULL };

#define TYPE { "type", JSON_TEXT, true, 0, NULL, NULL }
#define END { NULL, JSON_NULL, false, 0, NULL, NULL }

static const struct shape_member run_members[] = {
	TYPE, { "text", JSON_TEXT, true, TEXT, NULL, NULL }, { "size", JSON_TEXT, false, 0, NULL, sizes },
	{ "weight", JSON_TEXT, false, 0, NULL, weights }, { "isSubtle", JSON_BOOL, false, 0, NULL, NULL }, END
};
static const struct shape run = { "TextRun", run_members };
static const struct shape *const runs[] = { &run, NULL };

static const struct shape_member rich_members[] = {
	TYPE, { "spacing", JSON_TEXT, false, 0, NULL, spacings }, { "inlines", JSON_ARRAY, true, 10, runs, NULL }, END
};
static const struct shape rich = { "RichTextBlock", rich_members };

static const struct shape_member open_members[] = {
	TYPE, { "title", JSON_TEXT, true, TITLE, NULL, NULL }, { "url", JSON_TEXT, true, URL, NULL, NULL }, END
};
static const struct shape open_url = { "Action.OpenUrl", open_members };
static const struct shape *const actions[] = { &open_url, NULL };

static const struct shape_member set_members[] = { TYPE, { "actions", JSON_ARRAY, true, 10, actions, NULL }, END };
static const struct shape action_set = { "ActionSet", set_members };
static const struct shape *const contained[] = { &rich, &action_set, NULL };

static const struct shape_member container_members[] = {
	TYPE, { "separator", JSON_BOOL, false, 0, NULL, NULL }, { "items", JSON_ARRAY, true, 0, contained, NULL }, END
};
static const struct shape container = { "Container", container_members };
static const struct shape *const elements[] = { &container, &rich, NULL };

static const struct shape_member client_members[] = { { "width", JSON_TEXT, true, 0, NULL, widths }, END };
static const struct shape client = { NULL, client_members };
static const struct shape *const clients[] = { &client, NULL };

static const struct shape_member card_members[] = {
	{ "type", JSON_TEXT, true, 0, NULL, card_type }, { "$schema", JSON_TEXT, false, 0, NULL, NULL },
	{ "version", JSON_TEXT, true, 0, NULL, versions }, { "lang", JSON_TEXT, false, 35, NULL, NULL },
	{ "fallbackText", JSON_TEXT, false, TEXT, NULL, NULL }, { "msteams", JSON_OBJECT, false, 0, clients, NULL },
	{ "body", JSON_ARRAY, true, 0, elements, NULL }, END
};
static const struct shape card = { "AdaptiveCard", card_members };
static const struct shape *const cards[] = { &card, NULL };

static const struct shape_member attachment_members[] = {
	{ "contentType", JSON_TEXT, true, 0, NULL, content_type }, { "contentUrl", JSON_NULL, false, 0, NULL, NULL },
	{ "content", JSON_OBJECT, true, 0, cards, NULL }, END
};
static const struct shape attachment = { NULL, attachment_members };
static const struct shape *const attachments[] = { &attachment, NULL };

static const struct shape_member message_members[] = {
	{ "type", JSON_TEXT, true, 0, NULL, message_type }, { "attachments", JSON_ARRAY, true, 1, attachments, NULL }, END
};
static const struct shape message = { "message", message_members };

/* The member error.code of a workflow's answer. */
static const char *error_name(const struct http_response *r, struct arena *a)
{
	const struct json *j;
	struct err ignored;

	if (!r->body_len || r->body[0] != '{' || json_parse(a, r->body, r->body_len, &j, &ignored) < 0)
		return "";
	return chat_name(a, json_text(json_at(j, "error.code")));
}

/* A workflow that is switched off answers as if the request were wrong. */
static bool is_off(const char *name)
{
	static const char *const names[] = { "WorkflowTriggerIsNotEnabled", "WorkflowNotFound", "WorkflowTriggerNotFound",
		                                 "WorkflowDisabled", "WorkflowSuspended" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static struct verdict verdict(const struct http_response *r, struct arena *a, int64_t now)
{
	const char *name = error_name(r, a);
	struct verdict v;

	/* Teams' own endpoint puts its refusals into the body of a 200. */
	if (r->status >= 200 && r->status < 300 && r->body && strstr(r->body, "HTTP error 429")) {
		v = verdict_of(DELIVERY_RETRY, 429, "HTTP 429 within the answer");
		v.holds_sink = true;
		return v;
	}
	if (r->status >= 200 && r->status < 300) {
		v = verdict_of(DELIVERY_UNVERIFIED, r->status, NULL);
		/* By which the run is found among those of the workflow. */
		(void)snprintf(v.provider_ref, sizeof v.provider_ref, "%s",
		               chat_name(a, http_header(r, "x-ms-workflow-run-id")));
		return v;
	}
	v = chat_status_verdict(r, *name ? name : arena_printf(a, "HTTP %d", r->status), now);
	if (r->status == 400 && is_off(name)) {
		v.outcome = DELIVERY_DEAD;
		v.disables_sink = true;
	}
	/* A gateway that lost the workflow: it may have run. */
	if (r->status == 502)
		v.outcome = DELIVERY_AMBIGUOUS;
	return v;
}

const struct chat_rules teams_rules = { .shape = &message, .max_bytes = CARD_BYTES, .verdict = verdict };

static void send_one(const struct channel_job *job, struct arena *a, struct verdict *out)
{
	chat_send(job, &teams_rules, NULL, a, out);
}

static void put_run(struct json_out *o, const char *text, bool is_bold)
{
	json_open_object(o, NULL);
	json_put_text(o, "type", "RichTextBlock");
	json_open_array(o, "inlines");
	json_open_object(o, NULL);
	json_put_text(o, "type", "TextRun");
	json_put_text(o, "text", text);
	if (is_bold)
		json_put_text(o, "weight", "Bolder");
	json_close_object(o);
	json_close_array(o);
	json_close_object(o);
}

static int notice(struct arena *a, const struct channel_settings *c, const struct notice *n, struct buf *body,
                  struct outbox_message *out, struct err *err)
{
	struct json_out o = json_out_to(body);

	(void)c;
	(void)out;
	(void)err;
	json_open_object(&o, NULL);
	json_put_text(&o, "type", "message");
	json_open_array(&o, "attachments");
	json_open_object(&o, NULL);
	json_put_text(&o, "contentType", content_type[0]);
	json_open_object(&o, "content");
	json_put_text(&o, "type", "AdaptiveCard");
	json_put_text(&o, "version", "1.5");
	json_open_array(&o, "body");
	put_run(&o, n->subject, true);
	if (*n->text)
		put_run(&o, arena_strndup(a, n->text, utf8_fit(n->text, TEXT)), false);
	json_close_array(&o);
	json_close_object(&o);
	json_close_object(&o);
	json_close_array(&o);
	json_close_object(&o);
	return 0;
}

/* 4 requests a second is what Teams allows a connection. */
const struct channel_type teams_channel = {
	.keys = chat_keys, .per_second = 3, .send = send_one, .notice = notice,
};

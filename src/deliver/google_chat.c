/* Google Chat through a space's webhook. Each message has a request id of its own, so that a repeat of it is folded. */
#include <stdio.h>
#include <string.h>

#include "chat.h"
#include "common/text.h"

/* Chat takes 32,000 bytes, and shows 100 widgets of a card. */
enum { MESSAGE_BYTES = 30 * 1000, TEXT = MESSAGE_BYTES, URL = 2000, BUTTON = 200, WIDGETS = 100, KEY = 4000,
       MAX_NAME = 128 };

#define END { NULL, JSON_NULL, false, 0, NULL, NULL }

static const struct shape_member link_members[] = { { "url", JSON_TEXT, true, URL, NULL, NULL }, END };
static const struct shape link = { NULL, link_members };
static const struct shape *const links[] = { &link, NULL };
static const struct shape_member click_members[] = { { "openLink", JSON_OBJECT, true, 0, links, NULL }, END };
static const struct shape click = { NULL, click_members };
static const struct shape *const clicks[] = { &click, NULL };
static const struct shape_member button_members[] = {
	{ "text", JSON_TEXT, true, BUTTON, NULL, NULL }, { "onClick", JSON_OBJECT, true, 0, clicks, NULL }, END
};
static const struct shape button = { NULL, button_members };
static const struct shape *const buttons[] = { &button, NULL };
static const struct shape_member list_members[] = { { "buttons", JSON_ARRAY, true, 20, buttons, NULL }, END };
static const struct shape list = { NULL, list_members };
static const struct shape *const lists[] = { &list, NULL };

static const struct shape_member paragraph_members[] = { { "text", JSON_TEXT, true, TEXT, NULL, NULL }, END };
static const struct shape paragraph = { NULL, paragraph_members };
static const struct shape *const paragraphs[] = { &paragraph, NULL };

static const struct shape_member widget_members[] = {
	{ "textParagraph", JSON_OBJECT, false, 0, paragraphs, NULL }, { "buttonList", JSON_OBJECT, false, 0, lists, NULL },
	END
};
static const struct shape widget = { NULL, widget_members };
static const struct shape *const widgets[] = { &widget, NULL };
static const struct shape_member section_members[] = { { "widgets", JSON_ARRAY, true, WIDGETS, widgets, NULL }, END };
static const struct shape section = { NULL, section_members };
static const struct shape *const sections[] = { &section, NULL };
static const struct shape_member card_members[] = { { "sections", JSON_ARRAY, true, 0, sections, NULL }, END };
static const struct shape card = { NULL, card_members };
static const struct shape *const cards[] = { &card, NULL };
static const struct shape_member named_members[] = {
	{ "cardId", JSON_TEXT, true, 100, NULL, NULL }, { "card", JSON_OBJECT, true, 0, cards, NULL }, END
};
static const struct shape named = { NULL, named_members };
static const struct shape *const named_cards[] = { &named, NULL };
static const struct shape_member thread_members[] = { { "threadKey", JSON_TEXT, true, KEY, NULL, NULL }, END };
static const struct shape thread = { NULL, thread_members };
static const struct shape *const threads[] = { &thread, NULL };

static const struct shape_member message_members[] = {
	{ "thread", JSON_OBJECT, false, 0, threads, NULL },
	{ "fallbackText", JSON_TEXT, false, TEXT, NULL, NULL },
	{ "text", JSON_TEXT, false, TEXT, NULL, NULL }, { "cardsV2", JSON_ARRAY, false, 1, named_cards, NULL }, END
};
static const struct shape message = { NULL, message_members };

/* What a table cannot say: a widget is of one kind, a section is not empty, and a card's widgets are counted
 * together. */
static const char *flaw(struct arena *a, const struct json *body)
{
	size_t n = 0;

	if (!json_member(body, "text") == !json_member(body, "cardsV2"))
		return "neither or both of text and a card";
	for (const struct json *s = json_first(json_at(body, "cardsV2[0].card.sections")); s; s = json_next(s)) {
		const struct json *in = json_member(s, "widgets");

		if (!json_count(in))
			return "a section without widgets";
		for (const struct json *w = json_first(in); w; w = json_next(w), n++)
			if (json_count(w) != 1)
				return "a widget that is not of one kind";
	}
	return n > WIDGETS ? arena_printf(a, "more than %d widgets", WIDGETS) : NULL;
}

/* "spaces/SPACE/messages/MESSAGE": it is shown to people, so it is one only when it looks like it. */
static bool is_message_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/";

	return name && text_starts(name, "spaces/") && strlen(name) < MAX_NAME && !name[strspn(name, letters)];
}

static struct verdict verdict(const struct http_response *r, struct arena *a, int64_t now)
{
	const struct json *j = NULL;
	struct err ignored;
	const char *name;
	struct verdict v;

	if (r->body_len && r->body[0] == '{' && json_parse(a, r->body, r->body_len, &j, &ignored) < 0)
		j = NULL;
	if (r->status >= 200 && r->status < 300) {
		name = json_text(json_member(j, "name"));
		if (!is_message_name(name))
			return verdict_of(DELIVERY_AMBIGUOUS, r->status, "the answer names no message");
		v = verdict_of(DELIVERY_SENT, r->status, NULL);
		(void)snprintf(v.provider_ref, sizeof v.provider_ref, "%s", name);
		return v;
	}
	name = chat_name(a, json_text(json_at(j, "error.status")));
	return chat_status_verdict(r, *name ? name : arena_printf(a, "HTTP %d", r->status), now);
}

const struct chat_rules google_chat_rules = {
	.shape = &message, .max_bytes = MESSAGE_BYTES, .flaw = flaw, .verdict = verdict,
};

static void send_one(const struct channel_job *job, struct arena *a, struct verdict *out)
{
	/* A repeat of requestId is answered with the message that is there. No messageId: it is for apps that come back to
	 * a message, and a space that took it for a mistake would get no card ever. */
	chat_send(job, &google_chat_rules,
	          arena_printf(a, "requestId=%.64s&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
	                       job->message->delivery_key), a, out);
}

/* Signs of markup cannot be escaped in text: they are left out. */
static int notice(struct arena *a, const struct channel_settings *c, const struct notice *n, struct buf *body,
                  struct outbox_message *out, struct err *err)
{
	CLEANUP(buf_done) struct buf text;
	struct json_out o = json_out_to(body);

	(void)c;
	(void)out;
	(void)err;
	buf_init(&text, MAX_NOTICE);
	for (const char *t = arena_printf(a, "%s\n%s", n->subject, n->text); *t; t++)
		if (!strchr("*_~`<>", *t))
			buf_char(&text, *t);
	json_open_object(&o, NULL);
	json_put_text(&o, "text", text.at);
	json_close_object(&o);
	return 0;
}

const struct channel_type google_chat_channel = {
	.keys = chat_keys, .per_second = 0.9, /* Chat allows one for a space, and some arrive late */ .is_repeatable = true,
	.send = send_one, .notice = notice,
};

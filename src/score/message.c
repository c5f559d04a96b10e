#include "message.h"

#include <ctype.h>
#include <string.h>

#include "common/attr.h"
#include "common/text.h"

enum {
	LINE_BYTES = 160, START_BYTES = 40,      /* of a line that are looked at, wholly or to see what it begins with */
	SUBJECT_LINES = 2, SUBJECT_BYTES = 400, /* where an automatic answer says so */
	HEADER_LINES = 4, MAX_NAME_WORDS = 5,
};

struct line {
	size_t at, end;               /* bytes of the text, without blanks at the ends */
	size_t next;                  /* where the line behind it begins */
	char folded[LINE_BYTES + 8];  /* its beginning, white space as one blank */
};

static const char *const closings[] = {
	"best regards", "kind regards", "warm regards", "regards", "best wishes", "all the best", "best", "cheers",
	"sincerely", "yours sincerely", "many thanks", "thanks", "thank you", "thanks in advance", "thanks a lot", "br",
	"cordialement", "bien cordialement", "tres cordialement", "bien a vous", "salutations", "meilleures salutations",
	"merci", "merci d'avance", "merci beaucoup", "bonne journee", "sinceres salutations", "cdt",
};
static const char *const signature_starts[] = {
	"sent from my ", "get outlook for ", "envoye de mon ", "envoye depuis ", "telecharger outlook ", "sent via ",
};
static const char *const other_mail[] = {
	"original message", "message d'origine", "forwarded message", "message transfere", "message original",
};
static const char *const froms[] = { "from:", "de :", "de:", "*from:*", "*de :*", "*de:*" };
static const char *const header_keys[] = {
	"sent:", "date:", "to:", "subject:", "envoye :", "envoye:", "objet :", "objet:", "a :", "a:", "date :", "cc:",
	"*sent:*", "*date:*", "*to:*", "*envoye",
};
static const char *const answer_subjects[] = { "re:", "re :", "fw:", "fwd:", "tr:", "tr :", "aw:" };
static const char *const automatic[] = {
	"automatic reply", "auto-reply", "autoreply", "automatic response", "auto response", "out of office",
	"out-of-office", "reponse automatique", "absence du bureau", "message d'absence", "automatische antwort",
};

static bool starts_with_one(const char *text, const char *const *starts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (*text == *starts[i] && text_starts(text, starts[i]))
			return true;
	return false;
}

static bool has_one(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(text, words[i]))
			return true;
	return false;
}

static bool is_blank(uint32_t code)
{
	return code <= ' ' || code == 0xA0 || code == 0x202F;
}

static void fold_line(const char *text, struct line *line, size_t most)
{
	char *to = line->folded;

	for (size_t at = line->at, size; at < line->end && to < line->folded + most; at += size) {
		uint32_t code = (unsigned char)text[at];

		if (code > ' ' && code < 0x80) {
			*to++ = (char)(code - 'A' < 26 ? code | 0x20 : code);
			size = 1;
			continue;
		}

		size = utf8_next(text + at, line->end - at, &code);
		size = size ? size : 1;
		if (!is_blank(code))
			to = text_put_folded(to, code);
		else if (to > line->folded && to[-1] != ' ')
			*to++ = ' ';
	}
	*to = '\0';
}

/* The line that begins at `at`; of most lines the beginning is enough. */
static void line_at(const char *text, size_t len, size_t at, struct line *out)
{
	const char *stop = memchr(text + at, '\n', len - at);

	out->end = stop ? (size_t)(stop - text) : len;
	out->next = stop ? out->end + 1 : len;
	for (out->at = at; out->at < out->end && is_blank((unsigned char)text[out->at]); out->at++)
		;
	while (out->end > out->at && is_blank((unsigned char)text[out->end - 1]))
		out->end--;
	fold_line(text, out, at < SUBJECT_BYTES || (out->at < out->end && text[out->at] == '-') ? LINE_BYTES : START_BYTES);
}

/* The next line that is not empty, from `at` on. */
static bool next_line(const char *text, size_t len, size_t at, struct line *out)
{
	for (; at < len; at = out->next) {
		line_at(text, len, at, out);
		if (out->end > out->at)
			return true;
	}
	return false;
}

/* "On 4 March, Jo <jo@x.example> wrote:" and its like; the name and the date tell it from "as I wrote:". */
static bool is_reply_header(const char *text, const struct line *line)
{
	static const char *const ends[] = { "wrote:", "wrote :", "\xC3\xA9" "crit :", "\xC3\xA9" "crit:", "ecrit :",
		                                "\xC3\xA9" "crit\xC2\xA0:" };
	size_t len = line->end - line->at;
	bool has_end = false;

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t n = strlen(ends[i]);

		has_end = has_end || (len > n && memcmp(text + line->end - n, ends[i], n) == 0);
	}
	for (size_t i = line->at; has_end && i < line->end; i++)
		if (strchr("@0123456789", text[i]))
			return true;
	return false;
}

/* From:, and one of its companions within a few lines. */
static bool is_mail_head(const char *text, size_t len, const struct line *line)
{
	struct line near = *line;

	if (!starts_with_one(line->folded, froms, ARRAY_LEN(froms)))
		return false;
	for (int i = 0; i < HEADER_LINES && next_line(text, len, near.next, &near); i++)
		if (starts_with_one(near.folded, header_keys, ARRAY_LEN(header_keys)))
			return true;
	return false;
}

/* Whether somebody else's mail begins with this line. */
static bool begins_other_mail(const char *text, size_t len, const struct line *line)
{
	const char *folded = line->folded;

	return (text_starts(folded, "--") && has_one(folded, other_mail, ARRAY_LEN(other_mail))) ||
	       text_starts(folded, "begin forwarded message") || text_starts(folded, "debut du message") ||
	       is_mail_head(text, len, line);
}

/* A name or a function, as it stands below "Regards": few words, the first and the last with a capital. */
static bool is_name(const char *text, const struct line *line)
{
	size_t last = line->end, n_words = 1;

	if (strchr(".?!:", text[line->end - 1]))
		return false;
	while (last > line->at && text[last - 1] != ' ')
		last--;
	for (size_t i = line->at; i < line->end; i++)
		n_words += text[i] == ' ';
	return n_words <= MAX_NAME_WORDS && !islower((unsigned char)text[line->at]) && !islower((unsigned char)text[last]);
}

static bool begins_signature(const char *text, size_t len, const struct line *line, bool has_words)
{
	size_t n = strcspn(line->folded, ",.!");
	struct line next;

	if (strcmp(line->folded, "--") == 0 || strcmp(line->folded, "-- ") == 0 ||
	    starts_with_one(line->folded, signature_starts, ARRAY_LEN(signature_starts)))
		return true;
	if (!has_words || strspn(line->folded + n, ",.! ") != strlen(line->folded + n))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(closings); i++)
		if (strlen(closings[i]) == n && memcmp(closings[i], line->folded, n) == 0)
			return next_line(text, len, line->next, &next) && is_name(text, &next);
	return false;
}

/* Whether a reply header comes with this line, perhaps going on in the next one; its end in *out_next. */
static bool is_header_here(const char *text, size_t len, const struct line *line, size_t *out_next)
{
	struct line next;

	*out_next = line->next;
	if (is_reply_header(text, line))
		return true;
	if (!text_starts(line->folded, "on ") && !text_starts(line->folded, "le "))
		return false;
	if (!next_line(text, len, line->next, &next) || next.at - line->end > 2 || next.end - next.at > LINE_BYTES)
		return false;
	*out_next = next.next;
	next.at = line->at; /* the date stands in the first, the verb in the second */
	return is_reply_header(text, &next);
}

/* A line of the writer's own, put to the piece before when nothing lies between. */
static void keep(struct message *m, const struct line *line, bool is_joined)
{
	if (is_joined && m->n)
		m->pieces[m->n - 1].end = line->end;
	else if (m->n < MAX_PIECES)
		m->pieces[m->n++] = (struct message_piece){ line->at, line->end };
}

void message_read(const char *text, size_t len, struct message *out)
{
	bool is_signature = false, is_joined = false;
	struct line line, next;
	size_t at = 0, behind;

	out->n = 0;
	out->is_automatic = false;
	for (int n = 0; next_line(text, len, at, &line); at = line.next, n++) {
		if (n < SUBJECT_LINES && has_one(line.folded, automatic, ARRAY_LEN(automatic)))
			out->is_automatic = true;
		if (begins_other_mail(text, len, &line))
			return;
		if (is_header_here(text, len, &line, &behind)) {
			if (!next_line(text, len, behind, &next) || text[next.at] != '>')
				return;
			line.next = behind;
			is_joined = false;
			continue;
		}
		is_signature = !text_starts(line.folded, "ps") && !text_starts(line.folded, "p.s") &&
		               (is_signature || begins_signature(text, len, &line, out->n > 0));
		if (is_signature || text[line.at] == '>' ||
		    (n == 0 && starts_with_one(line.folded, answer_subjects, ARRAY_LEN(answer_subjects)))) {
			is_joined = false;
			continue;
		}
		keep(out, &line, is_joined);
		is_joined = true;
	}
}

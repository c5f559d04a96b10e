/* The file channel, and notices to a person in the shape of each channel. */
#include "cmocka_shim.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/deliver/channel.h"
#include "common/json.h"

enum { NOW = 1772434800 };

static struct err err;

static const char *folder_new(struct arena *a)
{
	char *folder = arena_strdup(a, "/tmp/retaind-channels-XXXXXX");

	assert_non_null(mkdtemp(folder));
	return folder;
}

static struct verdict put_file(const char *folder, const char *name, const char *body)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct channel_settings channel = { .name = "archive", .kind = CHANNEL_FILE, .folder = folder };
	struct outbox_message m = { .recipient = name, .delivery_key = "0123456789abcdef0123456789abcdef", .body = body,
	                            .body_len = strlen(body) };
	struct channel_job job = { .channel = &channel, .message = &m };
	struct verdict v;

	file_channel.send(&job, a, &v);
	return v;
}

static int n_files(const char *folder)
{
	DIR *dir = opendir(folder);
	int n = 0;

	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir));)
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return n;
}

static void a_file_written_twice_is_one_file_and_private(void **state)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *folder = folder_new(a), *deep = arena_printf(a, "%s/a/b", folder);
	const char *path = arena_printf(a, "%s/digest.txt", deep);
	char text[16] = "";
	struct stat st;
	FILE *f;

	(void)state;
	ASSERT_INT(put_file(deep, "digest.txt", "one").outcome, DELIVERY_SENT);
	ASSERT_INT(put_file(deep, "digest.txt", "one").outcome, DELIVERY_SENT);
	ASSERT_INT(n_files(deep), 1);
	ASSERT_INT(stat(path, &st), 0);
	ASSERT_INT(st.st_mode & 0777, 0600);
	f = fopen(path, "r");
	assert_non_null(f);
	ASSERT_INT(fread(text, 1, sizeof text - 1, f), 3);
	fclose(f);
	assert_string_equal(text, "one");
	(void)unlink(path);
	(void)rmdir(deep);
	(void)rmdir(arena_printf(a, "%s/a", folder));
	(void)rmdir(folder);
}

static void a_name_that_leads_out_or_hides_is_dead(void **state)
{
	static const char *const names[] = { "", ".", "..", "../x", "a/b", "/etc/x", ".hidden", "a\nb", "a\x7f" };
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *folder = folder_new(a);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		ASSERT_INT(put_file(folder, names[i], "x").outcome, DELIVERY_DEAD);
	ASSERT_INT(n_files(folder), 0);
	(void)rmdir(folder);
}

static void a_folder_that_is_none_is_tried_again(void **state)
{
	struct verdict v = put_file("/dev/null/x", "digest.txt", "x");

	(void)state;
	ASSERT_INT(v.outcome, DELIVERY_RETRY);
	assert_non_null(strstr(v.detail, "/dev/null"));
}

static struct outbox_message notice(struct arena *a, const struct channel_settings *c, const char *text)
{
	struct outbox_message m;

	ASSERT_OK(notice_message(a, c, "Delivery <7> failed", text, NOW, &m, &err));
	return m;
}

static void a_notice_by_slack_and_webhook_is_json_without_markup(void **state)
{
	static const struct channel_settings slack = { .name = "desk", .kind = CHANNEL_SLACK_WEBHOOK };
	static const struct channel_settings hook = { .name = "hook", .kind = CHANNEL_WEBHOOK };
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct outbox_message m = notice(a, &slack, "<!channel> & \"more\"");
	const struct json *j;

	(void)state;
	ASSERT_OK(json_parse(a, m.body, m.body_len, &j, &err));
	assert_string_equal(json_text(json_at(j, "text")), "Delivery &lt;7&gt; failed\n&lt;!channel&gt; &amp; \"more\"");
	m = notice(a, &hook, "<!channel>");
	ASSERT_OK(json_parse(a, m.body, m.body_len, &j, &err));
	assert_string_equal(json_text(json_at(j, "type")), "retaind.notice");
	assert_string_equal(json_text(json_at(j, "timestamp")), "2026-03-02T07:00:00Z");
	assert_string_equal(json_text(json_at(j, "data.text")), "<!channel>");
}

static void a_notice_by_mail_may_be_sent_and_goes_to_whom_replies_go(void **state)
{
	struct channel_settings mail = { .name = "mail", .kind = CHANNEL_EMAIL, .from = "Desk <desk@acme.example>" };
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct outbox_message m = notice(a, &mail, "one\nBcc: x@y.z\n\xc3\xa9\r\n.\n");

	(void)state;
	assert_null(email_flaw(m.body, m.body_len));
	assert_string_equal(m.recipient, "desk@acme.example");
	assert_non_null(strstr(m.body, "Date: Mon, 02 Mar 2026 07:00:00 +0000\r\n"));
	assert_true(strstr(m.body, "Bcc:") > strstr(m.body, "\r\n\r\n"));
	mail.reply_to = "ops@acme.example";
	assert_string_equal(notice(a, &mail, "x").recipient, "ops@acme.example");
	mail.reply_to = "nobody";
	ASSERT_INT(notice_message(a, &mail, "s", "t", NOW, &m, &err), -1);
}

static void a_long_notice_is_cut_and_goes_in_every_kind(void **state)
{
	struct channel_settings c = { .name = "any", .from = "Desk <desk@acme.example>", .channel = "C012AB3CD" };
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	char *text = arena_alloc(a, 20001);

	(void)state;
	for (size_t i = 0; i < 20000; i += 4)
		memcpy(text + i, "&<\xc3\xa9", 4);
	for (c.kind = 0; c.kind < N_CHANNEL_KINDS; c.kind++) {
		struct outbox_message m = notice(a, &c, text);
		const struct json *j;

		assert_true(m.body_len > 500 && m.body_len <= MAX_NOTICE);
		if (((const char *)m.body)[0] == '{')
			ASSERT_OK(json_parse(a, m.body, m.body_len, &j, &err));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_written_twice_is_one_file_and_private),
		cmocka_unit_test(a_name_that_leads_out_or_hides_is_dead),
		cmocka_unit_test(a_folder_that_is_none_is_tried_again),
		cmocka_unit_test(a_notice_by_slack_and_webhook_is_json_without_markup),
		cmocka_unit_test(a_notice_by_mail_may_be_sent_and_goes_to_whom_replies_go),
		cmocka_unit_test(a_long_notice_is_cut_and_goes_in_every_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The standard output of whoever runs `retaind deliver` or `once`: for cron, pipes and a first look. The stages of the
 * daemon have none, which is said instead of throwing digests away. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "channel.h"

enum { NULL_MAJOR = 1, NULL_MINOR = 3 };

static bool leads_nowhere(void)
{
	struct stat st;

	return fstat(STDOUT_FILENO, &st) < 0 ||
		(S_ISCHR(st.st_mode) && major(st.st_rdev) == NULL_MAJOR && minor(st.st_rdev) == NULL_MINOR);
}

/* Returns how many bytes went. */
static size_t put(const char *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(STDOUT_FILENO, data + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		done += (size_t)n;
	}
	return done;
}

static void send_one(const struct channel_job *job, struct arena *a, struct verdict *out)
{
	size_t len, n;
	const char *body = channel_body(job->message, &len);

	if (leads_nowhere()) {
		*out = verdict_of(DELIVERY_DEAD, 0,
		                  "there is no standard output: run `retaind deliver` or `once` where one is read");
		return;
	}
	n = put(body, len);
	if (n == len)
		*out = verdict_of(DELIVERY_SENT, 0, NULL);
	else
		*out = verdict_of(n ? DELIVERY_AMBIGUOUS : DELIVERY_RETRY, 0, arena_printf(a, "write: %s", strerror(errno)));
}

static int notice(struct arena *a, const struct channel_settings *c, const struct notice *n, struct buf *body,
                  struct outbox_message *out, struct err *err)
{
	(void)a;
	(void)c;
	(void)out;
	(void)err;
	buf_printf(body, "%s\n\n%s\n", n->subject, n->text);
	return 0;
}

static const struct channel_key keys[] = { { NULL, false, false } };

const struct channel_type stdout_channel = { .keys = keys, .send = send_one, .notice = notice };

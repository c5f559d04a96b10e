#include "fingerprint.h"

#include "common/buf.h"
#include "common/sha256.h"

enum { MAX_MAPPING_BYTES = 1 << 20 };

/* Recursion: YAML is at most 32 deep. */
static void write_node(struct buf *b, const struct yaml *node)
{
	buf_printf(b, "%d %s=%s(", (int)node->type, node->key ? node->key : "", node->text ? node->text : "");
	for (const struct yaml *child = node->first; child; child = child->next)
		write_node(b, child);
	buf_char(b, ')');
}

const char *fingerprint_of(struct arena *a, const struct yaml *const *nodes, size_t n)
{
	CLEANUP(buf_done) struct buf b;

	buf_init(&b, MAX_MAPPING_BYTES);
	for (size_t i = 0; i < n; i++)
		if (nodes[i])
			write_node(&b, nodes[i]);
		else
			buf_char(&b, '-');
	return sha256_hex(a, b.at, b.len);
}

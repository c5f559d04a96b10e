/* What of a message its writer said: without quoted mail, forwarded mail, reply headers and the signature. */
#ifndef SCORE_MESSAGE_H
#define SCORE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

enum { MAX_PIECES = 32 };

struct message_piece { size_t at, end; /* bytes */ };
struct message {
	struct message_piece pieces[MAX_PIECES]; /* what lies behind more is left out */
	size_t n;
	bool is_automatic; /* an out-of-office answer and the like */
};
void message_read(const char *text, size_t len, struct message *out);

#endif

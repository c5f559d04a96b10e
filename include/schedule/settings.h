/* When things happen: of the daemon and of an organisation. */
#ifndef SCHEDULE_SETTINGS_H
#define SCHEDULE_SETTINGS_H

#include <stdint.h>

struct schedule_settings {
	int64_t sync_every_s;      /* pull and score at least this often; 0: only before the slots */
	int64_t sync_lead_s;       /* the last sync begins this long before a slot */
	int64_t sync_wait_s;       /* a digest waits at most this long past its slot for the sync */
	int64_t catch_up_s;        /* a missed slot is made up within this window, on the same nominal date */
	int64_t pull_timeout_s, score_timeout_s, digest_timeout_s, deliver_timeout_s; /* then the child is killed */
};

#endif

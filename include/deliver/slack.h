/* What only a channel of kind slack_api has. */
#ifndef DELIVER_SLACK_H
#define DELIVER_SLACK_H

#include "deliver/deliver.h"

/* Asks Slack (auth.test) who the token is and what it may do; posts nothing. *out: one line about it. ERR_CONFIG when
 * Slack does not know the token or it lacks a scope that sending needs. */
int slack_api_ask(const struct channel_settings *c, deliver_secret_fn *secret, struct arena *a, const char **out,
                  struct err *err) MUST_USE;

#endif

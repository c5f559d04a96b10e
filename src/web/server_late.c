/* The functions of libmicrohttpd that this program calls, each passed on to the library: see common/late.h. */
#include <microhttpd.h>
#include <stdarg.h>

#include "common/late.h"
#include "web/web.h"

static struct late_library microhttpd = { .name = "libmicrohttpd.so.12" };

int web_load(struct err *err)
{
	return late_load(&microhttpd, err);
}

struct MHD_Daemon *MHD_start_daemon(unsigned flags, uint16_t port, MHD_AcceptPolicyCallback accept,
                                    void *accept_context, MHD_AccessHandlerCallback handle, void *handle_context, ...)
{
	struct MHD_Daemon *daemon;
	va_list options;

	va_start(options, handle_context);
	daemon = LATE(microhttpd, MHD_start_daemon_va)(flags, port, accept, accept_context, handle, handle_context,
	                                               options);
	va_end(options);
	return daemon;
}

void MHD_stop_daemon(struct MHD_Daemon *daemon)
{
	LATE(microhttpd, MHD_stop_daemon)(daemon);
}

enum MHD_Result MHD_run(struct MHD_Daemon *daemon)
{
	return LATE(microhttpd, MHD_run)(daemon);
}

enum MHD_Result MHD_get_timeout(struct MHD_Daemon *daemon, MHD_UNSIGNED_LONG_LONG *timeout)
{
	return LATE(microhttpd, MHD_get_timeout)(daemon, timeout);
}

/* What this program asks of a daemon and of a connection is asked without further arguments. */
const union MHD_DaemonInfo *MHD_get_daemon_info(struct MHD_Daemon *daemon, enum MHD_DaemonInfoType what, ...)
{
	return LATE(microhttpd, MHD_get_daemon_info)(daemon, what);
}

const union MHD_ConnectionInfo *MHD_get_connection_info(struct MHD_Connection *c, enum MHD_ConnectionInfoType what, ...)
{
	return LATE(microhttpd, MHD_get_connection_info)(c, what);
}

int MHD_get_connection_values(struct MHD_Connection *c, enum MHD_ValueKind kind, MHD_KeyValueIterator each,
                              void *context)
{
	return LATE(microhttpd, MHD_get_connection_values)(c, kind, each, context);
}

const char *MHD_lookup_connection_value(struct MHD_Connection *c, enum MHD_ValueKind kind, const char *key)
{
	return LATE(microhttpd, MHD_lookup_connection_value)(c, kind, key);
}

void MHD_suspend_connection(struct MHD_Connection *c)
{
	LATE(microhttpd, MHD_suspend_connection)(c);
}

void MHD_resume_connection(struct MHD_Connection *c)
{
	LATE(microhttpd, MHD_resume_connection)(c);
}

struct MHD_Response *MHD_create_response_from_buffer(size_t size, void *buffer, enum MHD_ResponseMemoryMode mode)
{
	return LATE(microhttpd, MHD_create_response_from_buffer)(size, buffer, mode);
}

enum MHD_Result MHD_add_response_header(struct MHD_Response *r, const char *name, const char *value)
{
	return LATE(microhttpd, MHD_add_response_header)(r, name, value);
}

enum MHD_Result MHD_queue_response(struct MHD_Connection *c, unsigned status, struct MHD_Response *r)
{
	return LATE(microhttpd, MHD_queue_response)(c, status, r);
}

void MHD_destroy_response(struct MHD_Response *r)
{
	LATE(microhttpd, MHD_destroy_response)(r);
}

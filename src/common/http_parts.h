/* What the HTTP client is made of: the address check beside the transport in http.c. */
#ifndef COMMON_HTTP_PARTS_H
#define COMMON_HTTP_PARTS_H

#include <stdbool.h>
#include <sys/socket.h>

enum address_kind { ADDRESS_PUBLIC, ADDRESS_LOOPBACK, ADDRESS_PRIVATE };

/* Which kind of network an address belongs to; what isn't IPv4 or IPv6 is private. */
enum address_kind http_address_kind(const struct sockaddr *address);

#endif

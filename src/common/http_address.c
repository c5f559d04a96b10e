#include "http_parts.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "common/attr.h"

struct net4 {
	uint32_t net;
	int bits;
};

struct net6 {
	uint8_t net[16];
	int bits;
};

/* Networks that no public service lives in (IANA special-purpose registries; the list that Svix's senders refuse). */
static const struct net4 private_nets4[] = {
	{ 0x00000000, 8 },  /* 0/8 this network */
	{ 0x0a000000, 8 },  /* 10/8 */
	{ 0x64400000, 10 }, /* 100.64/10 shared */
	{ 0x7f000000, 8 },  /* 127/8 loopback */
	{ 0xa9fe0000, 16 }, /* 169.254/16 link-local, cloud metadata */
	{ 0xac100000, 12 }, /* 172.16/12 */
	{ 0xc0000000, 24 }, /* 192.0.0/24 */
	{ 0xc0000200, 24 }, /* 192.0.2/24 documentation */
	{ 0xc0586300, 24 }, /* 192.88.99/24 6to4 relays */
	{ 0xc0a80000, 16 }, /* 192.168/16 */
	{ 0xc6120000, 15 }, /* 198.18/15 benchmarks */
	{ 0xc6336400, 24 }, /* 198.51.100/24 documentation */
	{ 0xcb007100, 24 }, /* 203.0.113/24 documentation */
	{ 0xe0000000, 4 },  /* 224/4 multicast */
	{ 0xf0000000, 4 },  /* 240/4 reserved, broadcast */
};

static const struct net6 private_nets6[] = {
	{ { 0 }, 128 },                                  /* :: */
	{ { [15] = 1 }, 128 },                           /* ::1 */
	{ { 0x00, 0x64, 0xff, 0x9b }, 96 },              /* 64:ff9b::/96 NAT64 */
	{ { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48 },  /* 64:ff9b:1::/48 */
	{ { 0x01, 0x00 }, 64 },                          /* 100::/64 discard */
	{ { 0x20, 0x01, 0x00, 0x00 }, 32 },              /* 2001::/32 Teredo: carries an IPv4 address */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 },              /* 2001:db8::/32 documentation */
	{ { 0x20, 0x02 }, 16 },                          /* 2002::/16 6to4 */
	{ { 0x3f, 0xff }, 20 },                          /* 3fff::/20 documentation */
	{ { 0x5f, 0x00 }, 16 },                          /* 5f00::/16 segment routing */
	{ { 0xfc, 0x00 }, 7 },                           /* fc00::/7 unique local */
	{ { 0xfe, 0x80 }, 10 },                          /* fe80::/10 link-local */
	{ { 0xfe, 0xc0 }, 10 },                          /* fec0::/10 site-local, withdrawn */
	{ { 0xff, 0x00 }, 8 },                           /* ff00::/8 multicast */
};

static enum address_kind kind_of4(uint32_t ip)
{
	if (ip >> 24 == 127)
		return ADDRESS_LOOPBACK;
	for (size_t i = 0; i < ARRAY_LEN(private_nets4); i++)
		if ((ip ^ private_nets4[i].net) >> (32 - private_nets4[i].bits) == 0)
			return ADDRESS_PRIVATE;
	return ADDRESS_PUBLIC;
}

static bool is_in6(const uint8_t *ip, const struct net6 *n)
{
	int whole = n->bits / 8, rest = n->bits % 8;

	if (memcmp(ip, n->net, (size_t)whole) != 0)
		return false;
	return rest == 0 || (ip[whole] ^ n->net[whole]) >> (8 - rest) == 0;
}

static uint32_t ip4_at(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static enum address_kind kind_of6(const uint8_t *ip)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff }, zeros[15] = { 0 };

	if (memcmp(ip, mapped, sizeof mapped) == 0)
		return kind_of4(ip4_at(ip + 12));
	if (memcmp(ip, zeros, sizeof zeros) == 0 && ip[15] == 1)
		return ADDRESS_LOOPBACK;
	if (memcmp(ip, zeros, 12) == 0) /* ::/96, IPv4-compatible, long withdrawn */
		return ADDRESS_PRIVATE;
	for (size_t i = 0; i < ARRAY_LEN(private_nets6); i++)
		if (is_in6(ip, &private_nets6[i]))
			return ADDRESS_PRIVATE;
	return ADDRESS_PUBLIC;
}

enum address_kind http_address_kind(const struct sockaddr *address)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	if (address->sa_family == AF_INET) {
		memcpy(&in4, address, sizeof in4);
		return kind_of4(ntohl(in4.sin_addr.s_addr));
	}
	if (address->sa_family == AF_INET6) {
		memcpy(&in6, address, sizeof in6);
		return kind_of6(in6.sin6_addr.s6_addr);
	}
	return ADDRESS_PRIVATE;
}

#include "jwt.h"

#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/sha256.h"
#include "common/sign.h"

enum {
	LIFE_S = 180,        /* the longest that every endpoint takes */
	MAX_CLAIMS_BYTES = 16 << 10
};

static int write_claims(const struct oauth_settings *s, const struct scope *scope, int64_t now, struct arena *a,
                        struct buf *to, struct err *err)
{
	struct json_out o = json_out_to(to);

	json_open_object(&o, NULL);
	for (const struct yaml *claim = s->claims->first; claim; claim = claim->next) {
		const char *value;

		if (template_expand(a, claim->text, scope, TEMPLATE_RAW, &value, err) < 0)
			return -1;
		json_put_text(&o, claim->key, value);
	}
	json_put_int(&o, "iat", now);
	json_put_int(&o, "exp", now + LIFE_S);
	json_close_object(&o);
	return to->is_full ? err_set(err, ERR_CONFIG, "`claims:` are longer than %d bytes", MAX_CLAIMS_BYTES) : 0;
}

int jwt_make(const struct oauth_settings *s, const struct scope *scope, int64_t now, struct arena *a, const char **out,
             struct err *err)
{
	static const char header[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
	CLEANUP(buf_done) struct buf claims;
	const char *key, *text;
	const void *signature;
	size_t n;

	buf_init(&claims, MAX_CLAIMS_BYTES);
	if (template_expand(a, s->key, scope, TEMPLATE_RAW, &key, err) < 0 ||
	    write_claims(s, scope, now, a, &claims, err) < 0)
		return -1;
	text = arena_printf(a, "%s.%s", base64url_text(a, header, strlen(header)),
	                    base64url_text(a, claims.at, claims.len));
	if (sign_rs256(a, key, text, strlen(text), &signature, &n, err) < 0)
		return err_in(err, "`key`");
	*out = arena_printf(a, "%s.%s", text, base64url_text(a, signature, n));
	return 0;
}

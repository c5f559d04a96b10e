/* Numbers as text without printf, to the byte as it writes them: of what is stored every day most is numbers. */
#ifndef COMMON_FIGURES_H
#define COMMON_FIGURES_H

#include <stddef.h>
#include <stdint.h>

enum { FIGURES_INT_BYTES = 21 }; /* of any int64, with the NUL */

/* As "%" PRId64: how many characters, behind which is a NUL. */
size_t figures_int(char to[FIGURES_INT_BYTES], int64_t value);
/* As snprintf(to, size, "%.*f", decimals, value), which it falls back to for what is rare: more than three decimals and
 * 2^52 or more. */
int figures_real(char *to, size_t size, double value, int decimals);

#endif

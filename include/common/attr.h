/* The compiler attributes that this project uses, and nothing else. */
#ifndef COMMON_ATTR_H
#define COMMON_ATTR_H

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF(format_index, first_arg) __attribute__((format(printf, format_index, first_arg)))
#define CLEANUP(function) __attribute__((cleanup(function)))
#if defined(__clang__) /* knows no function that frees */
#define FREED_BY(function)
#else
#define FREED_BY(function) __attribute__((malloc(function, 1)))
#endif
#define NORETURN __attribute__((noreturn))
#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif

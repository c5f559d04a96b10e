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
/* A large local that is written before it is read, however much of it: the build sets all others to 0 first. */
#if defined(__has_attribute) && __has_attribute(uninitialized)
#define LATER_SET __attribute__((uninitialized))
#else
#define LATER_SET
#endif
#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif

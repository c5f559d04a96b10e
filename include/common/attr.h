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
/* A loop that is also compiled for what most processors have; which of the two runs is found out when the program
 * starts, before the sanitizers have their memory. Where measured to pay. clang 14 names them so that no other file
 * finds them. */
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(RETAIND_FAULTS) && !defined(__clang__)
#define FOR_VECTORS __attribute__((target_clones("avx2", "default")))
#define FOR_COUNTING __attribute__((target_clones("popcnt", "default")))
#else
#define FOR_VECTORS
#define FOR_COUNTING
#endif
#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif

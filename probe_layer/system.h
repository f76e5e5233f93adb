/* What the shim needs of a system, without a C library: system calls, which leave errno alone, and a few strings.
 *
 * The shim asks for no library at all, and for no version of a symbol: a program may bring its own C library, and a
 * preloaded library whose dependency is missing ends it.
 */
#ifndef LDEPLOY_SYSTEM_H
#define LDEPLOY_SYSTEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#define HIDDEN __attribute__((visibility("hidden")))
#define EXPORT __attribute__((visibility("default")))

#define CWD (-100)                /* AT_FDCWD */
#define READ_ONLY 02000000        /* O_RDONLY | O_CLOEXEC */
#define READ_WRITE 02000002       /* O_RDWR | O_CLOEXEC */
#define CREATE_NEW 0300           /* O_CREAT | O_EXCL */
#define ONLY_NAME 010000000       /* O_PATH */
#define CREATES 0100              /* O_CREAT */
#define TEMPORARY 020000000       /* what O_TMPFILE has and O_DIRECTORY has not */
#define NO_FOLLOW 0x100           /* AT_SYMLINK_NOFOLLOW */
#define EXECUTABLE 1              /* X_OK */
#define FAILED(result) ((unsigned long)(result) > -4096UL)

/* The kernel's answer: below zero the negative error number. */
static inline long call6(long number, long a, long b, long c, long d, long e, long f) {
#ifdef __x86_64__
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory", "cc");
    return x0;
#endif
}
#define CALL_(number, a, b, c, d, e, f, ...) \
    call6(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define KERNEL(...) CALL_(__VA_ARGS__, 0, 0, 0, 0, 0, 0)

static inline size_t length_of(const char *text) {
    size_t length = 0;
    while (text[length]) length++;
    return length;
}

static inline int begins(const char *text, const char *with) {
    while (*with)
        if (*text++ != *with++) return 0;
    return 1;
}

static inline int equal(const char *one, const char *other) {
    return begins(one, other) && !one[length_of(other)];
}

/* Where the letter stands, or NULL. */
static inline const char *letter_in(const char *text, char letter) {
    for (; *text; text++)
        if (*text == letter) return text;
    return NULL;
}

static inline int contains(const char *text, const char *part) {
    for (; *text; text++)
        if (begins(text, part)) return 1;
    return 0;
}

static inline void copy(void *to, const void *from, size_t length) {
    for (size_t i = 0; i < length; i++) ((char *)to)[i] = ((const char *)from)[i];
}

/* Puts the text behind what is there, as far as there is room; the new end. */
static inline char *add_text(char *to, const char *end, const char *text) {
    while (*text && to < end - 1) *to++ = *text++;
    *to = 0;
    return to;
}

/* The value of a variable, or NULL. */
static inline const char *value_in(char *const *environment, const char *name) {
    size_t length = length_of(name);
    for (; environment && *environment; environment++)
        if (begins(*environment, name) && (*environment)[length] == '=') return *environment + length + 1;
    return NULL;
}

#endif

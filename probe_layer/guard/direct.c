/* System calls that a program makes by syscall(2): they are ours by the functions of their names. */
#define _GNU_SOURCE
#include "guard.h"

#include <errno.h>
#include <stddef.h>
#include <sys/types.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

extern int openat(int dirfd, const char *path, int flags, ...);
extern int fstatat(int dirfd, const char *path, void *buffer, int flags);
extern int statx(int dirfd, const char *path, int flags, unsigned mask, void *buffer);
extern int faccessat(int dirfd, const char *path, int mode, int flags);
extern ssize_t readlinkat(int dirfd, const char *path, char *buffer, size_t size);
extern int chdir(const char *path);

static __attribute__((noinline)) long open_again(int dirfd, const char *path, void *how, size_t size) {
    struct asked asked;
    enum outcome outcome = serve(dirfd, path, "open", &asked);
    if (outcome == ABANDON) return -1;
    return ask_kernel(SYS_openat2, dirfd, outcome == INSTEAD ? asked.path : path, how, size);
}

/* Whether the call is one that a function of ours makes; then its result. */
static int is_ours(long number, const long *with, long *result) {
    int dirfd = (int)with[0];
    const char *path = (const char *)with[1];
    switch (number) {
        case SYS_openat: *result = openat(dirfd, path, (int)with[2], (unsigned)with[3]); return 1;
        case SYS_newfstatat: *result = fstatat(dirfd, path, (void *)with[2], (int)with[3]); return 1;
        case SYS_statx: *result = statx(dirfd, path, (int)with[2], (unsigned)with[3], (void *)with[4]); return 1;
        case SYS_faccessat: *result = faccessat(dirfd, path, (int)with[2], 0); return 1;
        case SYS_faccessat2: *result = faccessat(dirfd, path, (int)with[2], (int)with[3]); return 1;
        case SYS_readlinkat: *result = readlinkat(dirfd, path, (char *)with[2], (size_t)with[3]); return 1;
        case SYS_chdir: *result = chdir((const char *)with[0]); return 1;
#ifdef SYS_open
        case SYS_open: *result = openat(CWD, (const char *)with[0], (int)with[1], (unsigned)with[2]); return 1;
        case SYS_stat: *result = fstatat(CWD, (const char *)with[0], (void *)with[1], 0); return 1;
        case SYS_lstat: *result = fstatat(CWD, (const char *)with[0], (void *)with[1], AT_NO_FOLLOW); return 1;
        case SYS_access: *result = faccessat(CWD, (const char *)with[0], (int)with[1], 0); return 1;
        case SYS_readlink:
            *result = readlinkat(CWD, (const char *)with[0], (char *)with[1], (size_t)with[2]);
            return 1;
#endif
        default: return 0;
    }
}

/* Declared without its `...`, which takes the same registers. What is not ours is a jump and no call: a process that is
 * cloned must not come back to a frame of ours. */
NEXT(long, syscall, (long number, long a, long b, long c, long d, long e, long f))
static __attribute__((noinline)) int answer(long number, long a, long b, long c, long d, long e, long *result) {
    const long with[] = {a, b, c, d, e};
    if (!guard_index) return 0;
    if (is_ours(number, with, result)) return 1;
    if (number != SYS_openat2) return 0;
    *result = ask_kernel(number, a, b, c, d);
    if (*result < 0 && errno == ENOENT) *result = open_again((int)a, (const char *)b, (void *)c, (size_t)d);
    return 1;
}

EXPORT long syscall(long number, long a, long b, long c, long d, long e, long f) {
    long result;
    if (answer(number, a, b, c, d, e, &result)) return result;
    if (!next_syscall) find_syscall();
    __attribute__((musttail)) return next_syscall(number, a, b, c, d, e, f);
}

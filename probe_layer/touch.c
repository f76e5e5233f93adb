/* The shim: notes each successful stat, access, readlink, open and listing below the roots, in all forms of glibc 2.17
 * to 2.40. Preloaded into the runtime and, through the environment, into its children; exec.c does the programs.
 *
 * dlopen is left alone: behind a shim it would search by the shim's RUNPATH. What the loader opens, inotify sees.
 * The functions are declared here and not by their headers, which give the older forms other shapes.
 */
#define _GNU_SOURCE
#include "find.h"
#include "journal.h"
#include "programs.h"
#include "python.h"

#include <stdarg.h>
#include <sys/types.h>

extern int *__errno_location(void);

#define NOT_THERE 38 /* ENOSYS */

static long absent(void) {
    *__errno_location() = NOT_THERE;
    return -1;
}

/* What the C library makes of the kernel's answer. */
static long answer(long result) {
    if (!FAILED(result)) return result;
    *__errno_location() = (int)-result;
    return -1;
}

/* A function that does what the next one of its name does, or `without` where the C library has none, and then `after`
 * when `good`. */
#define AROUND(type, name, params, args, without, good, after)                                \
    EXPORT type name params;                                                                  \
    static type (*next_##name) params;                                                        \
    REGISTER(name);                                                                           \
    EXPORT type name params {                                                                 \
        if (!next_##name) start();                                                            \
        type result = next_##name ? next_##name args : (type)(without);                       \
        if (good) after;                                                                      \
        return result;                                                                        \
    }

/* The same, which notes the path. */
#define TOUCH(type, name, params, args, without, good, kind, dirfd, path) \
    AROUND(type, name, params, args, without, good, note(dirfd, path, kind))

/* -- stat: `stat` in glibc from 2.33, `__xstat` before, and kept there for what was built against it ---------------- */

#define STAT(name, flags)                                                                     \
    TOUCH(int, name, (const char *path, void *buffer), (path, buffer),                        \
          answer(KERNEL(SYS_newfstatat, CWD, path, buffer, flags)), !result, LOOKED, CWD, path)
#define XSTAT(name, flags)                                                                    \
    TOUCH(int, name, (int version, const char *path, void *buffer), (version, path, buffer),  \
          answer(KERNEL(SYS_newfstatat, CWD, path, buffer, flags)), !result, LOOKED, CWD, path)
#define FSTATAT(name)                                                                         \
    TOUCH(int, name, (int dirfd, const char *path, void *buffer, int flags), (dirfd, path, buffer, flags), \
          answer(KERNEL(SYS_newfstatat, dirfd, path, buffer, flags)), !result, LOOKED, dirfd, path)
#define FXSTATAT(name)                                                                        \
    TOUCH(int, name, (int version, int dirfd, const char *path, void *buffer, int flags),     \
          (version, dirfd, path, buffer, flags),                                              \
          answer(KERNEL(SYS_newfstatat, dirfd, path, buffer, flags)), !result, LOOKED, dirfd, path)

STAT(stat, 0)
STAT(stat64, 0)
STAT(lstat, NO_FOLLOW)
STAT(lstat64, NO_FOLLOW)
XSTAT(__xstat, 0)
XSTAT(__xstat64, 0)
XSTAT(__lxstat, NO_FOLLOW)
XSTAT(__lxstat64, NO_FOLLOW)
FSTATAT(fstatat)
FSTATAT(fstatat64)
FXSTATAT(__fxstatat)
FXSTATAT(__fxstatat64)
TOUCH(int, statx, (int dirfd, const char *path, int flags, unsigned mask, void *buffer),
      (dirfd, path, flags, mask, buffer), answer(KERNEL(SYS_statx, dirfd, path, flags, mask, buffer)),
      !result, LOOKED, dirfd, path)

/* -- other questions about a name ----------------------------------------------------------------------------------- */

#define ASK(name, params, args) TOUCH(int, name, params, args, absent(), result >= 0, LOOKED, CWD, path)
#define READ(name, params, args) TOUCH(ssize_t, name, params, args, absent(), result >= 0, LOOKED, CWD, path)

ASK(access, (const char *path, int mode), (path, mode))
ASK(eaccess, (const char *path, int mode), (path, mode))
ASK(euidaccess, (const char *path, int mode), (path, mode))
TOUCH(int, faccessat, (int dirfd, const char *path, int mode, int flags), (dirfd, path, mode, flags), absent(),
      !result, LOOKED, dirfd, path)
ASK(chdir, (const char *path), (path))
ASK(statfs, (const char *path, void *buffer), (path, buffer))
ASK(statfs64, (const char *path, void *buffer), (path, buffer))
ASK(statvfs, (const char *path, void *buffer), (path, buffer))
ASK(statvfs64, (const char *path, void *buffer), (path, buffer))

READ(readlink, (const char *path, char *buffer, size_t size), (path, buffer, size))
READ(__readlink_chk, (const char *path, char *buffer, size_t size, size_t room), (path, buffer, size, room))
TOUCH(ssize_t, readlinkat, (int dirfd, const char *path, char *buffer, size_t size), (dirfd, path, buffer, size),
      absent(), result >= 0, LOOKED, dirfd, path)
TOUCH(ssize_t, __readlinkat_chk, (int dirfd, const char *path, char *buffer, size_t size, size_t room),
      (dirfd, path, buffer, size, room), absent(), result >= 0, LOOKED, dirfd, path)
READ(getxattr, (const char *path, const char *name, void *value, size_t size), (path, name, value, size))
READ(lgetxattr, (const char *path, const char *name, void *value, size_t size), (path, name, value, size))
READ(listxattr, (const char *path, char *list, size_t size), (path, list, size))
READ(llistxattr, (const char *path, char *list, size_t size), (path, list, size))

/* Inside the C library these read links by calls that cannot be taken over. */
#define RESOLVE(name, params, args) TOUCH(char *, name, params, args, (absent(), NULL), result, LOOKED, CWD, path)
RESOLVE(realpath, (const char *path, char *resolved), (path, resolved))
RESOLVE(__realpath_chk, (const char *path, char *resolved, size_t room), (path, resolved, room))
RESOLVE(canonicalize_file_name, (const char *path), (path))

/* -- open and list ------------------------------------------------------------------------------------------------- */

#define STREAM(name, params, args, kind) TOUCH(void *, name, params, args, (absent(), NULL), result, kind, CWD, path)
STREAM(fopen, (const char *path, const char *mode), (path, mode), OPENED)
STREAM(fopen64, (const char *path, const char *mode), (path, mode), OPENED)
STREAM(freopen, (const char *path, const char *mode, void *stream), (path, mode, stream), OPENED)
STREAM(freopen64, (const char *path, const char *mode, void *stream), (path, mode, stream), OPENED)

/* Who lists a folder may answer with its names; what Python's import system lists it only looks one name up in. */
AROUND(void *, opendir, (const char *path), (path), (absent(), NULL), 1, note_listing(CWD, path, result != NULL))
AROUND(void *, fdopendir, (int file), (file), (absent(), NULL), 1, note_listing(file, ".", result != NULL))

#define LIST(name)                                                                            \
    TOUCH(int, name, (const char *path, void *list, void *select, void *compare), (path, list, select, compare), \
          absent(), result >= 0, BROWSED, CWD, path)
LIST(scandir)
LIST(scandir64)
#define LIST_AT(name)                                                                         \
    TOUCH(int, name, (int dirfd, const char *path, void *list, void *select, void *compare),  \
          (dirfd, path, list, select, compare), absent(), result >= 0, BROWSED, dirfd, path)
LIST_AT(scandirat)
LIST_AT(scandirat64)

/* Who opens a name and not the file (O_PATH) only looks at it, and the kernel reports no open. */
#define KIND(flags) ((flags) & ONLY_NAME ? LOOKED : OPENED)

#define OPEN_2(name) \
    TOUCH(int, name, (const char *path, int flags), (path, flags), absent(), result >= 0, KIND(flags), CWD, path)
#define OPENAT_2(name)                                                                        \
    TOUCH(int, name, (int dirfd, const char *path, int flags), (dirfd, path, flags), absent(), \
          result >= 0, KIND(flags), dirfd, path)
OPEN_2(__open_2)
OPEN_2(__open64_2)
OPENAT_2(__openat_2)
OPENAT_2(__openat64_2)

/* The mode is there only when the call may create a file. */
#define MODE(flags)                                              \
    unsigned mode = 0;                                           \
    if ((flags) & (CREATES | TEMPORARY)) {                       \
        va_list rest;                                            \
        va_start(rest, flags);                                   \
        mode = va_arg(rest, unsigned);                           \
        va_end(rest);                                            \
    }

#define OPEN(name, before, args, directory)                                                   \
    EXPORT int name(before const char *path, int flags, ...);                                 \
    static int (*next_##name)(before const char *path, int flags, ...);                       \
    REGISTER(name);                                                                           \
    EXPORT int name(before const char *path, int flags, ...) {                                \
        MODE(flags)                                                                           \
        if (!next_##name) start();                                                      \
        int result = next_##name args;                                                        \
        if (result >= 0) note(directory, path, KIND(flags));                                       \
        return result;                                                                        \
    }
#define COMMA ,
OPEN(open, , (path, flags, mode), CWD)
OPEN(open64, , (path, flags, mode), CWD)
OPEN(openat, int dirfd COMMA, (dirfd, path, flags, mode), dirfd)
OPEN(openat64, int dirfd COMMA, (dirfd, path, flags, mode), dirfd)

/* -- names that lead elsewhere from now on ---------------------------------------------------------------------------- */

#define MOVE(name, params, args) AROUND(int, name, params, args, absent(), !result, note_link())
MOVE(symlink, (const char *target, const char *path), (target, path))
MOVE(symlinkat, (const char *target, int dirfd, const char *path), (target, dirfd, path))
MOVE(rename, (const char *from, const char *to), (from, to))
MOVE(renameat, (int dirfd, const char *from, int other, const char *to), (dirfd, from, other, to))
MOVE(renameat2, (int dirfd, const char *from, int other, const char *to, unsigned flags), (dirfd, from, other, to, flags))

/* -- system calls by number: libuv's statx ---------------------------------------------------------------------------- */

extern int execve(const char *path, char *const *arguments, char *const *environment);
extern int execveat(int dirfd, const char *path, char *const *arguments, char *const *environment, int flags);

typedef long words(long number, long a, long b, long c, long d, long e, long f);

static void note_call(long number, long a, long b, long c) {
    switch (number) {
#ifdef __x86_64__
        case SYS_stat:
        case SYS_lstat:
        case SYS_access:
        case SYS_readlink: note(CWD, (const char *)a, LOOKED); break;
        case SYS_open: note(CWD, (const char *)a, KIND(b)); break;
        case SYS_getdents:
#endif
        case SYS_getdents64: note((int)a, ".", BROWSED); break;
        case SYS_newfstatat:
        case SYS_statx:
        case SYS_faccessat:
        case SYS_faccessat2:
        case SYS_readlinkat: note((int)a, (const char *)b, LOOKED); break;
        case SYS_openat: note((int)a, (const char *)b, KIND(c)); break;
        case SYS_openat2: note((int)a, (const char *)b, KIND(*(const long *)c)); break;
        case SYS_chdir:
        case SYS_statfs:
        case SYS_getxattr:
        case SYS_lgetxattr: note(CWD, (const char *)a, LOOKED); break;
        case SYS_io_uring_setup: note_unseen(); break; /* what is asked for that way no library hears of */
    }
}

static int is_noted(long number) {
    switch (number) {
#ifdef __x86_64__
        case SYS_stat:
        case SYS_lstat:
        case SYS_access:
        case SYS_readlink:
        case SYS_open:
        case SYS_getdents:
#endif
        case SYS_getdents64:
        case SYS_newfstatat:
        case SYS_statx:
        case SYS_faccessat:
        case SYS_faccessat2:
        case SYS_readlinkat:
        case SYS_openat:
        case SYS_openat2:
        case SYS_chdir:
        case SYS_statfs:
        case SYS_getxattr:
        case SYS_lgetxattr:
        case SYS_io_uring_setup: return 1;
        default: return 0;
    }
}

/* Declared without its `...`, which takes the same registers. What is not noted is a jump and no call: a process that
 * is cloned must not come back to a frame of ours. */
static words *next_syscall;
REGISTER(syscall);
EXPORT long syscall(long number, long a, long b, long c, long d, long e, long f) {
    if (!next_syscall) start();
    if (number == SYS_execve) return execve((const char *)a, (char *const *)b, (char *const *)c);
    if (number == SYS_execveat) return execveat((int)a, (const char *)b, (char *const *)c, (char *const *)d, (int)e);
    if (!next_syscall) return answer(call6(number, a, b, c, d, e, f));
    if (!is_noted(number)) __attribute__((musttail)) return next_syscall(number, a, b, c, d, e, f);
    long result = next_syscall(number, a, b, c, d, e, f);
    if (result >= 0) note_call(number, a, b, c);
    return result;
}

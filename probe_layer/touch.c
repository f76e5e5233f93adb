/* The shim: notes each successful stat, access, readlink, open and listing below the roots, in all forms of glibc 2.17
 * to 2.40. Preloaded into the runtime and, through the environment, into its children; exec.c does the programs.
 *
 * dlopen is left alone: behind a shim it would search by the shim's RUNPATH. What the loader opens, inotify sees.
 * The functions are declared here and not by their headers, which give the older forms other shapes.
 */
#define _GNU_SOURCE
#include "journal.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/types.h>

extern long syscall(long number, ...);

#define CREATES 0100          /* O_CREAT */
#define TEMPORARY 020000000   /* what O_TMPFILE has and O_DIRECTORY has not */
#define NO_FOLLOW 0x100       /* AT_SYMLINK_NOFOLLOW */

static long absent(void) {
    errno = ENOSYS;
    return -1;
}

/* A function that does what the next one of its name does, or `without` where the C library has none, and notes the
 * path when `good`. It is looked up when the program starts: dlsym is not for signal handlers. */
#define TOUCH(type, name, params, args, without, good, kind, dirfd, path)                     \
    EXPORT type name params;                                                                  \
    static type (*next_##name) params;                                                        \
    __attribute__((constructor)) static void find_##name(void) { next_##name = find(#name); } \
    EXPORT type name params {                                                                 \
        if (!next_##name) find_##name();                                                      \
        type result = next_##name ? next_##name args : (type)(without);                       \
        if (good) note(dirfd, path, kind);                                                    \
        return result;                                                                        \
    }

/* -- stat: `stat` in glibc from 2.33, `__xstat` before, and kept there for what was built against it ---------------- */

#define STAT(name, flags)                                                                     \
    TOUCH(int, name, (const char *path, void *buffer), (path, buffer),                        \
          syscall(SYS_newfstatat, CWD, path, buffer, flags), !result, LOOKED, CWD, path)
#define XSTAT(name, flags)                                                                    \
    TOUCH(int, name, (int version, const char *path, void *buffer), (version, path, buffer),  \
          syscall(SYS_newfstatat, CWD, path, buffer, flags), !result, LOOKED, CWD, path)
#define FSTATAT(name)                                                                         \
    TOUCH(int, name, (int dirfd, const char *path, void *buffer, int flags), (dirfd, path, buffer, flags), \
          syscall(SYS_newfstatat, dirfd, path, buffer, flags), !result, LOOKED, dirfd, path)
#define FXSTATAT(name)                                                                        \
    TOUCH(int, name, (int version, int dirfd, const char *path, void *buffer, int flags),     \
          (version, dirfd, path, buffer, flags),                                              \
          syscall(SYS_newfstatat, dirfd, path, buffer, flags), !result, LOOKED, dirfd, path)

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
      (dirfd, path, flags, mask, buffer), syscall(SYS_statx, dirfd, path, flags, mask, buffer),
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
STREAM(opendir, (const char *path), (path), LISTED)

#define LIST(name)                                                                            \
    TOUCH(int, name, (const char *path, void *list, void *select, void *compare), (path, list, select, compare), \
          absent(), result >= 0, LISTED, CWD, path)
LIST(scandir)
LIST(scandir64)

#define OPEN_2(name) \
    TOUCH(int, name, (const char *path, int flags), (path, flags), absent(), result >= 0, OPENED, CWD, path)
#define OPENAT_2(name)                                                                        \
    TOUCH(int, name, (int dirfd, const char *path, int flags), (dirfd, path, flags), absent(), \
          result >= 0, OPENED, dirfd, path)
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
    __attribute__((constructor)) static void find_##name(void) { next_##name = find(#name); } \
    EXPORT int name(before const char *path, int flags, ...) {                                \
        MODE(flags)                                                                           \
        if (!next_##name) find_##name();                                                      \
        int result = next_##name args;                                                        \
        if (result >= 0) note(directory, path, OPENED);                                       \
        return result;                                                                        \
    }
#define COMMA ,
OPEN(open, , (path, flags, mode), CWD)
OPEN(open64, , (path, flags, mode), CWD)
OPEN(openat, int dirfd COMMA, (dirfd, path, flags, mode), dirfd)
OPEN(openat64, int dirfd COMMA, (dirfd, path, flags, mode), dirfd)

/* What would write to the package is refused, as a read-only folder refuses it: behind our links is /tmp. */
#define _GNU_SOURCE
#include "guard.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>

/* Whether the path's folder is one that was dropped: it may be there in TREE, and is writable. */
static __attribute__((noinline)) int is_in_dropped_folder(char *path) {
    *strrchr(path, '/') = 0;
    const char *name = path + strlen(package_root);
    if (*name != '/') return 0;
    const struct row *row = find_name(name + 1, strlen(name + 1));
    return row && row->kind == FOLDER_ROW;
}

__attribute__((noinline)) int refusal(int dirfd, const char *path, int flags) {
    struct asked asked;
    if (!look_up(dirfd, path, &asked) || (flags == DELETES && asked.stored)) return 0; /* who clears /tmp, may */
    if (!asked.row) return flags & CREATES && is_in_dropped_folder(asked.path) ? EROFS : 0;
    if (asked.row->kind != FILE_ROW && asked.row->kind != FOLDER_ROW) return 0;
    if (flags & CREATES && flags & EXCLUSIVE) return EEXIST;
    return asked.row->kind == FOLDER_ROW && flags != DELETES && flags & WRITES ? EISDIR : EROFS;
}

#define REFUSED(name, params, args, dirfd, path, flags)                                       \
    NEXT(int, name, params)                                                                   \
    EXPORT int name params {                                                                  \
        int no = guard_index ? refusal(dirfd, path, flags) : 0;                               \
        if (!no) return CALL(name) args;                                                      \
        errno = no;                                                                           \
        return -1;                                                                            \
    }
#define CHANGED(name, params, args) REFUSED(name, params, args, CWD, path, 0)
#define CHANGED_AT(name, params, args) REFUSED(name, params, args, dirfd, path, 0)
#define DELETED(name, params, args) REFUSED(name, params, args, CWD, path, DELETES)
#define DELETED_AT(name, params, args) REFUSED(name, params, args, dirfd, path, DELETES)
#define MADE(name, params, args) REFUSED(name, params, args, CWD, path, CREATES)
#define MADE_AT(name, params, args) REFUSED(name, params, args, dirfd, path, CREATES)
#define MADE_NEW(name, params, args) REFUSED(name, params, args, CWD, path, CREATES | EXCLUSIVE)
#define MADE_NEW_AT(name, params, args) REFUSED(name, params, args, dirfd, path, CREATES | EXCLUSIVE)

CHANGED(chmod, (const char *path, unsigned mode), (path, mode))
CHANGED_AT(fchmodat, (int dirfd, const char *path, unsigned mode, int flags), (dirfd, path, mode, flags))
CHANGED(chown, (const char *path, unsigned user, unsigned group), (path, user, group))
CHANGED_AT(fchownat, (int dirfd, const char *path, unsigned user, unsigned group, int flags),
           (dirfd, path, user, group, flags))
CHANGED(truncate, (const char *path, long length), (path, length))
CHANGED(truncate64, (const char *path, long length), (path, length))
CHANGED(utime, (const char *path, const void *times), (path, times))
CHANGED(utimes, (const char *path, const void *times), (path, times))
CHANGED_AT(utimensat, (int dirfd, const char *path, const void *times, int flags), (dirfd, path, times, flags))
CHANGED_AT(futimesat, (int dirfd, const char *path, const void *times), (dirfd, path, times))
CHANGED(setxattr, (const char *path, const char *name, const void *value, size_t size, int flags),
        (path, name, value, size, flags))
DELETED(unlink, (const char *path), (path))
DELETED(remove, (const char *path), (path))
DELETED(rmdir, (const char *path), (path))
DELETED_AT(unlinkat, (int dirfd, const char *path, int flags), (dirfd, path, flags))
MADE(creat, (const char *path, unsigned mode), (path, mode))
MADE(creat64, (const char *path, unsigned mode), (path, mode))
MADE_NEW(mkdir, (const char *path, unsigned mode), (path, mode))
MADE_NEW_AT(mkdirat, (int dirfd, const char *path, unsigned mode), (dirfd, path, mode))
MADE_NEW(symlink, (const char *target, const char *path), (target, path))
MADE_NEW_AT(symlinkat, (const char *target, int dirfd, const char *path), (target, dirfd, path))
MADE_NEW(link, (const char *old, const char *path), (old, path))
MADE_NEW_AT(linkat, (int old_dirfd, const char *old, int dirfd, const char *path, int flags),
            (old_dirfd, old, dirfd, path, flags))

/* Neither end may be the package's: the same error as between two file systems, or within one that is read-only. */
static __attribute__((noinline)) int renaming(int old_dirfd, const char *old, int dirfd, const char *path) {
    struct asked asked;
    if (!refusal(old_dirfd, old, DELETES) && !refusal(dirfd, path, CREATES)) return 0;
    return look_up(old_dirfd, old, &asked) && look_up(dirfd, path, &asked) ? EROFS : EXDEV;
}

/* `without`: where the C library has no such function (renameat2 before 2.28). */
#define RENAMED(name, params, args, old_dirfd, dirfd, without)                                \
    NEXT(int, name, params)                                                                   \
    EXPORT int name params {                                                                  \
        int no = guard_index ? renaming(old_dirfd, old, dirfd, path) : 0;                     \
        if (!no) return CALL(name) ? next_##name args : (int)(without);                       \
        errno = no;                                                    \
        return -1;                                                                            \
    }
RENAMED(rename, (const char *old, const char *path), (old, path), CWD, CWD, -1)
RENAMED(renameat, (int old_dirfd, const char *old, int dirfd, const char *path), (old_dirfd, old, dirfd, path), old_dirfd,
        dirfd, -1)
RENAMED(renameat2, (int old_dirfd, const char *old, int dirfd, const char *path, unsigned flags),
        (old_dirfd, old, dirfd, path, flags), old_dirfd, dirfd,
        ask_kernel(SYS_renameat2, old_dirfd, old, dirfd, path, flags))

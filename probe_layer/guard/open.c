/* Opening files and listing folders, in all forms of glibc 2.17 to 2.40. */
#define _GNU_SOURCE
#include "guard.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>

#define OPEN_NO_FOLLOW 0400000
#ifdef __aarch64__
#undef OPEN_NO_FOLLOW
#define OPEN_NO_FOLLOW 0100000
#endif

/* -- files --------------------------------------------------------------------------------------------------------- */

/* With O_NOFOLLOW a link of ours is no link; with O_DIRECTORY too, it would be no folder. What is to be done, as serve()
 * says. */
static __attribute__((noinline)) enum outcome reopen(int dirfd, const char *path, int *flags, struct asked *asked) {
    if (errno == ENOENT) return serve(dirfd, path, "open", asked);
    if (!(*flags & OPEN_NO_FOLLOW) || !look_up(dirfd, path, asked) || !asked->row) return ABANDON;
    if (!bring(asked->row, "open")) {
        errno = ENOENT;
        return ABANDON;
    }
    *flags &= ~OPEN_NO_FOLLOW;
    return REPEAT;
}

/* The mode is there only when the call may create a file. */
#define MODE(flags)                                              \
    unsigned mode = 0;                                           \
    if ((flags) & (CREATES | TEMPORARY)) {                       \
        va_list rest;                                            \
        va_start(rest, flags);                                   \
        mode = va_arg(rest, unsigned);                           \
        va_end(rest);                                            \
    }
#define OPENED(name, args, dirfd)                                                             \
    struct asked asked;                                                                       \
    int no = flags & (CREATES | WRITES | TRUNCATES) ? refusal(dirfd, path, flags) : 0;        \
    if (no) {                                                                                 \
        errno = no;                                                                           \
        return -1;                                                                            \
    }                                                                                         \
    int result = CALL(name) args;                                                             \
    if (result >= 0 || !guard_index || (errno != ENOENT && errno != ELOOP && errno != ENOTDIR)) return result; \
    enum outcome outcome = reopen(dirfd, path, &flags, &asked);                               \
    if (outcome == ABANDON) return -1;                                                        \
    if (outcome == INSTEAD) path = asked.path;                                                \
    return next_##name args;

#define OPEN(name, before, args, directory)                                                   \
    EXPORT int name(before const char *path, int flags, ...);                                 \
    static int (*next_##name)(before const char *path, int flags, ...);                       \
    __attribute__((constructor)) static void find_##name(void) { next_##name = find(#name); } \
    EXPORT int name(before const char *path, int flags, ...) {                                \
        MODE(flags)                                                                           \
        OPENED(name, args, directory)                                                         \
    }
#define COMMA ,
OPEN(open, , (path, flags, mode), CWD)
OPEN(open64, , (path, flags, mode), CWD)
OPEN(openat, int dirfd COMMA, (dirfd, path, flags, mode), dirfd)
OPEN(openat64, int dirfd COMMA, (dirfd, path, flags, mode), dirfd)

#define OPEN_2(name) \
    NEXT(int, name, (const char *path, int flags)) \
    EXPORT int name(const char *path, int flags) { OPENED(name, (path, flags), CWD) }
#define OPENAT_2(name) \
    NEXT(int, name, (int dirfd, const char *path, int flags)) \
    EXPORT int name(int dirfd, const char *path, int flags) { OPENED(name, (dirfd, path, flags), dirfd) }
OPEN_2(__open_2)
OPEN_2(__open64_2)
OPENAT_2(__openat_2)
OPENAT_2(__openat64_2)

/* What open() is told by fopen's mode (fopen(3)). */
static int flags_of(const char *mode) {
    if (*mode == 'w') return CREATES | TRUNCATES | WRITES;
    if (*mode == 'a') return CREATES | WRITES;
    return strchr(mode, '+') ? WRITES : 0;
}

#define STREAM(name, params, args)                                                            \
    NEXT(void *, name, params)                                                                \
    EXPORT void *name params {                                                                \
        struct asked asked;                                                                   \
        int wanted = flags_of(mode), no = wanted ? refusal(CWD, path, wanted) : 0;            \
        if (no) {                                                                             \
            errno = no;                                                                       \
            return NULL;                                                                      \
        }                                                                                     \
        void *result = CALL(name) args;                                                       \
        if (result || errno != ENOENT) return result;                                         \
        enum outcome outcome = serve(CWD, path, "open", &asked);                              \
        if (outcome == ABANDON) return NULL;                                                  \
        if (outcome == INSTEAD) path = asked.path;                                            \
        return next_##name args;                                                              \
    }
STREAM(fopen, (const char *path, const char *mode), (path, mode))
STREAM(fopen64, (const char *path, const char *mode), (path, mode))

/* freopen closes its stream before it opens the file, so the file is brought before. */
static __attribute__((noinline)) const char *before_reopening(const char *path, struct asked *asked) {
    int before = errno;
    if (!look_up(CWD, path, asked)) return path;
    if (asked->row && asked->row->kind == FILE_ROW) bring(asked->row, "open");
    errno = before;
    return asked->moved ? asked->path : path;
}

#define REOPEN(name)                                                                          \
    NEXT(void *, name, (const char *path, const char *mode, void *stream))                    \
    EXPORT void *name(const char *path, const char *mode, void *stream) {                     \
        struct asked asked;                                                                   \
        int wanted = flags_of(mode), no = wanted ? refusal(CWD, path, wanted) : 0;            \
        if (!no) return CALL(name)(path ? before_reopening(path, &asked) : NULL, mode, stream); \
        errno = no;                                                                           \
        return NULL;                                                                          \
    }
REOPEN(freopen)
REOPEN(freopen64)

/* -- folders ------------------------------------------------------------------------------------------------------- */

#define LISTED(type, name, params, args, bad)                                                 \
    NEXT(type, name, params)                                                                  \
    EXPORT type name params {                                                                 \
        struct asked asked;                                                                   \
        type result = CALL(name) args;                                                        \
        if (result != (bad) || errno != ENOENT) return result;                                \
        enum outcome outcome = serve(CWD, path, "list", &asked);                              \
        if (outcome == ABANDON) return result;                                                \
        if (outcome == INSTEAD) path = asked.path;                                            \
        return next_##name args;                                                              \
    }
#define SCAN(name) \
    LISTED(int, name, (const char *path, void *list, void *select, void *order), (path, list, select, order), -1)
#define WALK(name) LISTED(int, name, (const char *path, void *each, int files), (path, each, files), -1)
#define WALK_BY(name) \
    LISTED(int, name, (const char *path, void *each, int files, int flags), (path, each, files, flags), -1)
LISTED(void *, opendir, (const char *path), (path), NULL)
SCAN(scandir)
SCAN(scandir64)
WALK(ftw)
WALK(ftw64)
WALK_BY(nftw)
WALK_BY(nftw64)

/* In a listing a link of ours is what it stands for. */
struct entry {
    uint64_t ino;
    int64_t next;
    uint16_t length;
    uint8_t type;
    char name[];
};
enum { FOLDER_TYPE = 4, FILE_TYPE = 8, LINK_TYPE = 10 }; /* DT_DIR, DT_REG, DT_LNK */
extern int dirfd(void *stream);

static __attribute__((noinline)) void retype(void *stream, struct entry *entry) {
    char target[PATH_ROOM];
    struct asked asked;
    int before = errno;
    long length = ask_kernel(SYS_readlinkat, dirfd(stream), entry->name, target, sizeof target - 1);
    errno = before;
    if (length <= (long)strlen(STORE)) return;
    target[length] = 0;
    if (below(target, STORE) && look_up(CWD, target, &asked) && asked.row)
        entry->type = asked.row->kind == FOLDER_ROW ? FOLDER_TYPE : FILE_TYPE;
}

#define NEXT_ENTRY(name)                                                                      \
    NEXT(void *, name, (void *stream))                                                        \
    EXPORT void *name(void *stream) {                                                         \
        struct entry *entry = CALL(name)(stream);                                             \
        if (entry && entry->type == LINK_TYPE && guard_index) retype(stream, entry);          \
        return entry;                                                                         \
    }
NEXT_ENTRY(readdir)
NEXT_ENTRY(readdir64)

/* glob's calls inside the C library cannot be taken over: the folder that a pattern begins with is brought before. */
static __attribute__((noinline)) void before_glob(const char *pattern) {
    char folder[PATH_ROOM];
    struct asked asked;
    size_t end = strcspn(pattern, "*?[{");
    int before = errno;
    if (!guard_index || end >= sizeof folder) return;
    memcpy(folder, pattern, end);
    folder[end] = 0;
    char *slash = strrchr(folder, '/');
    if (pattern[end] && !slash) return;
    if (pattern[end]) *slash = 0;
    if (look_up(CWD, folder, &asked) && asked.row) bring(asked.row, "list");
    errno = before;
}
#define GLOB(name)                                                                            \
    NEXT(int, name, (const char *pattern, int flags, void *failed, void *found))              \
    EXPORT int name(const char *pattern, int flags, void *failed, void *found) {              \
        before_glob(pattern);                                                                 \
        return CALL(name)(pattern, flags, failed, found);                                     \
    }
GLOB(glob)
GLOB(glob64)

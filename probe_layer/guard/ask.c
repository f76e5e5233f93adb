/* Questions about a name: stat, access, readlink, realpath and their like, in all forms of glibc 2.17 to 2.40.
 *
 * A link of ours is told as what it stands for. The functions are declared here and not by their headers, which give
 * the older forms other shapes.
 */
#define _GNU_SOURCE
#include "guard.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>

#define LINK_FORM 0120000
#define FORMS 0170000
#define PLAIN_FORM 0100000

static long absent(void) {
    errno = ENOSYS;
    return -1;
}

/* A function that does what the next one of its name does, and once more where what it asks for could be brought. */
#define ASKED(type, name, params, args, bad, dirfd)                                           \
    NEXT(type, name, params)                                                                  \
    static __attribute__((noinline)) type retry_##name params {                               \
        struct asked asked;                                                                   \
        enum outcome outcome = serve(dirfd, path, #name, &asked);                             \
        if (outcome == ABANDON) return (type)(bad);                                           \
        if (outcome == INSTEAD) path = asked.path;                                            \
        return next_##name args;                                                              \
    }                                                                                         \
    EXPORT type name params {                                                                 \
        if (!next_##name) find_##name();                                                      \
        type result = next_##name ? next_##name args : (type)absent();                        \
        if (result == (type)(bad) && errno == ENOENT) return retry_##name args;               \
        return result;                                                                        \
    }

/* -- stat ---------------------------------------------------------------------------------------------------------- */

/* struct stat and struct statx, as the kernel and every glibc for 64 bits have them. */
#ifdef __x86_64__
struct status {
    uint64_t dev, ino, nlink;
    uint32_t mode, uid, gid, pad;
    uint64_t rdev;
    int64_t size, blksize, blocks, times[6];
};
#else
struct status {
    uint64_t dev, ino;
    uint32_t mode, nlink, uid, gid;
    uint64_t rdev, pad;
    int64_t size;
    int32_t blksize, pad2;
    int64_t blocks, times[6];
};
#endif
struct moment { int64_t seconds; uint32_t nanoseconds; int32_t reserved; };
struct extended {
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, spare;
    uint64_t ino, size, blocks, known_attributes;
    struct moment accessed, born, changed, modified;
};

/* One question, in either of its two shapes. */
struct question {
    int dirfd;
    const char *path;
    int flags;
    void *answer;
    int is_extended;
    unsigned mask;
};

static int put_question(const struct question *question, const char *path, int flags) {
    if (question->is_extended)
        return (int)ask_kernel(SYS_statx, question->dirfd, path, flags, question->mask, question->answer);
    return (int)ask_kernel(SYS_newfstatat, question->dirfd, path, question->answer, flags);
}

static unsigned form(const struct question *question) {
    if (question->is_extended) return ((struct extended *)question->answer)->mode & FORMS;
    return ((struct status *)question->answer)->mode & FORMS;
}

static void answer_from_index(const struct row *row, const struct question *question) {
    unsigned mode = PLAIN_FORM | row->mode;
    uint64_t blocks = (row->size + 511) / 512, own = number_of(row) + 1;
    if (question->is_extended) {
        struct moment then = {row->changed, 0, 0};
        *(struct extended *)question->answer = (struct extended){
            .mask = 0x7ff, .blksize = 4096, .nlink = 1, .mode = (uint16_t)mode, .ino = own, .size = row->size,
            .blocks = blocks, .accessed = then, .changed = then, .modified = then};
    } else {
        int64_t then = row->changed;
        *(struct status *)question->answer = (struct status){
            .ino = own, .nlink = 1, .mode = mode, .size = (int64_t)row->size, .blksize = 4096,
            .blocks = (int64_t)blocks, .times = {then, 0, then, 0, then, 0}};
    }
}

/* The question failed with ENOENT. */
static __attribute__((noinline)) int ask_again(const struct question *question, int flags) {
    struct asked asked;
    int before = errno;
    if (look_up(question->dirfd, question->path, &asked) && asked.row && asked.row->flags & LOOKED_AT) {
        answer_from_index(asked.row, question);
        return 0;
    }
    errno = before;
    enum outcome outcome = serve(question->dirfd, question->path, "stat", &asked);
    if (outcome == ABANDON) return -1;
    return put_question(question, outcome == INSTEAD ? asked.path : question->path, flags);
}

/* The answer is that of a link: if it is one of ours, what it stands for is told, or the link where that is not had. */
static __attribute__((noinline)) int ask_behind(const struct question *question) {
    struct asked asked;
    if (!look_up(question->dirfd, question->path, &asked) || !asked.row) return 0;
    int flags = question->flags & ~AT_NO_FOLLOW;
    int result = put_question(question, question->path, flags);
    if (result && errno == ENOENT) result = ask_again(question, flags);
    return result && errno == ENOENT ? put_question(question, question->path, question->flags) : result;
}

static inline int judge(int result, const struct question *question) {
    if (!guard_index) return result;
    if (result) return errno == ENOENT ? ask_again(question, question->flags) : result;
    return question->flags & AT_NO_FOLLOW && form(question) == LINK_FORM ? ask_behind(question) : result;
}

#define STAT(name, params, args, dirfd, flags)                                                \
    NEXT(int, name, params)                                                                   \
    EXPORT int name params {                                                                  \
        struct question question = {dirfd, path, flags, buffer, 0, 0};                        \
        if (!next_##name) find_##name();                                                      \
        return judge(next_##name ? next_##name args : put_question(&question, path, flags), &question); \
    }
#define STAT_PATH(name, flags) STAT(name, (const char *path, void *buffer), (path, buffer), CWD, flags)
#define XSTAT(name, flags) \
    STAT(name, (int version, const char *path, void *buffer), (version, path, buffer), CWD, flags)
#define STAT_AT(name) \
    STAT(name, (int dirfd, const char *path, void *buffer, int flags), (dirfd, path, buffer, flags), dirfd, flags)
#define XSTAT_AT(name)                                                                        \
    STAT(name, (int version, int dirfd, const char *path, void *buffer, int flags),           \
         (version, dirfd, path, buffer, flags), dirfd, flags)
STAT_PATH(stat, 0)
STAT_PATH(stat64, 0)
STAT_PATH(lstat, AT_NO_FOLLOW)
STAT_PATH(lstat64, AT_NO_FOLLOW)
XSTAT(__xstat, 0)
XSTAT(__xstat64, 0)
XSTAT(__lxstat, AT_NO_FOLLOW)
XSTAT(__lxstat64, AT_NO_FOLLOW)
STAT_AT(fstatat)
STAT_AT(fstatat64)
XSTAT_AT(__fxstatat)
XSTAT_AT(__fxstatat64)

NEXT(int, statx, (int dirfd, const char *path, int flags, unsigned mask, void *buffer))
EXPORT int statx(int dirfd, const char *path, int flags, unsigned mask, void *buffer) {
    struct question question = {dirfd, path, flags, buffer, 1, mask};
    if (!next_statx) find_statx();
    int result = next_statx ? next_statx(dirfd, path, flags, mask, buffer) : put_question(&question, path, flags);
    return judge(result, &question);
}

/* -- access -------------------------------------------------------------------------------------------------------- */

/* /var/task is read-only, and so is what stands for it in /tmp. */
static __attribute__((noinline)) int may_not_write(int dirfd, const char *path, int result) {
    struct asked asked;
    if (!look_up(dirfd, path, &asked) || !asked.row) return result;
    errno = EROFS;
    return -1;
}

/* Whether the index alone can answer; then with what. */
static __attribute__((noinline)) int is_known(int dirfd, const char *path, int mode, int *answer) {
    struct asked asked;
    if (!look_up(dirfd, path, &asked) || !asked.row || !(asked.row->flags & LOOKED_AT)) return 0;
    int no = mode & 2 ? EROFS : mode & 1 && !(asked.row->mode & 0111) ? EACCES : 0;
    if (no) errno = no;
    *answer = no ? -1 : 0;
    return 1;
}

#define ACCESS(name, params, args, dirfd)                                                     \
    NEXT(int, name, params)                                                                   \
    EXPORT int name params {                                                                  \
        struct asked asked;                                                                   \
        int result = CALL(name) args;                                                         \
        if (!guard_index) return result;                                                      \
        if (result && errno == ENOENT) {                                                      \
            if (is_known(dirfd, path, mode, &result)) return result;                          \
            enum outcome outcome = serve(dirfd, path, "access", &asked);                      \
            if (outcome == ABANDON) return -1;                                                \
            if (outcome == INSTEAD) path = asked.path;                                        \
            result = next_##name args;                                                        \
        }                                                                                     \
        return mode & 2 && (!result || errno == EACCES) ? may_not_write(dirfd, path, result) : result; \
    }
ACCESS(access, (const char *path, int mode), (path, mode), CWD)
ACCESS(eaccess, (const char *path, int mode), (path, mode), CWD)
ACCESS(euidaccess, (const char *path, int mode), (path, mode), CWD)
ACCESS(faccessat, (int dirfd, const char *path, int mode, int flags), (dirfd, path, mode, flags), dirfd)

/* -- others -------------------------------------------------------------------------------------------------------- */

#define ASK(name, params, args) ASKED(int, name, params, args, -1, CWD)
#define READ(name, params, args) ASKED(ssize_t, name, params, args, -1, CWD)
ASK(chdir, (const char *path), (path))
ASK(statfs, (const char *path, void *buffer), (path, buffer))
ASK(statfs64, (const char *path, void *buffer), (path, buffer))
ASK(statvfs, (const char *path, void *buffer), (path, buffer))
ASK(statvfs64, (const char *path, void *buffer), (path, buffer))
READ(getxattr, (const char *path, const char *name, void *value, size_t size), (path, name, value, size))
READ(listxattr, (const char *path, char *list, size_t size), (path, list, size))

/* A link of ours is no link; one of the kernel's own (/proc/self/exe, /proc/self/fd/3) leads to the package. */
static __attribute__((noinline)) ssize_t link_text(int dirfd, const char *path, char *buffer, size_t size, ssize_t result) {
    struct asked asked;
    char target[PATH_ROOM];
    if (look_up(dirfd, path, &asked) && asked.row) {
        errno = EINVAL;
        return -1;
    }
    if (result >= (ssize_t)sizeof target) return result;
    memcpy(target, buffer, (size_t)result);
    target[result] = 0;
    size_t length = strlen(at_home(target));
    memcpy(buffer, target, length < size ? length : size);
    return (ssize_t)(length < size ? length : size);
}

#define LINK(name, params, args, dirfd)                                                       \
    NEXT(ssize_t, name, params)                                                               \
    EXPORT ssize_t name params {                                                              \
        ssize_t result = CALL(name) args;                                                     \
        if (!guard_index || result < (ssize_t)sizeof STORE || memcmp(buffer, STORE "/", sizeof STORE)) return result; \
        return link_text(dirfd, path, buffer, size, result);                                  \
    }
LINK(readlink, (const char *path, char *buffer, size_t size), (path, buffer, size), CWD)
LINK(__readlink_chk, (const char *path, char *buffer, size_t size, size_t room), (path, buffer, size, room), CWD)
LINK(readlinkat, (int dirfd, const char *path, char *buffer, size_t size), (dirfd, path, buffer, size), dirfd)
LINK(__readlinkat_chk, (int dirfd, const char *path, char *buffer, size_t size, size_t room),
     (dirfd, path, buffer, size, room), dirfd)

/* Inside the C library these read links by calls that cannot be taken over: what they find in TREE is told as ours. */
#define RESOLVED(name, params, args)                                                          \
    NEXT(char *, name, params)                                                                \
    EXPORT char *name params {                                                                \
        struct asked asked;                                                                   \
        char *result = CALL(name) args;                                                       \
        if (!result && errno == ENOENT) {                                                     \
            enum outcome outcome = serve(CWD, path, "realpath", &asked);                      \
            if (outcome == INSTEAD) path = asked.path;                                        \
            if (outcome != ABANDON) result = next_##name args;                                \
        }                                                                                     \
        return at_home(result);                                                    \
    }
RESOLVED(realpath, (const char *path, char *resolved), (path, resolved))
RESOLVED(__realpath_chk, (const char *path, char *resolved, size_t room), (path, resolved, room))
RESOLVED(canonicalize_file_name, (const char *path), (path))

NEXT(char *, getcwd, (char *buffer, size_t size))
EXPORT char *getcwd(char *buffer, size_t size) {
    return at_home(CALL(getcwd)(buffer, size));
}

NEXT(char *, __getcwd_chk, (char *buffer, size_t size, size_t room))
EXPORT char *__getcwd_chk(char *buffer, size_t size, size_t room) {
    return at_home(CALL(__getcwd_chk)(buffer, size, room));
}

NEXT(char *, get_current_dir_name, (void))
EXPORT char *get_current_dir_name(void) {
    return at_home(CALL(get_current_dir_name)());
}

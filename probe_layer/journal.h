/* The journal: one file that every process of a sandbox maps, and to which each touched path is appended once.
 *
 * It is reached through no file descriptor, so a function may close them all; it outlives the process, so what a
 * killed runtime saw is logged by the next one; appending takes no lock, no memory and little stack, so it is safe in
 * threads, signal handlers and between vfork and exec. probe_layer/journal.py reads the same file: the layout below is
 * for both.
 */
#ifndef LDEPLOY_JOURNAL_H
#define LDEPLOY_JOURNAL_H

#include "paths.h"

enum { ROOT_SIZE = 960, SLOTS = 131072, DATA_OFFSET = 4096 + SLOTS * 8, JOURNAL_SIZE = 8 << 20 };

/* How a path was touched; the letters stand in the entries. The second line is what Python code did. */
enum { OPENED = 'o', LOOKED = 'l', LISTED = 'd', BROWSED = 'w', EXECUTED = 'x', LOADED = 'm', PATH = 'P' };
enum { PY_OPENED = 'a', PY_LOADED = 'b', PY_LISTED = 'e', PY_BROWSED = 'n', PY_READ = 'r' };

struct journal {
    uint64_t magic;
    uint64_t tail;            /* bytes taken in data */
    uint64_t full;            /* 1 once a path found no room */
    uint64_t unseen;          /* programs started so far that make system calls of their own, on the package */
    uint64_t links;           /* symlinks made and names changed so far, by any process */
    uint64_t answered;        /* invocations that workers of the runtime have ended */
    char reader[80];          /* the reader's own: sandbox, package, line, what is logged */
    char root[ROOT_SIZE];     /* LAMBDA_TASK_ROOT */
    char layers[ROOT_SIZE];   /* /opt */
    char own[ROOT_SIZE];      /* /opt/ldeploy: never noted */
    char task[ROOT_SIZE];     /* /var/task where the root is another place: its symlinks lead there; or empty */
    char spare[4096 - 128 - 4 * ROOT_SIZE];
    uint64_t hashes[SLOTS];   /* of the paths: upper half of the hash, then the entry's number + 1; 0 is free */
    uint64_t data[(JOURNAL_SIZE - DATA_OFFSET) / 8];
};
/* An entry begins with a head, which is stored last, as one word, from its lowest byte: 0, kind, length of the text
 * (2 bytes), a number (4 bytes). An entry of kind PATH holds one word more, a bit for each kind in which the path was
 * touched, and the absolute path. Any other is a touch: its number is that of the path's entry (its place in data, in
 * words), its text the module that asked, or nothing. A text is filled up with at least one NUL to a multiple of 8. No
 * word of a text begins with NUL and goes on, so a reader finds the next head behind an entry that was never
 * finished. */

/* Notes that the path, relative to the directory behind dirfd, was touched, if it lies below a root, or leads there. */
HIDDEN void note(int dirfd, const char *path, int kind);

/* The same for Python code, with the module that asked; whoever is muted. */
HIDDEN void note_asked(int dirfd, const char *path, int kind, const char *module);

/* A program begins that makes system calls of its own. */
HIDDEN void note_unseen(void);

/* Names may lead elsewhere from now on. */
HIDDEN void note_link(void);

/* Whether the place lies below a root, or leads there, and is not noted in this way yet. */
HIDDEN int is_news(int dirfd, const char *path, int kind);

/* Another journal takes the place of one that was removed. */
HIDDEN void keep_journal(void);

/* /opt/ldeploy, or empty. */
HIDDEN const char *own_folder(void);

#endif

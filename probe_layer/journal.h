/* The journal: one file that every process of a sandbox maps, and to which each touched path is appended once.
 *
 * It is reached through no file descriptor, so a function may close them all; it outlives the process, so what a
 * killed runtime saw is logged by the next one; appending takes no lock and no memory, so it is safe in threads,
 * signal handlers and between vfork and exec. probe_layer/journal.py reads the same file: the layout below is for both.
 */
#ifndef LDEPLOY_JOURNAL_H
#define LDEPLOY_JOURNAL_H

#include <stdint.h>

#include "paths.h"

enum { ROOT_SIZE = 960, SLOTS = 65536, DATA_OFFSET = 4096 + SLOTS * 8, JOURNAL_SIZE = 6 << 20 };

/* How a path was touched; the letters stand in the entries. */
enum { OPENED = 'o', LOOKED = 'l', LISTED = 'd', EXECUTED = 'x', LOADED = 'm' };

struct journal {
    uint64_t magic;
    uint64_t tail;            /* bytes taken in data */
    uint64_t full;            /* 1 once a path found no room */
    char reader[104];         /* the reader's own: sandbox, package, line, what is logged */
    char root[ROOT_SIZE];     /* LAMBDA_TASK_ROOT */
    char layers[ROOT_SIZE];   /* /opt */
    char own[ROOT_SIZE];      /* /opt/ldeploy: never noted */
    char task[ROOT_SIZE];     /* /var/task where the root is another place: its symlinks lead there; or empty */
    char spare[4096 - 128 - 4 * ROOT_SIZE];
    uint64_t hashes[SLOTS];   /* of what is noted already; open addressing, 0 is free */
    uint64_t data[(JOURNAL_SIZE - DATA_OFFSET) / 8];
};
/* An entry: 8 bytes head, then the absolute path, filled up with at least one NUL to a multiple of 8. The head is
 * stored last, as one word, from its lowest byte: 0, kind, length (2 bytes), the hash's lower half (4 bytes). No word
 * of a path begins with NUL and goes on, so a reader finds the next head behind an entry that was never finished. */

/* Notes that the path, relative to the directory behind dirfd, was touched, if it lies below a root. Keeps errno. */
HIDDEN void note(int dirfd, const char *path, int kind);

/* Maps the journal, where that is not done yet: a library may be initialised before the shim is. */
HIDDEN void map_journal(void);

#endif

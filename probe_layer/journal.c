#define _GNU_SOURCE
#include "journal.h"
#include "paths.h"
#include "programs.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x31796f6c7065646c) /* "ldeploy1" */
#define WRITABLE 02000002 /* O_RDWR | O_CLOEXEC */
#define CREATE 0100       /* O_CREAT */
#define EXECUTABLE 1      /* X_OK */

_Static_assert(offsetof(struct journal, root) == 128, "journal.py reads the header by these offsets");
_Static_assert(offsetof(struct journal, hashes) == 4096, "journal.py reads the header by these offsets");
_Static_assert(offsetof(struct journal, data) == DATA_OFFSET, "journal.py reads the data by this offset");

static struct journal *journal;
static __thread int muted __attribute__((tls_model("initial-exec")));
char preload_entry[4096 + 16], own_entry[4096 + 16];

static int wanted(const char *path) {
    return (below(path, journal->root) || below(path, journal->layers) || below(path, journal->task)) &&
           !below(path, journal->own);
}

/* -- appending --------------------------------------------------------------------------------------------------- */

static uint64_t hash(const char *path, size_t length, int kind) {
    uint64_t value = UINT64_C(14695981039346656037) ^ (unsigned)kind; /* FNV-1a */
    for (size_t i = 0; i < length; i++) value = (value ^ (unsigned char)path[i]) * UINT64_C(1099511628211);
    value ^= value >> 32;
    return value ? value : 1;
}

/* The slot that holds the hash or is free for it; NULL: the table is full. */
static uint64_t *slot_of(uint64_t key) {
    for (unsigned i = 0; i < SLOTS / 2; i++) {
        uint64_t *slot = &journal->hashes[(key + i) % SLOTS];
        uint64_t held = __atomic_load_n(slot, __ATOMIC_RELAXED);
        if (!held || held == key) return slot;
    }
    return NULL;
}

/* The entry is written before its hash: a kill in between costs a double, which the reader passes over, not a path. */
static void append(const char *path, size_t length, int kind) {
    uint64_t key = hash(path, length, kind), room = 8 + ((length + 8) & ~(uint64_t)7), start, *slot = slot_of(key);
    if (slot && *slot == key) return;
    if (!slot || __atomic_load_n(&journal->tail, __ATOMIC_RELAXED) + room > sizeof journal->data) goto full;
    start = __atomic_fetch_add(&journal->tail, room, __ATOMIC_RELAXED);
    if (start + room > sizeof journal->data) goto full;
    memcpy(journal->data + start / 8 + 1, path, length);
    uint64_t head = (uint64_t)kind << 8 | (uint64_t)length << 16 | key << 32;
    __atomic_store_n(&journal->data[start / 8], head, __ATOMIC_RELEASE);
    while (slot) {
        uint64_t nothing = 0;
        if (__atomic_compare_exchange_n(slot, &nothing, key, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED) || nothing == key)
            return;
        slot = slot_of(key);
    }
    return;
full:
    __atomic_store_n(&journal->full, 1, __ATOMIC_RELAXED);
}

void note(int dirfd, const char *path, int kind) {
    char whole[PATH_ROOM], folded[PATH_ROOM];
    if (!journal || muted || !path || !*path) return;
    int before = errno;
    size_t length = whole_path(whole, dirfd, path);
    if (length) {
        const char *place = whole;
        if (strstr(whole, "/..")) {
            memcpy(folded, whole, length + 1);
            fold(folded);
            place = folded;
        }
        if (wanted(place)) append(whole, length, kind);
    }
    errno = before;
}

/* Whether the program was there to be started. */
int starting(int dirfd, const char *path) {
    int before = errno;
    int there = path && !syscall(SYS_faccessat, dirfd, path, EXECUTABLE);
    errno = before;
    if (there) note(dirfd, path, EXECUTED);
    return there;
}

/* -- for the Python side ----------------------------------------------------------------------------------------- */

/* Whether this process has the journal. */
EXPORT int ldeploy_at_work(void) { return journal != NULL; }

/* Nothing that this thread does is noted while it is muted. */
EXPORT void ldeploy_mute(int on) { muted = on; }

/* Notes a path that another witness saw; the capital letter of a kind says so. */
EXPORT void ldeploy_note(int kind, const char *path) {
    int before = muted;
    muted = 0;
    note(CWD, path, kind);
    muted = before;
}

/* -- start ------------------------------------------------------------------------------------------------------- */

/* Cuts the last segment off a path. */
static void parent(char *path) {
    char *slash = strrchr(path, '/');
    if (slash) *slash = 0;
}

/* The first process of a sandbox says what the roots are: the package's, and the folder that holds /opt/ldeploy/shim. */
static void describe(struct journal *fresh) {
    const char *root = getenv("LAMBDA_TASK_ROOT"), *task = getenv("LDEPLOY_TASK");
    Dl_info self;
    if (fresh->magic == MAGIC) return;
    snprintf(fresh->root, ROOT_SIZE, "%s", root ? root : "/var/task");
    snprintf(fresh->task, ROOT_SIZE, "%s", task ? task : "");
    if (dladdr((void *)note, &self) && self.dli_fname) {
        snprintf(fresh->own, ROOT_SIZE, "%s", self.dli_fname);
        parent(fresh->own);
        parent(fresh->own);
        memcpy(fresh->layers, fresh->own, ROOT_SIZE);
        parent(fresh->layers);
    }
    __atomic_store_n(&fresh->magic, MAGIC, __ATOMIC_RELEASE);
}

/* Maps the journal, and makes it where there is none. Its blocks are taken at once: a full disk then cannot turn a
 * write to the mapping into SIGBUS. */
__attribute__((constructor)) void map_journal(void) {
    const char *path = getenv("LDEPLOY_JOURNAL"), *preload = getenv("LD_PRELOAD");
    if (journal || !path || !*path) return;
    int before = errno;
    int file = (int)syscall(SYS_openat, CWD, path, WRITABLE | CREATE, 0600);
    if (file >= 0) {
        void *mapped = MAP_FAILED;
        if (!syscall(SYS_fallocate, file, 0, 0L, (long)JOURNAL_SIZE))
            mapped = mmap(NULL, JOURNAL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (mapped != MAP_FAILED) {
            describe(mapped);
            snprintf(own_entry, sizeof own_entry, "LDEPLOY_JOURNAL=%s", path);
            if (preload) snprintf(preload_entry, sizeof preload_entry, "LD_PRELOAD=%s", preload);
            journal = mapped;
        }
        syscall(SYS_close, file);
    }
    errno = before;
}

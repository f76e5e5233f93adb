#define _GNU_SOURCE
#include "journal.h"
#include "find.h"
#include "programs.h"
#include "python.h"

#include <sys/mman.h>
#include <sys/stat.h>

#define MAGIC UINT64_C(0x32796f6c7065646c) /* "ldeploy2" */
#define LOGGED (offsetof(struct journal, reader) + 40) /* how much of the data is logged */
#define PROBES 64          /* slots that are looked at for one path */
#define BIT(kind) (UINT64_C(1) << ((kind) - 'A'))

_Static_assert(offsetof(struct journal, reader) == 48, "journal.py reads the header by these offsets");
_Static_assert(offsetof(struct journal, root) == 128, "journal.py reads the header by these offsets");
_Static_assert(offsetof(struct journal, hashes) == 4096, "journal.py reads the header by these offsets");
_Static_assert(offsetof(struct journal, data) == DATA_OFFSET, "journal.py reads the data by this offset");

static struct journal *journal;
static struct { uint64_t device, number; } file_of_journal;
static __thread int muted __attribute__((tls_model("initial-exec")));
char preload_entry[PATH_ROOM + 16], own_entry[PATH_ROOM + 16];

/* -- places ----------------------------------------------------------------------------------------------------------- */

static int is_root(const char *path) {
    return equal(path, journal->root) || equal(path, journal->layers) || equal(path, journal->task);
}

static int wanted(const char *path) {
    return (below(path, journal->root) || below(path, journal->layers) || below(path, journal->task)) &&
           !below(path, journal->own);
}

/* -- places that lead nowhere below a root ----------------------------------------------------------------------------- */

static uint64_t hash(const char *path, size_t length) {
    uint64_t value = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < length; i++) value = (value ^ (unsigned char)path[i]) * UINT64_C(1099511628211);
    return value ^ value >> 32;
}

static uint64_t foreign[4096];

/* What is remembered of a foreign path: nothing of it holds any more when a symlink was made since. */
static uint64_t mark_of(const char *path) {
    uint64_t links = __atomic_load_n(&journal->links, __ATOMIC_RELAXED);
    return (hash(path, length_of(path)) ^ links * UINT64_C(0x9e3779b97f4a7c15)) | 1;
}

/* Where the path leads, in other: whether that is below a root. Asked of the kernel once for each path: a symlink in
 * /tmp may lead into the package, /proc/self/cwd too. */
static int leads(const char *path, char *other) {
    if (begins(path, "/dev/") || begins(path, "/sys/")) return 0;
    uint64_t mark = mark_of(path), *remembered = &foreign[mark >> 8 & 4095];
    if (__atomic_load_n(remembered, __ATOMIC_RELAXED) == mark) return 0;
    long file = KERNEL(SYS_openat, CWD, path, READ_ONLY | ONLY_NAME, 0);
    if (FAILED(file)) return 0;
    long length = read_descriptor((unsigned)file, other);
    KERNEL(SYS_close, file);
    if (length < 1) return 0;
    other[length] = 0;
    if (wanted(other) || is_root(other)) return 1;
    if (!begins(path, "/proc/")) __atomic_store_n(remembered, mark, __ATOMIC_RELAXED);
    return 0;
}

/* -- appending --------------------------------------------------------------------------------------------------------- */

/* Room for an entry, as its number; the largest number where there is none. */
static uint64_t reserve(uint64_t size) {
    if (__atomic_load_n(&journal->tail, __ATOMIC_RELAXED) + size <= sizeof journal->data) {
        uint64_t start = __atomic_fetch_add(&journal->tail, size, __ATOMIC_RELAXED);
        if (start + size <= sizeof journal->data) return start / 8;
    }
    __atomic_store_n(&journal->full, 1, __ATOMIC_RELAXED);
    return UINT64_MAX;
}

static void finish(uint64_t number, int kind, size_t length, uint64_t about) {
    uint64_t head = (uint64_t)kind << 8 | (uint64_t)length << 16 | about << 32;
    __atomic_store_n(&journal->data[number], head, __ATOMIC_RELEASE);
}

/* The path's entry, by its number; the slot that is free for it otherwise, or NULL where the table is full. */
static uint64_t look_up(const char *path, size_t length, uint64_t key, uint64_t **free) {
    for (unsigned i = 0; i < PROBES; i++) {
        uint64_t *slot = &journal->hashes[(key + i) % SLOTS], held = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
        uint64_t number = (uint32_t)held - UINT64_C(1);
        const char *known = (const char *)&journal->data[number + 2];
        if (!held) {
            *free = slot;
            return UINT64_MAX;
        }
        if (held >> 32 == key >> 32 && begins(known, path) && !known[length]) return number;
    }
    *free = NULL;
    return UINT64_MAX;
}

static uint64_t find_entry(const char *path, size_t length) {
    uint64_t *free;
    return look_up(path, length, hash(path, length), &free);
}

/* The path's entry, made where there is none: its number. */
static uint64_t enter(const char *path, size_t length) {
    uint64_t key = hash(path, length), fresh = UINT64_MAX, nothing, *free;
    for (;;) {
        uint64_t number = look_up(path, length, key, &free);
        if (number != UINT64_MAX) return number;
        if (!free) __atomic_store_n(&journal->full, 1, __ATOMIC_RELAXED);
        if (fresh == UINT64_MAX && free) {
            fresh = reserve(16 + ((length + 8) & ~(uint64_t)7));
            if (fresh == UINT64_MAX) return fresh;
            copy(&journal->data[fresh + 2], path, length);
            finish(fresh, PATH, length, (uint32_t)key);
        }
        nothing = 0;
        if (!free || __atomic_compare_exchange_n(free, &nothing, key >> 32 << 32 | (fresh + 1), 0, __ATOMIC_RELEASE,
                                                 __ATOMIC_RELAXED))
            return free ? fresh : UINT64_MAX;
    }
}

/* The touch is written before its bit: a kill in between costs a double, which the reader passes over, not a touch. */
static void append(const char *path, size_t length, int kind, const char *module) {
    uint64_t number = enter(path, length);
    if (number == UINT64_MAX || __atomic_load_n(&journal->data[number + 1], __ATOMIC_RELAXED) & BIT(kind)) return;
    size_t text = module ? length_of(module) : 0;
    uint64_t touch = reserve(8 + (text ? (text + 8) & ~(size_t)7 : 0));
    if (touch == UINT64_MAX) return;
    if (text) copy(&journal->data[touch + 1], module, text);
    finish(touch, kind, text, number);
    __atomic_fetch_or(&journal->data[number + 1], BIT(kind), __ATOMIC_RELAXED);
}

/* The path as it is to be noted, in room or in its second half: NULL where it leads nowhere below a root. */
static char *settle(char *room, int dirfd, const char *path) {
    char *other = room + PATH_ROOM;
    size_t length = whole_path(room, dirfd, path);
    if (!length) return NULL;
    const char *place = room;
    if (contains(room, "/..")) {
        copy(other, room, length + 1);
        fold(other);
        place = other;
    }
    if (wanted(place) || is_root(place)) return room;
    return !below(place, journal->own) && leads(room, other) ? other : NULL;
}

static void note_any(int dirfd, const char *path, int kind, const char *module) {
    if (!path || !*path) return;
    if (*path == '/') { /* the way of most: known to lead nowhere */
        uint64_t mark = mark_of(path);
        if (__atomic_load_n(&foreign[mark >> 8 & 4095], __ATOMIC_RELAXED) == mark) return;
    }
    char *room = borrow();
    if (!room) return;
    char *place = settle(room, dirfd, path);
    if (place) {
        size_t length = length_of(place);
        int lists = kind == BROWSED || kind == PY_BROWSED;
        if (is_root(place) && lists) place[length++] = '/', place[length] = 0; /* with its slash it is below itself */
        if (lists || !is_root(place)) append(place, length, kind, module);
    }
    give_back(room);
}

void note(int dirfd, const char *path, int kind) {
    if (journal && !muted) note_any(dirfd, path, kind, NULL);
}

void note_asked(int dirfd, const char *path, int kind, const char *module) {
    if (journal) note_any(dirfd, path, kind, module);
}

void note_unseen(void) {
    if (journal) __atomic_fetch_add(&journal->unseen, 1, __ATOMIC_RELAXED);
}

void note_link(void) {
    if (journal) __atomic_fetch_add(&journal->links, 1, __ATOMIC_RELAXED);
}

int is_news(int dirfd, const char *path, int kind) {
    char *room = journal && path && *path ? borrow() : NULL;
    if (!room) return 0;
    char *place = settle(room, dirfd, path);
    uint64_t known = place ? find_entry(place, length_of(place)) : UINT64_MAX;
    int news = place && (known == UINT64_MAX || !(journal->data[known + 1] & BIT(kind)));
    give_back(room);
    return news;
}

const char *own_folder(void) { return journal ? journal->own : ""; }

/* -- for the Python side ----------------------------------------------------------------------------------------------- */

/* Whether this process has the journal. */
EXPORT int ldeploy_at_work(void) { return journal != NULL; }

/* Nothing that this thread does is noted while it is muted. */
EXPORT void ldeploy_mute(int on) { muted = on; }

/* Notes a path that another witness saw; the capital letter of a kind says so. */
EXPORT void ldeploy_note(int kind, const char *path) { note_asked(CWD, path, kind, NULL); }

/* A worker of the runtime has ended an invocation. */
EXPORT void ldeploy_answered(void) {
    if (journal) __atomic_fetch_add(&journal->answered, 1, __ATOMIC_RELAXED);
}

/* Another journal in the place of one that was removed. */
EXPORT void ldeploy_keep(void) { keep_journal(); }

/* -- start ------------------------------------------------------------------------------------------------------------- */

/* Cuts the last segment off a path. */
static void parent(char *path) {
    for (size_t i = length_of(path); i-- > 0;) {
        if (path[i] == '/') {
            path[i] = 0;
            return;
        }
    }
}

/* The first process of a sandbox says what the roots are: the package's, and the folder that holds /opt/ldeploy/shim. */
static void describe(struct journal *fresh, char *const *environment) {
    const char *root = value_in(environment, "LAMBDA_TASK_ROOT"), *task = value_in(environment, "LDEPLOY_TASK");
    if (fresh->magic == MAGIC) return;
    add_text(fresh->root, fresh->root + ROOT_SIZE, root ? root : "/var/task");
    add_text(fresh->task, fresh->task + ROOT_SIZE, task ? task : "");
    add_text(fresh->own, fresh->own + ROOT_SIZE, own_file());
    parent(fresh->own);
    parent(fresh->own);
    copy(fresh->layers, fresh->own, ROOT_SIZE);
    parent(fresh->layers);
    __atomic_store_n(&fresh->magic, MAGIC, __ATOMIC_RELEASE);
}

static int status_of(long file, const char *path, struct stat *status) {
    return !FAILED(path ? KERNEL(SYS_newfstatat, CWD, path, status, 0) : KERNEL(SYS_fstat, file, status));
}

/* Maps the file at the place given, or anywhere. Its blocks are taken at once: a full disk then cannot turn a write to
 * the mapping into SIGBUS. */
static struct journal *map(const char *path, long flags, void *place) {
    struct stat status;
    long mapped = -1, file = KERNEL(SYS_openat, CWD, path, flags, 0600);
    if (FAILED(file)) return NULL;
    if (status_of(file, NULL, &status) &&
        (status.st_size == JOURNAL_SIZE ||
         (!KERNEL(SYS_fallocate, file, 0, 0, JOURNAL_SIZE) && !KERNEL(SYS_fchmod, file, 0600))))
        mapped = KERNEL(SYS_mmap, place, JOURNAL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | (place ? MAP_FIXED : 0), file, 0);
    KERNEL(SYS_close, file);
    if (FAILED(mapped)) return NULL;
    file_of_journal.device = status.st_dev;
    file_of_journal.number = status.st_ino;
    return (struct journal *)mapped;
}

/* Nothing makes the file but the wrapper: a child that finds none would write where nobody reads. */
static void map_journal(char *const *environment) {
    const char *path = value_in(environment, "LDEPLOY_JOURNAL");
    if (!path || !*path || length_of(path) >= PATH_ROOM - 32) return;
    struct journal *mapped = map(path, READ_WRITE, NULL);
    if (!mapped) return;
    describe(mapped, environment);
    char *end = add_text(own_entry, own_entry + sizeof own_entry, "LDEPLOY_JOURNAL=");
    add_text(end, own_entry + sizeof own_entry, path);
    end = add_text(preload_entry, preload_entry + sizeof preload_entry, "LD_PRELOAD=");
    add_text(end, preload_entry + sizeof preload_entry, own_file());
    journal = mapped;
}

/* The function may empty /tmp. The new file is mapped over the old one: whoever writes at this moment goes on. */
void keep_journal(void) {
    struct stat status;
    const char *path = own_entry + sizeof "LDEPLOY_JOURNAL=" - 1;
    if (!journal) return;
    if (status_of(0, path, &status) && status.st_dev == file_of_journal.device && status.st_ino == file_of_journal.number)
        return;
    char *fresh = borrow();
    if (!fresh) return;
    digits(add_text(fresh, fresh + PATH_ROOM, path), (unsigned long)KERNEL(SYS_gettid));
    struct journal *made = map(fresh, READ_WRITE | CREATE_NEW, NULL);
    if (made) {
        copy(made, journal, 4096);
        made->tail = made->full = 0;
        *(uint64_t *)((char *)made + LOGGED) = 0;
        KERNEL(SYS_munmap, made, JOURNAL_SIZE);
        KERNEL(SYS_linkat, CWD, fresh, CWD, path, 0); /* where another process was faster, its file is there */
        map(path, READ_WRITE, journal);
    }
    KERNEL(SYS_unlinkat, CWD, fresh, 0);
    give_back(fresh);
}

void start(void) {
    static int done;
    if (done) return;
    done = 1;
    find_nexts();
    map_journal(environ);
    follow_children();
}

/* glibc hands the environment to constructors, and may not have it in `environ` yet. */
__attribute__((constructor)) static void construct(int count, char **arguments, char **environment) {
    (void)count;
    (void)arguments;
    if (!environ && environment) environ = environment;
    start();
}

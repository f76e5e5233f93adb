/* Brings what was asked for to its place: out of the pool by a rename, or by the fetcher, and waits for that. */
#define _GNU_SOURCE
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../programs.h"

/* Tenths of a second without a sign of the fetcher: counted, as a sandbox may be frozen meanwhile. Its interpreter takes
 * longer to start where it has a small share of a processor, or is emulated. */
enum { PATIENCE = 20, PATIENCE_AT_FIRST = 150 };
#define WHILE 30    /* seconds for which a failure that may pass is not tried again */
#define FETCHER "/probe_layer/guard/run.py"
enum { STACK = 1 << 16 };

/* What the fetcher says: any number of signs of life, then one of these, then what is to be said in the log. */
enum word { NOTHING = 0, LIFE = '.', BROUGHT = 'k', NOTED = 'x', FAILED = 'f' };

static long silent_until; /* seconds: where a failure could not be noted in STORE, this process remembers it */
static unsigned char *told; /* a bit for each row: what was not served is said once in a process */

static int is_there(const char *place) {
    struct stat about;
    return !ask_kernel(SYS_newfstatat, CWD, place, &about, 0);
}

static long milliseconds(void) {
    struct timespec now;
    ask_kernel(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* -- failures that are remembered ---------------------------------------------------------------------------------- */

/* Whether a note of this life says that it cannot be had: for good (mode 0400), or for a while. `which` < 0: nothing can. */
static int is_noted(long which) {
    char place[80] = STORE "/no.";
    struct stat about;
    struct timespec now;
    strcat(strcat(place, life), ".");
    if (which < 0) strcat(place, "all");
    else digits(place + strlen(place), (unsigned long)which);
    if (ask_kernel(SYS_newfstatat, CWD, place, &about, 0)) return 0;
    if (!(about.st_mode & 0200)) return 1;
    ask_kernel(SYS_clock_gettime, CLOCK_REALTIME, &now);
    return now.tv_sec - about.st_mtime < WHILE;
}

static int is_hopeless(uint32_t which) {
    return milliseconds() / 1000 < __atomic_load_n(&silent_until, __ATOMIC_RELAXED) || is_noted(-1) || is_noted(which);
}

/* Whether it was not told of this row before. */
static int tell_once(uint32_t which) {
    unsigned char *bits = __atomic_load_n(&told, __ATOMIC_ACQUIRE), bit = (unsigned char)(1 << which % 8);
    if (!bits) {
        bits = mmap(NULL, guard_index->count / 8 + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (bits == MAP_FAILED) return 1;
        __atomic_store_n(&told, bits, __ATOMIC_RELEASE);
    }
    return !(__atomic_fetch_or(bits + which / 8, bit, __ATOMIC_RELAXED) & bit);
}

/* -- the fetcher --------------------------------------------------------------------------------------------------- */

struct job {
    char *const *arguments, *const *environment;
    int out;
    char *stack;
};

static int become_fetcher(void *given) {
    struct job *job = given;
    sigset_t none;
    sigemptyset(&none);
    ask_kernel(SYS_setsid);
    ask_kernel(SYS_dup3, job->out, 1, 0);
    ask_kernel(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
    ask_kernel(SYS_execve, job->arguments[0], job->arguments, job->environment);
    ask_kernel(SYS_exit, 127);
    return 127;
}

static int be_between(void *given) {
    struct job *job = given;
    clone(become_fetcher, job->stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, job);
    ask_kernel(SYS_exit, 0);
    return 0;
}

/* qemu-user, by which arm64 functions run on other machines, knows no child without a signal. There the function may hear
 * of a child that it does not have. */
static int start_between(struct job *job, char *stack) {
    int pid = clone(be_between, stack, CLONE_VM | CLONE_VFORK, job);
    return pid < 0 && errno == EINVAL ? clone(be_between, stack, CLONE_VM | CLONE_VFORK | SIGCHLD, job) : pid;
}

/* It is nobody's child: no SIGCHLD, and nothing for the function's wait(). Both run on stacks of their own, in our
 * memory, while we wait; the one between gives no signal and is buried by __WALL. Whether it was started. */
static int start_fetcher(struct job *job) {
    sigset_t all, before;
    char *stacks = mmap(NULL, 2 * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stacks == MAP_FAILED) return 0;
    job->stack = stacks;
    sigfillset(&all);
    ask_kernel(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, 8);
    int pid = start_between(job, stacks + 2 * STACK);
    if (pid > 0)
        while (ask_kernel(SYS_wait4, pid, NULL, __WALL, NULL) < 0 && errno == EINTR) {}
    ask_kernel(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, 8);
    munmap(stacks, 2 * STACK);
    return pid > 0;
}

/* Waits as long as there are signs of life. Says what the fetcher gives to be said. NOTHING: it came to an end. */
static enum word hear(int from, int *quiet) {
    char heard[3000];
    int patience = PATIENCE_AT_FIRST;
    while (*quiet < patience) {
        struct pollfd one = {from, POLLIN, 0};
        struct timespec step = {0, 100000000};
        long ready = ask_kernel(SYS_ppoll, &one, 1, &step, NULL, 8);
        if (ready <= 0) {
            ++*quiet;
            continue;
        }
        long got = ask_kernel(SYS_read, from, heard, sizeof heard);
        if (got <= 0) return NOTHING;
        long at = 0;
        while (at < got && heard[at] == LIFE) at++;
        if (at) *quiet = 0, patience = PATIENCE;
        if (at == got) continue;
        if (got > at + 1) say_line(heard + at + 1, (size_t)(got - at - 1));
        return (enum word)heard[at];
    }
    return FAILED;
}

static enum word fetch(uint32_t which, int *quiet) {
    char number[16], script[1100], libraries[PATH_ROOM + 20];
    char *arguments[] = {python_path, "-I", "-S", "-B", script, guard_folder, runtime_pid, life, number, NULL};
    char *environment[] = {libraries, NULL};
    const char *path = getenv("LD_LIBRARY_PATH");
    int ends[2];
    digits(number, which);
    strcat(strcpy(script, guard_folder), FETCHER);
    strcpy(libraries, "LD_LIBRARY_PATH=");
    if (path && strlen(path) < PATH_ROOM) strcat(libraries, path);
    if (ask_kernel(SYS_pipe2, ends, O_CLOEXEC)) return FAILED;
    struct job job = {arguments, environment, ends[1], NULL};
    int started = start_fetcher(&job);
    ask_kernel(SYS_close, ends[1]);
    enum word word = started ? hear(ends[0], quiet) : FAILED;
    ask_kernel(SYS_close, ends[0]);
    return word;
}

/* Once more where it came to an end without a word: it was killed. */
static __attribute__((noinline)) void fetch_or_remember(uint32_t which) {
    int quiet = 0;
    enum word word = fetch(which, &quiet);
    if (word == NOTHING && !is_hopeless(which)) word = fetch(which, &quiet);
    if (word == NOTHING || word == FAILED)
        __atomic_store_n(&silent_until, milliseconds() / 1000 + WHILE, __ATOMIC_RELAXED);
}

/* -- bringing ------------------------------------------------------------------------------------------------------ */

/* From the pool to its place, so that each first touch is a miss that is said. It is there whole or not at all. */
static int take_from_pool(const struct row *row, const char *place) {
    char pool[64] = STORE "/pool/";
    digits(pool + sizeof STORE "/pool/" - 1, number_of(row));
    return !ask_kernel(SYS_renameat2, CWD, pool, CWD, place, 0);
}

/* `whole`: what this one is needed for, so that one run of the fetcher brings all of it. */
static __attribute__((noinline)) int bring_one(const struct row *row, const struct row *whole, const char *ask) {
    char place[PATH_ROOM];
    if (sizeof TREE + row->length + 1 > sizeof place) return 0;
    memcpy(place, TREE "/", sizeof TREE);
    memcpy(place + sizeof TREE, name_of(row), row->length);
    place[sizeof TREE + row->length] = 0;
    if (is_there(place)) return 1;
    if (row->kind == FILE_ROW && take_from_pool(row, place)) {
        say_miss(row, ask, "pool", 0);
        return 1;
    }
    long begun = milliseconds();
    if (!is_there(place) && !is_hopeless(number_of(row))) {
        fetch_or_remember(number_of(whole));
        int made = row->kind == FOLDER_ROW ? is_there(place) : take_from_pool(row, place);
        if (made) say_miss(row, ask, "fetched", milliseconds() - begun);
    }
    if (is_there(place)) return 1;
    if (tell_once(number_of(row))) say_miss(row, ask, "not-served", milliseconds() - begun);
    return 0;
}

int bring(const struct row *row, const char *ask) {
    int is_own = row->kind == FILE_ROW || row->kind == FOLDER_ROW;
    int there = is_own ? bring_one(row, row, ask) : 1;
    for (unsigned i = 0; there && i < row->needs_count; i++) {
        const struct row *other = needed(row, i);
        if (other->kind == FILE_ROW) bring_one(other, row, is_own ? "needed" : ask);
    }
    return there;
}

enum outcome serve(int dirfd, const char *path, const char *ask, struct asked *asked) {
    int before = errno;
    enum outcome outcome = ABANDON;
    if (before != ENOENT || !look_up(dirfd, path, asked)) return ABANDON;
    const struct row *row = asked->row;
    int is_ours = row && (row->kind == FILE_ROW || row->kind == FOLDER_ROW);
    if (!is_ours || bring(row, ask)) outcome = asked->moved ? INSTEAD : is_ours ? REPEAT : ABANDON;
    errno = before;
    return outcome;
}

/* Of a script, whose first line names a program: the kernel looks for that by itself. */
static __attribute__((noinline)) void bring_interpreter(int dirfd, const char *path) {
    char head[256];
    struct asked asked;
    int file = (int)ask_kernel(SYS_openat, dirfd, path, O_RDONLY | O_CLOEXEC, 0);
    long got = file < 0 ? -1 : ask_kernel(SYS_read, file, head, sizeof head - 1);
    if (file >= 0) ask_kernel(SYS_close, file);
    if (got < 3 || memcmp(head, "#!", 2)) return;
    head[got] = 0;
    char *name = head + 2 + strspn(head + 2, " \t");
    name[strcspn(name, " \t\n")] = 0;
    if (look_up(CWD, name, &asked) && asked.row && asked.row->kind != FOLDER_ROW) bring(asked.row, "exec");
}

/* Of a program: what it needs may be dropped even where it is there itself. Whether it is there. */
int starting(int dirfd, const char *path, char *const *arguments) {
    (void)arguments;
    struct asked asked;
    int before = errno;
    if (look_up(dirfd, path, &asked) && asked.row && asked.row->kind != FOLDER_ROW) bring(asked.row, "exec");
    if (path && guard_index) bring_interpreter(dirfd, path);
    int there = path && !ask_kernel(SYS_faccessat, dirfd, path, 1);
    errno = before;
    return there;
}

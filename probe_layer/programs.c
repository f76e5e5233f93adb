/* Notes each program that is started. One that makes its own system calls no shim hears: what it may have asked for is
 * noted in its place. */
#define _GNU_SOURCE
#include "programs.h"

#include "journal.h"

#include <elf.h>

typedef char *const *strings;

#ifdef __x86_64__
#define MACHINE EM_X86_64
#else
#define MACHINE EM_AARCH64
#endif

/* Go's compiler writes system calls into the program, and marks it. */
static int is_go(long file, const Elf64_Phdr *part) {
    char note[16];
    return part->p_type == PT_NOTE && KERNEL(SYS_pread64, file, note, sizeof note, part->p_offset) == sizeof note &&
           equal(note + 12, "Go");
}

/* Whether no shim hears of what the program asks: it is static, made by Go, or for another machine. `head` is its
 * beginning. */
static int is_deaf(long file, const char *head, long size) {
    const Elf64_Ehdr *header = (const void *)head;
    int loaded = 0;
    if (size < 64 || !begins(head, ELFMAG)) return 0;
    if (head[EI_CLASS] != ELFCLASS64 || header->e_machine != MACHINE) return 1;
    for (unsigned i = 0; i < header->e_phnum; i++) {
        uint64_t at = header->e_phoff + (uint64_t)i * header->e_phentsize;
        if (at + sizeof(Elf64_Phdr) > (uint64_t)size) break;
        const Elf64_Phdr *part = (const void *)(head + at);
        if (part->p_type == PT_INTERP) loaded = 1;
        if (is_go(file, part)) return 1;
    }
    return !loaded;
}

/* The interpreter that a script names in its first line; NULL where it is no script. */
static char *interpreter(char *head, long size) {
    if (size < 4 || !begins(head, "#!")) return NULL;
    char *from = head + 2, *end;
    while (*from == ' ') from++;
    for (end = from; *end && *end != ' ' && *end != '\n'; end++) {}
    *end = 0;
    return from;
}

static int runs_deaf(int dirfd, const char *path) {
    char *head = borrow();
    int deaf = 0;
    for (int depth = 0; head && path && depth < 2; depth++) {
        long file = KERNEL(SYS_openat, dirfd, path, READ_ONLY, 0), size;
        if (FAILED(file)) break;
        size = KERNEL(SYS_read, file, head, PATH_ROOM - 1);
        head[size > 0 ? size : 0] = 0;
        deaf = is_deaf(file, head, size);
        KERNEL(SYS_close, file);
        path = interpreter(head, size);
        dirfd = CWD;
    }
    if (head) give_back(head);
    return deaf;
}

/* Notes the folder that a path lies in as browsed, or the path itself where it is a folder. */
static int note_around(int dirfd, const char *path) {
    char *room = borrow();
    if (!room) return 0;
    char *end = add_text(room, room + PATH_ROOM - 4, path);
    while (end > room && end[-1] == '/') *--end = 0;
    int ours = is_news(dirfd, room, PATH);
    if (ours) {
        note(dirfd, room, LOOKED);
        add_text(end, room + PATH_ROOM, "/.");
        if (FAILED(KERNEL(SYS_faccessat, dirfd, room, 0))) {
            while (end > room && end[-1] != '/') end--;
            add_text(end, room + PATH_ROOM, ".");
        }
        note(dirfd, room, BROWSED);
    }
    give_back(room);
    return ours;
}

/* What such a program may ask for: what lies beside it, in its working directory, and around what it is called with. */
static void note_deaf(int dirfd, const char *path, strings arguments) {
    int ours = note_around(dirfd, path);
    if (ours) note(CWD, ".", BROWSED);
    for (int i = 1; arguments && arguments[0] && arguments[i]; i++) {
        const char *value = letter_in(arguments[i], '=');
        if (!KERNEL(SYS_faccessat, CWD, arguments[i], 0)) ours |= note_around(CWD, arguments[i]);
        else if (value && !KERNEL(SYS_faccessat, CWD, value + 1, 0)) ours |= note_around(CWD, value + 1);
    }
    if (ours) note_unseen();
}

int starting(int dirfd, const char *path, strings arguments) {
    keep_journal();
    if (!path || KERNEL(SYS_faccessat, dirfd, path, EXECUTABLE)) return 0;
    note(dirfd, path, EXECUTED);
    if (runs_deaf(dirfd, path)) note_deaf(dirfd, path, arguments);
    return 1;
}

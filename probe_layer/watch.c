/* Watches every directory below a root with inotify: watch.py calls this in a thread, while the runtime starts. */
#include "paths.h"

#ifdef __x86_64__
#define ONLY_FOLDERS 02200000 /* O_CLOEXEC | O_DIRECTORY */
#define NO_LINK 0400000       /* O_NOFOLLOW */
#else
#define ONLY_FOLDERS 02040000
#define NO_LINK 0100000
#endif
#define WATCHED 0x03000020    /* IN_OPEN | IN_ONLYDIR | IN_DONT_FOLLOW */
#define FOLDER 4              /* DT_DIR */
#define UNKNOWN 0             /* DT_UNKNOWN */
#define ABSENT (-1)

/* linux_dirent64 */
struct entry {
    uint64_t inode, offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

/* What is told: the number of the watch, ABSENT where there is none, and the path; one behind the other. */
struct told {
    char *at, *end;
};

static void number(char *place, int watch) { copy(place, &watch, sizeof watch); }

static int add(struct told *told, const char *folder, const char *name) {
    size_t length = length_of(folder), more = length_of(name);
    char *to = told->at;
    if (told->end - to < (long)(sizeof(int) + length + more + 2)) return 0;
    number(to, 0);
    to += sizeof(int);
    copy(to, folder, length);
    if (more) to[length++] = '/';
    copy(to + length, name, more + 1);
    told->at = to + length + more + 1;
    return 1;
}

static int is_folder(int file, const struct entry *entry) {
    if (entry->type != UNKNOWN) return entry->type == FOLDER;
    long inner = KERNEL(SYS_openat, file, entry->name, ONLY_FOLDERS | ONLY_NAME | NO_LINK, 0);
    if (!FAILED(inner)) KERNEL(SYS_close, inner);
    return !FAILED(inner);
}

/* Adds the folders in one. Whether it could be read, and there was room for all. */
static int list(struct told *told, const char *folder, const char *own, char *buffer) {
    long file = KERNEL(SYS_openat, CWD, folder, ONLY_FOLDERS, 0), size = 0;
    int good = !FAILED(file);
    while (good && (size = KERNEL(SYS_getdents64, file, buffer, 2 * PATH_ROOM)) > 0) {
        for (long at = 0; good && at < size;) {
            const struct entry *entry = (const void *)(buffer + at);
            char *fresh = told->at + sizeof(int);
            at += entry->length;
            if (equal(entry->name, ".") || equal(entry->name, "..") || !is_folder((int)file, entry)) continue;
            good = add(told, folder, entry->name);
            if (good && equal(fresh, own)) told->at = fresh - sizeof(int);
        }
    }
    if (!FAILED(file)) KERNEL(SYS_close, file);
    return good && !FAILED(size);
}

/* All are listed first and watched then, so that the listing raises no events. The bytes that are told. */
EXPORT long ldeploy_watch(int file, const char *root, const char *own, char *room, long size) {
    struct told told = {room, room + size};
    char *buffer = borrow();
    if (!buffer || !add(&told, root, "")) return ABSENT;
    for (char *at = room; at < told.at; at += sizeof(int) + length_of(at + sizeof(int)) + 1)
        if (!list(&told, at + sizeof(int), own, buffer)) number(at, ABSENT);
    give_back(buffer);
    for (char *at = room; at < told.at; at += sizeof(int) + length_of(at + sizeof(int)) + 1) {
        long watch = KERNEL(SYS_inotify_add_watch, file, at + sizeof(int), WATCHED);
        int listed;
        copy(&listed, at, sizeof listed);
        number(at, FAILED(watch) || listed == ABSENT ? ABSENT : (int)watch);
    }
    return told.at - room;
}

/* Asks for dropped files by the C library's own calls; prints what came of each. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

static char place[PATH_MAX], *root;
static int seen;

static char *at(const char *name) {
    snprintf(place, sizeof place, "%s/%s", root, name);
    return place;
}

/* Which of the two errors a read-only package gives depends on how it is mounted. */
static void tell(const char *call, long value) {
    int refused = errno == EROFS || errno == EACCES;
    printf("%s %ld %s\n", call, value, value >= 0 ? "" : refused ? "refused" : strerror(errno));
}

static int count(const char *path, const struct stat *about, int form) {
    (void)path, (void)about, (void)form;
    seen++;
    return 0;
}

static void *symbol(const char *name) { return dlsym(RTLD_DEFAULT, name); }

static void ask_stat(void) {
    struct stat about;
    struct stat64 wide;
    struct statx more;
    struct statvfs disk;
    int (*old)(int, const char *, struct stat *) = symbol("__xstat"), (*old_link)(int, const char *, struct stat *) = symbol("__lxstat");
    int (*old_at)(int, int, const char *, struct stat *, int) = symbol("__fxstatat");
    tell("stat", stat(at("part/scan/f1.dat"), &about)), tell("size", about.st_size);
    tell("stat64", stat64(at("part/scan/f2.dat"), &wide)), tell("size", wide.st_size);
    tell("lstat", lstat(at("part/scan/f3.dat"), &about)), tell("regular", S_ISREG(about.st_mode));
    tell("lstat folder", lstat(at("part/plugins"), &about)), tell("folder", S_ISDIR(about.st_mode));
    tell("statx", statx(AT_FDCWD, at("part/scan/f4.dat"), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &more));
    tell("regular", S_ISREG(more.stx_mode));
    tell("__xstat", old(1, at("part/scan/f5.dat"), &about)), tell("size", about.st_size);
    tell("__lxstat", old_link(1, at("part/scan/f6.dat"), &about)), tell("regular", S_ISREG(about.st_mode));
    tell("__fxstatat", old_at(1, AT_FDCWD, at("part/scan/f7.dat"), &about, 0)), tell("size", about.st_size);
    tell("emptied", stat(at("part/empty/s1/model.json"), &about)), tell("size", about.st_size);
    tell("emptied lstat", lstat(at("part/empty/s1/model.json"), &about)), tell("regular", S_ISREG(about.st_mode));
    tell("absent", stat(at("part/absent"), &about));
    tell("access", access(at("part/scan/f8.dat"), R_OK)), tell("access to write", access(at("part/scan/f8.dat"), W_OK));
    tell("eaccess", eaccess(at("part/scan/f9.dat"), R_OK)), tell("to execute", access(at("part/scan/f9.dat"), X_OK));
    tell("faccessat", faccessat(AT_FDCWD, at("part/scan/f10.dat"), R_OK, AT_EACCESS));
    tell("statvfs", statvfs(at("part/scan/f11.dat"), &disk));
    tell("getxattr", getxattr(at("part/scan/f12.dat"), "user.none", NULL, 0) < 0 && errno != ENOENT);
}

static void ask_open(void) {
    int folder = open(at("part"), O_RDONLY | O_DIRECTORY), (*strict)(const char *, int) = symbol("__open_2");
    tell("open", open(at("part/scan/f13.dat"), O_RDONLY) >= 0), tell("open64", open64(at("part/scan/f14.dat"), O_RDONLY) >= 0);
    tell("openat", openat(folder, "scan/f15.dat", O_RDONLY) >= 0), tell("__open_2", strict(at("part/scan/f16.dat"), 0) >= 0);
    tell("no follow", open(at("part/scan/f17.dat"), O_RDONLY | O_NOFOLLOW) >= 0);
    tell("fopen", !!fopen(at("part/scan/f18.dat"), "r")), tell("fopen64", !!fopen64(at("part/scan/f19.dat"), "r"));
    tell("freopen", !!freopen(at("part/scan/f20.dat"), "r", stdin));
    tell("create", open(at("part/scan/f21.dat"), O_WRONLY | O_CREAT, 0644)), tell("both", open(at("part/scan/f22.dat"), O_RDWR));
    tell("exclusive", open(at("part/scan/f23.dat"), O_WRONLY | O_CREAT | O_EXCL, 0644));
    tell("creat", creat(at("part/scan/f24.dat"), 0644)), tell("creat new", creat(at("gone/new"), 0644));
    tell("fopen w", fopen(at("part/scan/f25.dat"), "w") ? 1 : -1);
}

static void ask_list(void) {
    struct dirent *entry, **names;
    int folders = 0, files = 0, links = 0;
    glob_t found = {0};
    DIR *listing = opendir(at("part/data"));
    while (listing && (entry = readdir(listing))) files += entry->d_type == DT_REG;
    tell("opendir", files), files = 0;
    for (listing = opendir(at("part")); listing && (entry = readdir64(listing) ? (struct dirent *)1 : NULL);) files++;
    tell("readdir64", files), files = 0;
    for (listing = opendir(at("part")); listing && (entry = readdir(listing));)
        folders += entry->d_type == DT_DIR, files += entry->d_type == DT_REG, links += entry->d_type == DT_LNK;
    tell("folders", folders), tell("files", files), tell("links", links);
    tell("scandir", scandir(at("part/plugins"), &names, NULL, alphasort));
    tell("glob", glob(at("gone/*.py"), 0, NULL, &found)), tell("found", (long)found.gl_pathc);
    tell("ftw", ftw(at("gone/data"), count, 8)), tell("seen", seen);
}

static void ask_place(void) {
    char buffer[PATH_MAX], *text;
    tell("realpath", !!realpath(at("gone/sub/../data/table.txt"), buffer)), puts(buffer);
    text = realpath(at("part/scan/f26.dat"), NULL), puts(text ? text : "none");
    text = canonicalize_file_name(at("part/lazy.py")), puts(text ? text : "none");
    tell("readlink", readlink(at("part/lazy.py"), buffer, sizeof buffer));
    int file = open(at("part/scan/f27.dat"), O_RDONLY);
    snprintf(buffer, sizeof buffer, "/proc/self/fd/%d", file);
    long length = readlink(buffer, place, sizeof place - 1);
    printf("%.*s\n", (int)(length < 0 ? 0 : length), place);
    tell("chdir", chdir(at("part/data/deep"))), puts(getcwd(buffer, sizeof buffer));
    text = getcwd(NULL, 0), puts(text ? text : "none");
    tell("relative", open("note.txt", O_RDONLY) >= 0), tell("up", open("../../kept.txt", O_RDONLY) >= 0);
}

int main(int argc, char **argv) {
    root = argv[argc - 1];
    ask_stat();
    ask_open();
    ask_list();
    ask_place();
    return 0;
}

/* The shim's third part: notes each library that is loaded, by the name by which the loader found it, at the moment
 * when it is initialised: whatever happens to the process afterwards.
 *
 * The start of nearly every library (_init, of glibc's crti.o) calls __gmon_start__ where something has defined it:
 * gcc's profiler, or we. A library without that start is seen by inotify and in /proc/self/maps.
 */
#define _GNU_SOURCE
#include "journal.h"
#include "programs.h"

#include <link.h>

static int note_holder(struct dl_phdr_info *object, size_t size, void *address) {
    (void)size;
    if (!object->dlpi_name || !*object->dlpi_name) return 0; /* the program itself */
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (ElfW(Addr))address - object->dlpi_addr - part->p_vaddr < part->p_memsz) {
            note(CWD, object->dlpi_name, LOADED);
            return 1;
        }
    }
    return 0;
}

EXPORT void __gmon_start__(void) {
    start();
    dl_iterate_phdr(note_holder, __builtin_return_address(0));
}

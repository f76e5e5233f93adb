#define _GNU_SOURCE
#include "find.h"

#include <elf.h>
#include <link.h>

#define HIDDEN_VERSION 0x8000
#define TYPE(info) ((info) & 15)

extern const struct next __start_nexts[] HIDDEN, __stop_nexts[] HIDDEN;

/* A loaded object's symbols. */
struct object {
    ElfW(Addr) base;
    const ElfW(Sym) *symbols;
    const char *names;
    const uint16_t *versions;
    const uint32_t *gnu;  /* DT_GNU_HASH */
    const uint32_t *old;  /* DT_HASH */
};

/* glibc writes addresses into the dynamic section, other loaders leave offsets there. */
static const void *at(ElfW(Addr) base, ElfW(Addr) value) {
    return (const void *)(value < base ? base + value : value);
}

static int read_object(struct dl_phdr_info *info, struct object *object) {
    const ElfW(Dyn) *entry = NULL;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
            entry = (const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    *object = (struct object){.base = info->dlpi_addr};
    for (; entry && entry->d_tag != DT_NULL; entry++) {
        const void *place = at(object->base, entry->d_un.d_ptr);
        if (entry->d_tag == DT_SYMTAB) object->symbols = place;
        if (entry->d_tag == DT_STRTAB) object->names = place;
        if (entry->d_tag == DT_VERSYM) object->versions = place;
        if (entry->d_tag == DT_GNU_HASH) object->gnu = place;
        if (entry->d_tag == DT_HASH) object->old = place;
    }
    return object->symbols && object->names && (object->gnu || object->old);
}

/* The symbol's address where it is defined here by that name; one of a hidden version is the second choice. */
static void *defined(const struct object *object, uint32_t number, const char *name, void **second) {
    const ElfW(Sym) *symbol = &object->symbols[number];
    unsigned type = TYPE(symbol->st_info);
    if (!symbol->st_shndx || (type != STT_FUNC && type != STT_OBJECT) || !equal(object->names + symbol->st_name, name))
        return NULL;
    void *found = (void *)(object->base + symbol->st_value);
    if (!object->versions || !(object->versions[number] & HIDDEN_VERSION)) return found;
    if (!*second) *second = found;
    return NULL;
}

static void *find_gnu(const struct object *object, const char *name, void **second) {
    uint32_t hash = 5381, buckets = object->gnu[0], first = object->gnu[1], words = object->gnu[2];
    for (const char *letter = name; *letter; letter++) hash = hash * 33 + (unsigned char)*letter;
    const uint64_t *filter = (const uint64_t *)(object->gnu + 4);
    uint64_t word = filter[hash / 64 % words];
    if (!(word >> hash % 64 & word >> (hash >> object->gnu[3]) % 64 & 1)) return NULL;
    const uint32_t *bucket = (const uint32_t *)(filter + words), *chain = bucket + buckets;
    uint32_t number = bucket[hash % buckets];
    if (number < first) return NULL;
    for (;; number++) {
        uint32_t held = chain[number - first];
        void *found = (held ^ hash) >> 1 ? NULL : defined(object, number, name, second);
        if (found) return found;
        if (held & 1) return NULL;
    }
}

static void *find_old(const struct object *object, const char *name, void **second) {
    uint32_t hash = 0, buckets = object->old[0];
    for (const char *letter = name; *letter; letter++) {
        hash = (hash << 4) + (unsigned char)*letter;
        hash = (hash ^ (hash >> 24 & 0xf0)) & 0x0fffffff;
    }
    const uint32_t *bucket = object->old + 2, *chain = bucket + buckets;
    for (uint32_t number = bucket[hash % buckets]; number; number = chain[number]) {
        void *found = defined(object, number, name, second);
        if (found) return found;
    }
    return NULL;
}

static void *find_in(const struct object *object, const char *name) {
    void *second = NULL, *first = object->gnu ? find_gnu(object, name, &second) : find_old(object, name, &second);
    return first ? first : second;
}

/* -- the objects of the process, in the loader's order --------------------------------------------------------------- */

static int is_ours(struct dl_phdr_info *info) {
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (ElfW(Addr))find_nexts - info->dlpi_addr - part->p_vaddr < part->p_memsz) return 1;
    }
    return 0;
}

struct search {
    int behind;        /* whether only what comes behind ours counts, and 2 once it does */
    const char *name;  /* of one symbol, or NULL: of all that are registered */
    void *found;
};

static int search_object(struct dl_phdr_info *info, size_t size, void *given) {
    struct search *search = given;
    struct object object;
    (void)size;
    if (is_ours(info)) {
        if (search->behind) search->behind = 2;
        return 0;
    }
    if (search->behind == 1 || !read_object(info, &object)) return 0;
    if (search->name) return (search->found = find_in(&object, search->name)) != NULL;
    for (const struct next *each = __start_nexts; each < __stop_nexts; each++)
        if (!*each->place) *each->place = find_in(&object, each->name);
    return 0;
}

void find_nexts(void) {
    dl_iterate_phdr(search_object, &(struct search){.behind = 1});
    dl_iterate_phdr(search_object, &(struct search){.behind = 0}); /* where the shim was loaded last */
}

void *find(const char *name) {
    struct search search = {.behind = 1, .name = name};
    dl_iterate_phdr(search_object, &search);
    return search.found ? search.found : find_first(name);
}

void *find_first(const char *name) {
    struct search search = {.name = name};
    dl_iterate_phdr(search_object, &search);
    return search.found;
}

static int name_ours(struct dl_phdr_info *info, size_t size, void *given) {
    (void)size;
    if (!is_ours(info)) return 0;
    *(const char **)given = info->dlpi_name ? info->dlpi_name : "";
    return 1;
}

const char *own_file(void) {
    const char *name = "";
    dl_iterate_phdr(name_ours, &name);
    return name;
}

/* What the start of a library does that gcc has linked (_init, of glibc's crti.o), and zig's linker leaves out. */
extern void __gmon_start__(void) __attribute__((weak));
static void __attribute__((constructor)) crti(void) {
    if (__gmon_start__) __gmon_start__();
    __asm__ volatile(""); /* no tail call: who called tells which library it was */
}

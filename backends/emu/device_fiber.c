/* Emulated devices: fibers.  A switch saves what the C calling convention says a call preserves. */
#include "backends/emu/device_priv.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifdef HAVE_ASAN
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

/* ---- the switch ------------------------------------------------------------------------------ */

#if defined(__x86_64__)

/* rbx, rbp and r12 to r15; the control words of the floating-point units are the same in all fibers
 * of a core.  A new stack holds the fiber as rbx, what it calls as r12, and weft_fiber_begin to
 * return to. */
void weft_fiber_swap(void **save, void *to);
void weft_fiber_begin(void);
__asm__(".text\n"
        ".hidden weft_fiber_swap\n"
        ".globl weft_fiber_swap\n"
        ".type weft_fiber_swap, @function\n"
        "weft_fiber_swap:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size weft_fiber_swap, . - weft_fiber_swap\n"
        ".hidden weft_fiber_begin\n"
        ".globl weft_fiber_begin\n"
        ".type weft_fiber_begin, @function\n"
        "weft_fiber_begin:\n"
        "    movq %rbx, %rdi\n"
        "    xorl %ebp, %ebp\n"
        "    call *%r12\n"
        "    ud2\n"
        ".size weft_fiber_begin, . - weft_fiber_begin\n");

enum { SAVED = 6, RBX = 4, R12 = 3 };

static void *
lay_out(weft_fiber *f, char *top)
{
    void (*const begin)(void) = weft_fiber_begin;
    void (*const entry)(weft_fiber *) = weft_emu_fiber_main;
    void *frame[SAVED + 1] = { 0 };
    frame[RBX] = f;
    memcpy(&frame[R12], &entry, sizeof entry);
    memcpy(&frame[SAVED], &begin, sizeof begin);
    return memcpy(top - sizeof frame, frame, sizeof frame);
}

#elif defined(__aarch64__)

/* x19 to x30 and d8 to d15. */
void weft_fiber_swap(void **save, void *to);
void weft_fiber_begin(void);
__asm__(".text\n"
        ".hidden weft_fiber_swap\n"
        ".globl weft_fiber_swap\n"
        "weft_fiber_swap:\n"
        "    sub sp, sp, #160\n"
        "    stp x19, x20, [sp]\n"
        "    stp x21, x22, [sp, #16]\n"
        "    stp x23, x24, [sp, #32]\n"
        "    stp x25, x26, [sp, #48]\n"
        "    stp x27, x28, [sp, #64]\n"
        "    stp x29, x30, [sp, #80]\n"
        "    stp d8, d9, [sp, #96]\n"
        "    stp d10, d11, [sp, #112]\n"
        "    stp d12, d13, [sp, #128]\n"
        "    stp d14, d15, [sp, #144]\n"
        "    mov x2, sp\n"
        "    str x2, [x0]\n"
        "    mov sp, x1\n"
        "    ldp x19, x20, [sp]\n"
        "    ldp x21, x22, [sp, #16]\n"
        "    ldp x23, x24, [sp, #32]\n"
        "    ldp x25, x26, [sp, #48]\n"
        "    ldp x27, x28, [sp, #64]\n"
        "    ldp x29, x30, [sp, #80]\n"
        "    ldp d8, d9, [sp, #96]\n"
        "    ldp d10, d11, [sp, #112]\n"
        "    ldp d12, d13, [sp, #128]\n"
        "    ldp d14, d15, [sp, #144]\n"
        "    add sp, sp, #160\n"
        "    ret\n"
        ".hidden weft_fiber_begin\n"
        ".globl weft_fiber_begin\n"
        "weft_fiber_begin:\n"
        "    mov x0, x19\n"
        "    blr x20\n"
        "    brk #1\n");

enum { SAVED = 20, X19 = 0, X20 = 1, X30 = 11 };

static void *
lay_out(weft_fiber *f, char *top)
{
    void (*const begin)(void) = weft_fiber_begin;
    void (*const entry)(weft_fiber *) = weft_emu_fiber_main;
    void *frame[SAVED] = { 0 };
    frame[X19] = f;
    memcpy(&frame[X20], &entry, sizeof entry);
    memcpy(&frame[X30], &begin, sizeof begin);
    return memcpy(top - sizeof frame, frame, sizeof frame);
}

#else
#error "a switch of fibers for this processor is wanted: some twenty lines as above"
#endif

/* ---- stacks ---------------------------------------------------------------------------------- */

/* A page that nobody may touch lies below each stack. */
static size_t
guard_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

bool
weft_fiber_create(weft_fiber *f)
{
    size_t guard = guard_bytes();
    char *map = mmap(NULL, WEFT_EMU_STACK + guard, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED)
        return false;
    if (mprotect(map, guard, PROT_NONE)) {
        munmap(map, WEFT_EMU_STACK + guard);
        return false;
    }
    f->stack = map + guard;
    f->top = f->stack + WEFT_EMU_STACK;
    return true;
}

void
weft_fiber_destroy(weft_fiber *f)
{
    size_t guard = guard_bytes();
    if (f->stack)
        munmap(f->stack - guard, WEFT_EMU_STACK + guard);
    f->stack = NULL;
}

void
weft_fiber_adopt(weft_fiber *f)
{
    *f = (weft_fiber){ .begun = true };
#ifdef HAVE_ASAN
    pthread_attr_t attr;
    void *stack;
    size_t size;
    if (!pthread_getattr_np(pthread_self(), &attr)) {
        pthread_attr_getstack(&attr, &stack, &size);
        f->stack = stack;
        f->top = f->stack + size;
        pthread_attr_destroy(&attr);
    }
#endif
}

void
weft_fiber_entered(void)
{
#ifdef HAVE_ASAN
    __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
#endif
}

void
weft_fiber_switch(weft_fiber *from, weft_fiber *to, bool leave)
{
    if (!to->begun) {
        /* Tops of stacks fall on different lines of a cache's sets. */
        uintptr_t skew = (uintptr_t)to->stack / WEFT_EMU_STACK % 32 * 192;
        to->begun = true;
#ifdef HAVE_ASAN
        __asan_unpoison_memory_region(to->stack, WEFT_EMU_STACK);
        to->fake = NULL;
#endif
        to->sp = lay_out(to, to->top - skew);
    }
#ifdef HAVE_ASAN
    __sanitizer_start_switch_fiber(leave ? NULL : &from->fake, to->stack,
                                   (size_t)(to->top - to->stack));
#else
    (void)leave;
#endif
    weft_fiber_swap(&from->sp, to->sp);
#ifdef HAVE_ASAN
    __sanitizer_finish_switch_fiber(from->fake, NULL, NULL);
#endif
}

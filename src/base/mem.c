#include "base/mem.h"

#include "base/err.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__ /* defined by any header of it */
#include <malloc.h>
#endif

static void *checked(void *p)
{
    if (!p) {
        fputs("iwanto: cannot go on: out of memory\n", stderr);
        exit(ERR_IO);
    }
    return p;
}

void *mem_alloc(size_t size)
{
    return checked(malloc(size ? size : 1));
}

void *mem_zero(size_t count, size_t size)
{
    return checked(calloc(count ? count : 1, size ? size : 1));
}

void *mem_resize(void *p, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        checked(NULL);
    return checked(realloc(p, bytes ? bytes : 1));
}

void *mem_copy(const void *p, size_t size)
{
    void *q = mem_alloc(size);

    if (size)
        memcpy(q, p, size);
    return q;
}

char *mem_str(const char *s)
{
    return s ? mem_copy(s, strlen(s) + 1) : NULL;
}

char *mem_strn(const char *s, size_t len)
{
    char *q = mem_alloc(len + 1);

    if (len)
        memcpy(q, s, len);
    q[len] = '\0';
    return q;
}

void mem_free(void *p)
{
    free(p);
}

void mem_trim(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

#define ARENA_BLOCK ((size_t)64 << 10)

struct block {
    struct block *next;
    size_t used, cap;
    alignas(max_align_t) unsigned char data[];
};

struct arena {
    struct block *head;
    size_t bytes;
};

struct arena *arena_new(void)
{
    return mem_zero(1, sizeof(struct arena));
}

void *arena_alloc(struct arena *a, size_t size)
{
    const size_t align = alignof(max_align_t);
    struct block *b = a->head;
    void *p;

    if (size > SIZE_MAX - sizeof *b - align)
        checked(NULL);
    size = (size + align - 1) / align * align;
    if (!b || b->cap - b->used < size) {
        size_t cap = size > ARENA_BLOCK ? size : ARENA_BLOCK;

        b = mem_alloc(sizeof *b + cap);
        b->used = 0;
        b->cap = cap;
        b->next = a->head;
        a->head = b;
        a->bytes += sizeof *b + cap;
    }
    p = b->data + b->used;
    b->used += size;
    return p;
}

char *arena_strn(struct arena *a, const char *s, size_t len)
{
    char *q = arena_alloc(a, len + 1);

    if (len)
        memcpy(q, s, len);
    q[len] = '\0';
    return q;
}

size_t arena_bytes(const struct arena *a)
{
    return a->bytes;
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    while (a->head) {
        struct block *b = a->head;

        a->head = b->next;
        mem_free(b);
    }
    mem_free(a);
}

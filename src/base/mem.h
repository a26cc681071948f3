/* Memory. An allocation never fails: out of memory ends the program with one line and exit status
 * 7, since nothing sensible can be done with a half-built answer and every byte on disk is safe at
 * any moment. Sizes that come from a peer are checked against limits.h first. Any thread. */
#pragma once

#include <stddef.h>

void *mem_alloc(size_t size);                         /* not cleared */
void *mem_zero(size_t count, size_t size);            /* cleared; the product is checked */
void *mem_resize(void *p, size_t count, size_t size); /* realloc; the product is checked */
void *mem_copy(const void *p, size_t size);
char *mem_str(const char *s);              /* strdup; NULL gives NULL */
char *mem_strn(const char *s, size_t len); /* len bytes and a NUL */
void mem_free(void *p);
void mem_trim(void); /* much was freed: give it back to the system */

/* Make room for one more element in a growing array: doubles. */
#define MEM_GROW(array, len, cap)                                                                  \
    do {                                                                                           \
        if ((len) == (cap)) {                                                                      \
            (cap) = (cap) ? (cap)*2 : 16;                                                          \
            (array) = mem_resize((array), (cap), sizeof *(array));                                 \
        }                                                                                          \
    } while (0)

/* An arena: things that die together. Not shared between threads. */
struct arena;
struct arena *arena_new(void);
void *arena_alloc(struct arena *a, size_t size); /* aligned for any type, not cleared */
char *arena_strn(struct arena *a, const char *s, size_t len);
size_t arena_bytes(const struct arena *a); /* taken from the system */
void arena_free(struct arena *a);          /* NULL is fine */

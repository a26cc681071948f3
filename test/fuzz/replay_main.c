/* Runs stored inputs through a fuzz target, each as one test: files and folders of files given as
 * arguments. A fault ends the program, so the name is printed before its input is run.
 * --random RUNS BYTES instead: made up ones of at most so many bytes, in a row of seeds from 1. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned passed, failed;

static void cannot(const char *path)
{
    printf("cannot read %s: %s\n", path, strerror(errno));
    failed++;
}

static void replay_file(const char *path)
{
    struct buf b = {0};
    char chunk[65536];
    uint8_t *exact;
    size_t n;
    FILE *f = fopen(path, "rb");

    if (!f) {
        cannot(path);
        return;
    }
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_add(&b, chunk, n);
    if (ferror(f)) {
        cannot(path);
    } else {
        printf("%s\n", path);
        fflush(stdout);
        exact =
            mem_copy(b.data, b.len); /* of the right length, so that a read past the end shows */
        LLVMFuzzerTestOneInput(exact, b.len);
        mem_free(exact);
        passed++;
    }
    fclose(f);
    buf_free(&b);
}

static void replay_dir(const char *path)
{
    struct dirent **entry;
    struct buf name = {0};
    int count = scandir(path, &entry, NULL, alphasort);

    if (count < 0) {
        cannot(path);
        return;
    }
    for (int i = 0; i < count; i++) {
        if (entry[i]->d_name[0] != '.') {
            buf_reset(&name);
            buf_printf(&name, "%s/%s", path, entry[i]->d_name);
            replay_file(name.data);
        }
        free(entry[i]);
    }
    free(entry);
    buf_free(&name);
}

/* Half of the bytes are small: those are what decides in most formats. */
static void play_random(uint64_t runs, size_t most)
{
    uint8_t *data = mem_alloc(most);
    struct rng r;

    for (uint64_t seed = 1; seed <= runs; seed++) {
        size_t len;

        rng_seed(&r, seed);
        len = (size_t)rng_below(&r, most) + 1;
        for (size_t i = 0; i < len; i++) {
            uint64_t x = rng_next(&r);

            data[i] = (uint8_t)(x & 256 ? x & 255 : x & 15);
        }
        LLVMFuzzerTestOneInput(data, len);
        passed++;
    }
    mem_free(data);
}

int main(int argc, char **argv)
{
    struct stat st;

    if (argc == 4 && !strcmp(argv[1], "--random") && strtoul(argv[3], NULL, 10)) {
        play_random(strtoull(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
        argc = 1;
    }
    for (int i = 1; i < argc; i++) {
        if (stat(argv[i], &st))
            cannot(argv[i]);
        else if (S_ISDIR(st.st_mode))
            replay_dir(argv[i]);
        else
            replay_file(argv[i]);
    }
    if (!passed && !failed) {
        printf("nothing to replay: give files or folders\n");
        failed++;
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

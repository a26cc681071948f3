/* Runs stored inputs through a fuzz target, each as one test: files and folders of files given as
 * arguments. A fault ends the program, so the name is printed before its input is run. */
#include "base/buf.h"
#include "base/mem.h"

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

int main(int argc, char **argv)
{
    struct stat st;

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

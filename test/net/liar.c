/* A holder that lies: preloaded into a service, it flips one bit in each large block that the
 * service reads with pread from a file of 4 MiB or more once the file named by LIAR_ON exists. The
 * service itself is the real one and believes what it sends. */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

ssize_t pread(int fd, void *to, size_t len, off_t at);
ssize_t pread64(int fd, void *to, size_t len, off_t at);

ssize_t pread64(int fd, void *to, size_t len, off_t at)
{
    static ssize_t (*real)(int, void *, size_t, off_t);
    const char *on = getenv("LIAR_ON");
    struct stat st;
    ssize_t n;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pread64");
    n = real(fd, to, len, at);
    if (n >= 4096 && on && !access(on, F_OK) && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
        st.st_size >= 4 << 20)
        ((unsigned char *)to)[n / 2] ^= 1;
    return n;
}

ssize_t pread(int fd, void *to, size_t len, off_t at)
{
    return pread64(fd, to, len, at);
}

/* A holder that lies: preloaded into a service, it flips one bit in each large block that the
 * service reads with pread or preadv2 from a file of 4 MiB or more once the file named by LIAR_ON
 * exists. The service itself is the real one and believes what it sends. */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

ssize_t pread(int fd, void *to, size_t len, off_t at);
ssize_t preadv2(int fd, const struct iovec *to, int count, off_t at, int flags);
ssize_t preadv64v2(int fd, const struct iovec *to, int count, off_t at, int flags);
ssize_t pread64(int fd, void *to, size_t len, off_t at);

static void lie(int fd, void *to, ssize_t n)
{
    const char *on = getenv("LIAR_ON");
    struct stat st;

    if (n >= 4096 && on && !access(on, F_OK) && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
        st.st_size >= 4 << 20)
        ((unsigned char *)to)[n / 2] ^= 1;
}

ssize_t pread64(int fd, void *to, size_t len, off_t at)
{
    static ssize_t (*real)(int, void *, size_t, off_t);
    ssize_t n;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pread64");
    n = real(fd, to, len, at);
    lie(fd, to, n);
    return n;
}

ssize_t pread(int fd, void *to, size_t len, off_t at)
{
    return pread64(fd, to, len, at);
}

ssize_t preadv64v2(int fd, const struct iovec *to, int count, off_t at, int flags)
{
    static ssize_t (*real)(int, const struct iovec *, int, off_t, int);
    ssize_t n;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "preadv64v2");
    n = real(fd, to, count, at, flags);
    if (n > 0)
        lie(fd, to->iov_base, n); /* the service gives one block */
    return n;
}

ssize_t preadv2(int fd, const struct iovec *to, int count, off_t at, int flags)
{
    return preadv64v2(fd, to, count, at, flags);
}

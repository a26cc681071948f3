/* The only room that opens files of the shared and the download folder. Everything is relative to a
 * held directory descriptor and opened with openat2 (BENEATH, NO_SYMLINKS, NO_MAGICLINKS): no name
 * can lead outside, whatever is swapped meanwhile. Paths are '/'-separated, relative, already
 * through path_check; "" is the root itself. Any thread, except that one struct root_dir belongs to
 * one thread. Error texts name the path, made safe to print. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct root;

/* What a change of content or place shows in (CONTENT: re-hash only when one of these changed). */
struct root_stat {
    char kind;     /* 'f' file, 'x' executable file, 'd' folder, 'l' link, 'o' anything else */
    uint64_t size; /* bytes */
    int64_t mtime_ns, ctime_ns;
    int64_t btime_ns; /* when the inode was made; 0 where the file system does not say */
    uint64_t ino, dev;
    uint32_t uid;
    uint32_t links; /* names that the inode has */
};
bool root_stat_same(const struct root_stat *a,
                    const struct root_stat *b); /* size, mtime, ctime, ino, dev */

/* Hold the directory at path (absolute; links in it are followed: it is the user's own). NULL with
 * e set. */
struct root *root_open(const char *path, struct err *e);
/* Keep no descriptor of it, so that its disk can be unmounted: it is opened for each use, and is
 * not there when another directory is at its path. Only for reading from it. */
void root_let_go(struct root *r);
const char *root_path(const struct root *r); /* canonical, as realpath gives it */
uint64_t root_dev(const struct root *r);     /* of its file system, while it is mounted */
/* On a file system that others change, too, unseen by this system: network, FUSE. */
bool root_is_remote(const struct root *r);
bool root_alive(const struct root *r); /* the path still leads to the held directory */
/* 'a' is the same directory as b, or lies in it. */
bool root_within(const struct root *a, const struct root *b);
void root_close(struct root *r); /* NULL is fine */

/* Regular files only, never a link, fifo or device. Gives a descriptor (close it), st is set; or
 * negative. */
int root_read_fd(const struct root *r, const char *path, struct root_stat *st, struct err *e);
int root_stat_at(const struct root *r, const char *path, struct root_stat *st,
                 struct err *e); /* does not follow links */
int root_stat_fd(int fd, struct root_stat *st);
/* Somebody has this file, opened by root_read_fd, open for writing. false where the system cannot
 * tell. */
bool root_being_written(int fd);
/* pread of what is in memory: bytes, 0 at the end, -EAGAIN when it would have to wait for the disk
 * or the system cannot tell, or another -errno. */
ssize_t root_read_now(int fd, void *to, size_t max, uint64_t at);
bool root_in_memory(int fd);  /* on a file system that has no disk: reading never waits */
void root_read_ahead(int fd); /* the whole file will be read, front to back */
uint32_t root_own_uid(void);  /* whose files are ours */

struct root_dir; /* one open folder while it is listed */
struct root_dir *root_list(const struct root *r, const char *path, struct err *e);
/* Next child in no order: name is borrowed until the next call. 1, 0 at the end, negative on error.
 * Not "." and "..". */
int root_list_next(struct root_dir *d, const char **name, struct root_stat *st, struct err *e);
int root_list_fd(const struct root_dir *d); /* borrowed: of the folder that is listed */
/* This child could be opened by us to be read. */
bool root_list_readable(const struct root_dir *d, const char *name);
void root_list_end(struct root_dir *d);

/* For the download folder. */
int root_make_dirs(const struct root *r, const char *path, struct err *e); /* mkdir -p */
int root_make_dir(const struct root *r, const char *path,
                  struct err *e); /* -ERR_EXISTS when there */
int root_create_fd(const struct root *r, const char *path,
                   struct err *e); /* O_EXCL, read-write, 0666 & ~umask */
int root_write_fd(const struct root *r, const char *path, struct root_stat *st,
                  struct err *e); /* existing file, read-write */
/* Give the file its final name, never over an existing one (-ERR_EXISTS), and sync the folder. The
 * caller has fsynced. */
int root_publish(const struct root *r, const char *from, const char *to, bool replace,
                 struct err *e);
/* The same without replacing and without the sync: for many small files, with one root_sync_all
 * behind them. */
int root_place(const struct root *r, const char *from, const char *to, struct err *e);
/* A folder below r, held open while many small files are made in it. One thread. */
struct root_hold;
struct root_hold *root_hold(const struct root *r, const char *path, struct err *e);
void root_hold_end(struct root_hold *h); /* NULL is fine */
struct root_file {
    const void *data;
    size_t len;
    bool exec;
    int64_t mtime_s; /* INT64_MIN: now */
};
/* Make the file under the name part (what is there under it goes), then give it its name, never
 * over what is there: -ERR_EXISTS, and part is gone again. Both are names in the held folder. No
 * sync. */
int root_hold_make(const struct root_hold *h, const char *part, const char *name,
                   const struct root_file *file, struct err *e);
/* What was written below r is on disk, files and names. Takes its time: not on a loop's thread. */
int root_sync_all(const struct root *r, struct err *e);
int root_remove(const struct root *r, const char *path,
                struct err *e); /* a file; no error when it is not there */
int root_remove_dir(const struct root *r, const char *path, struct err *e); /* an empty folder */
int root_sync_fd(int fd, struct err *e); /* the file's bytes are on disk */
int root_sync_dir(const struct root *r, const char *path, struct err *e);
int root_set_times(const struct root *r, const char *path, int64_t mtime_s, struct err *e);
int root_set_exec(int fd); /* x where r is, within the umask */
int root_reserve(int fd,
                 uint64_t size); /* blocks if the file system can, length at least; 0 or -errno */
/* The whole of one file into an empty or reserved other one, as blocks that both share. false: this
 * file system cannot. */
bool root_clone(int from, int to);
/* Bytes of one file into another at the same place, inside the system: how many, 0 at the end, or
 * -errno. -EXDEV: it cannot, read and write instead. */
ssize_t root_copy_range(int from, int to, uint64_t at, size_t len);
/* What is read next comes from the disk, as far as the system can. */
void root_drop_cache(int fd);
/* For us, on its file system; UINT64_MAX when unknown. */
uint64_t root_free_bytes(const struct root *r);

/* A disk that fails on demand, and that can lose its power: put under one process with LD_PRELOAD.

   It stands between a program and its files whose path ends in ".sqlite" or ".sqlite-wal", and keeps, beside each of
   them, FILE.platter: what would be there after a power cut. As in Linux, a write dirties whole pages of the cache, an
   fsync that succeeds brings the dirty ones to the platter, and an fsync that fails forgets that they were dirty: the
   next one succeeds and brings nothing of them. The dirty pages are noted in FILE.dirty, a byte each, as the cache
   outlives a process that is killed.

   $INTERLOCK_DISK is a file of four ints: the errno of writes and that of fsyncs (0: they work), and how many of each
   have failed so far. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 1 << 16, FILES = 8, NAME = 4096 };

static struct { int write_errno, sync_errno, failed_writes, failed_syncs; } *control;
static struct file { char path[NAME]; unsigned char *dirty; } files[FILES];

static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static int (*real_fsync)(int), (*real_ftruncate)(int, off64_t), (*real_unlink)(const char *);

static int ours(const char *path) {
    size_t length = strlen(path);
    return (length > 7 && !strcmp(path + length - 7, ".sqlite")) ||
           (length > 11 && !strcmp(path + length - 11, ".sqlite-wal"));
}

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("INTERLOCK_DISK");
    int fd = name ? open(name, O_RDWR) : -1;
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    if (fd < 0) return;
    control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (control == MAP_FAILED) control = NULL;
    close(fd);
}

/* The file behind a descriptor or a path, or NULL if it is none of ours. */
static struct file *find(int fd, const char *path) {
    char link[64], name[NAME];
    if (!control) return NULL;
    if (path) {
        if (!realpath(path, name)) return NULL;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, name, sizeof name - 1);
        if (length < 0) return NULL;
        name[length] = 0;
    }
    if (!ours(name)) return NULL;
    struct file *file = files;
    while (file < files + FILES && file->path[0] && strcmp(file->path, name)) file++;
    if (file == files + FILES) abort();
    if (!file->path[0]) {
        char dirty[NAME + 8];
        snprintf(dirty, sizeof dirty, "%s.dirty", name);
        int map = open(dirty, O_RDWR | O_CREAT, 0600);
        if (map < 0 || real_ftruncate(map, PAGES)) abort();
        file->dirty = mmap(NULL, PAGES, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
        if (file->dirty == MAP_FAILED) abort();
        close(map);
        strcpy(file->path, name);
    }
    return file;
}

static void soil(struct file *file, off64_t from, off64_t to) {
    if (to > (off64_t)PAGES * PAGE) abort();
    for (off64_t page = from / PAGE; page * PAGE < to; page++) file->dirty[page] = 1;
}

static void bring(struct file *file, int fd) {
    char platter[NAME + 8], page[PAGE], self[64];
    struct stat stat;
    snprintf(platter, sizeof platter, "%s.platter", file->path);
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    int from = open(self, O_RDONLY), to = open(platter, O_WRONLY | O_CREAT, 0600);
    if (from < 0 || to < 0 || fstat(fd, &stat)) abort();
    for (off64_t n = 0; n * PAGE < stat.st_size; n++) {
        if (!file->dirty[n]) continue;
        ssize_t length = pread64(from, page, PAGE, n * PAGE);
        if (length < 0 || real_pwrite(to, page, length, n * PAGE) != length) abort();
    }
    if (real_ftruncate(to, stat.st_size)) abort();
    close(from);
    close(to);
}

static int refused(int number, int *count) {
    if (number) {
        (*count)++;
        errno = number;
    }
    return number;
}

ssize_t pwrite64(int fd, const void *data, size_t count, off64_t offset) {
    struct file *file = find(fd, NULL);
    if (file && refused(control->write_errno, &control->failed_writes)) return -1;
    ssize_t done = real_pwrite(fd, data, count, offset);
    if (file && done > 0) soil(file, offset, offset + done);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t count, off_t offset) { return pwrite64(fd, data, count, offset); }

int fsync(int fd) {
    struct file *file = find(fd, NULL);
    if (!file) return real_fsync(fd);
    int failed = refused(control->sync_errno, &control->failed_syncs);
    if (!failed) bring(file, fd);
    memset(file->dirty, 0, PAGES);
    return failed ? -1 : 0;
}

int fdatasync(int fd) { return fsync(fd); }

int ftruncate64(int fd, off64_t size) {
    struct file *file = find(fd, NULL);
    if (file && refused(control->write_errno, &control->failed_writes)) return -1;
    return real_ftruncate(fd, size);
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int unlink(const char *path) {
    struct file *file = find(-1, path);
    if (file) {
        char platter[NAME + 8];
        snprintf(platter, sizeof platter, "%s.platter", file->path);
        real_unlink(platter);
        memset(file->dirty, 0, PAGES);
    }
    return real_unlink(path);
}

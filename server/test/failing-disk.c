/*
 * Preloaded into a server under test: while the file CORVO_TEST_FAULT exists, the disk below CORVO_TEST_DIR is broken in the way that
 * the file's first word says. Everything else is passed on.
 *   sync   fdatasync and fsync fail with EIO; so does what was written since: it never reaches the file
 *   write  writes fail with EIO
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault { none, on_sync, on_write };

static enum fault fault_of(int fd) {
  const char *trigger = getenv("CORVO_TEST_FAULT");
  const char *dir = getenv("CORVO_TEST_DIR");
  if (trigger == NULL || dir == NULL) return none;
  int before = errno;
  enum fault found = none;
  FILE *file = fopen(trigger, "re");
  if (file != NULL) {
    char word[16] = "";
    char link[64], path[PATH_MAX + 1];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX);
    if (length > 0 && strncmp(path, dir, strlen(dir)) == 0 && fscanf(file, "%15s", word) == 1)
      found = strcmp(word, "sync") == 0 ? on_sync : strcmp(word, "write") == 0 ? on_write : none;
    fclose(file);
  }
  errno = before;
  return found;
}

static int broken(void) {
  errno = EIO;
  return -1;
}

static size_t total(const struct iovec *parts, int count) {
  size_t bytes = 0;
  for (int i = 0; i < count; i++) bytes += parts[i].iov_len;
  return bytes;
}

#define REAL(name) \
  static __typeof__(name) *real = NULL; \
  if (real == NULL) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

/* A write on a disk whose syncs fail is lost: an acknowledgement that does not wait for the sync would be found out. */
#define WRITE(bytes, call) \
  switch (fault_of(fd)) { \
    case on_sync: return (ssize_t)(bytes); \
    case on_write: return broken(); \
    default: return call; \
  }

int fdatasync(int fd) {
  REAL(fdatasync);
  return fault_of(fd) == on_sync ? broken() : real(fd);
}
int fsync(int fd) {
  REAL(fsync);
  return fault_of(fd) == on_sync ? broken() : real(fd);
}
ssize_t write(int fd, const void *data, size_t bytes) {
  REAL(write);
  WRITE(bytes, real(fd, data, bytes))
}
ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at) {
  REAL(pwrite);
  WRITE(bytes, real(fd, data, bytes, at))
}
ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t at) {
  REAL(pwrite64);
  WRITE(bytes, real(fd, data, bytes, at))
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(writev);
  WRITE(total(parts, count), real(fd, parts, count))
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  REAL(pwritev);
  WRITE(total(parts, count), real(fd, parts, count, at))
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
  REAL(pwritev64);
  WRITE(total(parts, count), real(fd, parts, count, at))
}

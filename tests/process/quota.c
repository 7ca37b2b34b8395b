/* A user's quota that is used up: as long as there is the file that QUOTA_USED_UP names, no write makes a file longer.
 *
 * Preloaded into a program. A quota that the kernel keeps needs root, and a file system that was made for it. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuses(int handle, size_t count, off64_t offset) {
    const char *flag = getenv("QUOTA_USED_UP");
    struct stat64 found;
    return flag && !access(flag, F_OK) && !fstat64(handle, &found) && S_ISREG(found.st_mode)
        && (off64_t)(offset + count) > found.st_size;
}

ssize_t pwrite64(int handle, const void *data, size_t count, off64_t offset) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (refuses(handle, count, offset)) {
        errno = EDQUOT;
        return -1;
    }
    if (!real)
        real = (ssize_t (*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
    return real(handle, data, count, offset);
}

ssize_t pwrite(int handle, const void *data, size_t count, off_t offset) {
    return pwrite64(handle, data, count, offset);
}

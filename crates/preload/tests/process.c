/* What belongs to the process: numbers of descriptors, its mask, its memory. */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVED "/nearcall-n/one/"

static volatile int over;

static void *makes(void *unused) {
    (void)unused;
    while (!over) { mkdir(SERVED "made", 0777); rmdir(SERVED "made"); }
    return 0;
}

/* A real file with this number is what it says. */
static void real_is_real(int expected, const char *real) {
    char bytes[64];
    int fd = open(real, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert(fd == expected && write(fd, "real\n", 5) == 5 && pread(fd, bytes, 64, 0) == 5 && !memcmp(bytes, "real\n", 5));
    struct stat of;
    assert(stat(real, &of) == 0 && of.st_size == 5 && close(fd) == 0);
}

int main(int count, char **arguments) {
    assert(count == 2);
    const char *real = arguments[1];
    char bytes[64];
    struct rlimit numbers;
    assert(getrlimit(RLIMIT_NOFILE, &numbers) == 0);
    numbers.rlim_cur = 1024;
    assert(setrlimit(RLIMIT_NOFILE, &numbers) == 0);
    int fd = open(SERVED "f", O_RDWR | O_CREAT, 0666);
    assert(fd >= 0 && pwrite(fd, "served", 6, 0) == 6);
    struct stat of;

    /* Numbers that were closed past close(). */
    assert(close_range(fd, fd, 0) == 0);
    errno = 0;
    assert(read(fd, bytes, 1) == -1 && errno == EBADF);
    real_is_real(fd, real);
    assert(open(SERVED "f", O_RDWR) == fd && close_range(fd, fd, CLOSE_RANGE_CLOEXEC) == 0 && pread(fd, bytes, 64, 0) == 6);
    closefrom(fd);
    real_is_real(fd, real);
    assert(open(SERVED "f", O_RDONLY) == fd && dup2(fd, 0) == 0 && fclose(stdin) == 0);
    real_is_real(0, real);
    assert(open(SERVED "f", O_RDONLY) == 0 && fclose(fdopen(fd, "r")) == 0);
    /* Who closes every number, each way, closes what is the program's: the file server is there all the same, and its files and
       those of the disk are told apart. */
    for (int way = 0; way < 3; way++) {
        int before[20];
        for (int i = 0; i < 20; i++) assert((before[i] = open(i % 2 ? SERVED "f" : real, O_RDONLY)) >= 0);
        int one = fcntl(before[1], F_DUPFD, 600);
        assert(one >= 600 && pread(one, bytes, 64, 0) == 6);
        if (way == 0) for (int i = 3; i < 1024; i++) close(i);
        if (way == 1) assert(close_range(3, ~0U, 0) == 0);
        if (way == 2) closefrom(3);
        errno = 0;
        assert(pread(one, bytes, 64, 0) == -1 && errno == EBADF && pread(before[1], bytes, 64, 0) == -1 && errno == EBADF);
        for (int i = 3; i < 23; i++) assert(open(real, O_RDONLY) == i && pread(i, bytes, 64, 0) == 5);
        int again = open(SERVED "f", O_RDWR);
        assert(again == 23 && pread(again, bytes, 64, 0) == 6 && pwrite(again, "s", 1, 0) == 1);
        for (int i = 3; i < 24; i++) assert(close(i) == 0);
        int sockets = 0;
        for (int i = 24; i < 1024; i++) {
            struct stat kind;
            if (fstat(i, &kind) == 0 && S_ISSOCK(kind.st_mode)) {
                sockets++;
                assert(i >= 512);
                errno = 0;
                assert(dup2(1, i) == -1 && errno == EBUSY && dup3(1, i, 0) == -1 && close(i) == -1 && errno == EBADF);
            }
        }
        assert(sockets >= 1);
    }
    fd = open(SERVED "f", O_RDWR);
    /* What can be neither read nor written is told apart when it is made. */
    close_range(0, 0, 0);
    assert(open(real, O_PATH) == 0);
    errno = 0;
    assert(read(0, bytes, 1) == -1 && errno == EBADF);

    /* What a child of vfork's does to descriptors is done to its own. */
    int file = open(SERVED "f", O_RDWR), pipes[2];
    assert(file >= 0 && pipe(pipes) == 0);
    pid_t child = vfork();
    if (child == 0) { dup2(file, pipes[1]); close(file); _exit(0); }
    int status;
    assert(waitpid(child, &status, 0) == child && status == 0);
    assert(pread(file, bytes, 64, 0) == 6 && write(pipes[1], "x", 1) == 1 && read(pipes[0], bytes, 1) == 1 && bytes[0] == 'x');

    /* The mask is asked for by nobody but the program, and never changed. */
    umask(022);
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) assert(pthread_create(&threads[i], 0, makes, 0) == 0);
    for (int i = 0; i < 3000; i++) {
        unlink(real);
        int made = open(real, O_CREAT | O_WRONLY, 0666);
        assert(made >= 0 && fstat(made, &of) == 0 && (of.st_mode & 0777) == 0644 && close(made) == 0);
    }
    over = 1;
    for (int i = 0; i < 2; i++) assert(pthread_join(threads[i], 0) == 0);
    assert(umask(027) == 022);
    int made = open(SERVED "masked", O_CREAT | O_WRONLY | O_EXCL, 0666);
    assert(made >= 0 && fstat(made, &of) == 0 && (of.st_mode & 0777) == 0640 && unlink(SERVED "masked") == 0);

    /* A read writes what it has read, and nothing else. */
    memset(bytes, 'A', 64);
    assert(pread(file, bytes, 64, 0) == 6 && bytes[6] == 'A' && pread(file, bytes, 64, 6) == 0 && bytes[0] == 's');
    size_t size = (size_t)1 << 30;
    char *space = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct rusage before, after;
    assert(space != MAP_FAILED && getrusage(RUSAGE_SELF, &before) == 0 && pread(file, space, size, 0) == 6);
    assert(getrusage(RUSAGE_SELF, &after) == 0 && after.ru_maxrss - before.ru_maxrss < 65536);

    /* What is asked for with each write is done with each write: the test counts. */
    int synced = open(SERVED "f", O_WRONLY | O_SYNC), data = open(SERVED "f", O_WRONLY | O_DSYNC);
    for (int i = 0; i < 3; i++) assert(pwrite(synced, "x", 1, 0) == 1 && pwrite(data, "x", 1, 0) == 1 && pwrite(file, "x", 1, 0) == 1);
    puts("done");
    return 0;
}

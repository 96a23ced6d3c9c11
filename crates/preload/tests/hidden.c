/* Each function of the C library that takes a path, with one below the prefix. */
#define _GNU_SOURCE
#include <assert.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <ftw.h>
#include <glob.h>
#include <mntent.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>
#include <wordexp.h>

extern char **environ;
static const char *prefix;
static char name[8][512];

/* A path below the prefix. */
static char *at(const char *rest) {
    static int next;
    char *path = name[next++ % 8];
    snprintf(path, 512, "%s/one/%s", prefix, rest);
    return path;
}

#define FAILS(call) do { errno = 0; if ((call) != -1) { printf("did something: %s\n", #call); exit(1); } \
    if (errno == 0) { printf("said no error: %s\n", #call); exit(1); } } while (0)
#define GIVES_NOTHING(call) do { errno = 0; if ((call) != NULL) { printf("gave something: %s\n", #call); exit(1); } } while (0)

static int seen(const char *path, const struct stat *of, int kind) { (void)of; (void)kind; printf("walked: %s\n", path); return 0; }
static int seen_too(const char *path, const struct stat *of, int kind, struct FTW *how) { (void)how; return seen(path, of, kind); }

/* All ways to say the same path, by a function of a directory and a path. */
static void ways(const char *rest) {
    char path[600];
    int fd = open(at(rest), O_RDONLY);
    assert(fd == -1);
    /* From the root, and from wherever the kernel is. */
    assert(chdir("/") == 0);
    FAILS(open(at(rest) + 1, O_RDONLY));
    FAILS(open64(at(rest) + 1, O_RDONLY));
    FAILS(access(at(rest) + 1, F_OK));
    snprintf(path, sizeof path, "%s/..", prefix);
    char above[600];
    snprintf(above, sizeof above, "%s", prefix);
    char *last = strrchr(above, '/');
    *last++ = 0;
    int dir = open(above, O_RDONLY | O_DIRECTORY), dir_path = open(above, O_PATH);
    assert(dir >= 0 && dir_path >= 0);
    snprintf(path, sizeof path, "%s/one/%s", last, rest);
    FAILS(openat(dir, path, O_RDONLY));
    FAILS(openat64(dir_path, path, O_RDONLY));
    FAILS(faccessat(dir, path, F_OK, 0));
    struct stat of;
    FAILS(fstatat(dir, path, &of, 0));
    FAILS(unlinkat(dir, path, 0));
    FAILS(mkfifoat(dir, path, 0600));
    assert(chdir(above) == 0);
    FAILS(open(path, O_RDONLY));
    FAILS(stat(path, &of));
    FAILS(unlink(path));
    snprintf(path, sizeof path, "./x/../%s/./one//%s", last, rest);
    FAILS(open(path, O_RDONLY));
    assert(fopen(path, "r") == NULL);
    close(dir);
    close(dir_path);
}

static int tried(int how, const char *path) {
    pid_t child = fork();
    if (child == 0) {
        char *arguments[] = {"program", "SECRET was started", 0};
        switch (how) {
        case 0: execl(path, "program", "SECRET was started", (char *)0); break;
        case 1: execle(path, "program", "SECRET was started", (char *)0, environ); break;
        case 2: execlp(path, "program", "SECRET was started", (char *)0); break;
        case 3: execv(path, arguments); break;
        case 4: execve(path, arguments, environ); break;
        case 5: execvp(path, arguments); break;
        case 6: execvpe(path, arguments, environ); break;
        case 7: execveat(AT_FDCWD, path, arguments, environ, 0); break;
        }
        _exit(errno == ENOTSUP ? 77 : 1);
    }
    int status;
    assert(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(int count, char **arguments) {
    assert(count == 3);
    prefix = arguments[1];
    int served = !strcmp(arguments[2], "vfs");
    setvbuf(stdout, 0, _IONBF, 0);
    char bytes[600], *list[2] = {0, 0};
    struct stat of;
    struct timeval times[2] = {{1, 0}, {1, 0}};
    struct timespec more[2] = {{1, 0}, {1, 0}};
    struct utimbuf old = {1, 1};
    ways("SECRET");
    /* No UTF-8. */
    FAILS(open(at("\xff"), O_CREAT | O_RDWR, 0600));
    assert(errno == EILSEQ);
    FAILS(mkdir(at("\xff"), 0700));
    FAILS(rename(at("\xff"), "/tmp/nearcall-none"));
    GIVES_NOTHING(fopen(at("\xff"), "w"));
    GIVES_NOTHING(opendir(at("\xff")));
    /* Opened, made and looked at. */
    FAILS(open(at("SECRET"), O_RDONLY));
    FAILS(creat(at("none/new"), 0600));
    GIVES_NOTHING(fopen(at("SECRET"), "r"));
    GIVES_NOTHING(fopen64(at("SECRET"), "r+"));
    GIVES_NOTHING(freopen(at("SECRET"), "w", fopen("/dev/null", "r")));
    GIVES_NOTHING(opendir(at("dir")));
    FAILS(stat(at("SECRET"), &of));
    FAILS(lstat(at("SECRET"), &of));
    FAILS(readlink(at("link"), bytes, 600));
    FAILS(access(at("SECRET"), R_OK));
    FAILS(euidaccess(at("SECRET"), R_OK));
    FAILS(truncate(at("SECRET"), 1));
    FAILS(statfs(at("SECRET"), (struct statfs *)bytes));
    struct statvfs vfs;
    FAILS(statvfs(at("SECRET"), &vfs));
    /* Names. */
    FAILS(remove(at("SECRET")));
    FAILS(remove(at("dir/SECRETdir")));
    FAILS(unlink(at("SECRET")));
    FAILS(rmdir(at("dir/SECRETdir")));
    FAILS(rename(at("SECRET"), at("SECRET2")));
    FAILS(rename(at("SECRET"), "/tmp/nearcall-none"));
    FAILS(link(at("both"), at("both2")));
    FAILS(symlink("both", at("both2")));
    FAILS(mkfifo(at("fifo"), 0600));
    FAILS(mknod(at("node"), S_IFREG | 0600, 0));
    /* What is said of both. */
    FAILS(chmod(at("both"), 0777));
    FAILS(lchmod(at("both"), 0777));
    FAILS(fchmodat(AT_FDCWD, at("both"), 0777, 0));
    FAILS(chown(at("both"), getuid(), getgid()));
    FAILS(lchown(at("both"), getuid(), getgid()));
    FAILS(utime(at("both"), &old));
    FAILS(utimes(at("both"), times));
    FAILS(lutimes(at("both"), times));
    FAILS(futimesat(AT_FDCWD, at("both"), times));
    FAILS(utimensat(AT_FDCWD, at("both"), more, 0));
    FAILS(setxattr(at("both"), "user.a", "x", 1, 0));
    FAILS(lsetxattr(at("both"), "user.a", "x", 1, 0));
    FAILS(getxattr(at("both"), "user.a", bytes, 600));
    FAILS(lgetxattr(at("both"), "user.a", bytes, 600));
    FAILS(listxattr(at("both"), bytes, 600));
    FAILS(llistxattr(at("both"), bytes, 600));
    FAILS(removexattr(at("both"), "user.a"));
    FAILS(lremovexattr(at("both"), "user.a"));
    FAILS(chdir(at("dir")));
    FAILS(inotify_add_watch(inotify_init(), at("both"), IN_ALL_EVENTS));
    FAILS(ftok(at("both"), 1));
    GIVES_NOTHING(setmntent(at("both"), "r"));
    GIVES_NOTHING(tempnam(at("dir"), "x"));
    assert(pathconf(at("both"), _PC_NAME_MAX) == 255);
    /* Walks and patterns, also from above. */
    FAILS(ftw(prefix, seen, 8));
    FAILS(nftw(prefix, seen_too, 8, FTW_PHYS));
    FAILS(nftw(at("dir"), seen_too, 8, FTW_PHYS));
    FAILS(nftw("/", seen_too, 8, FTW_PHYS));
    list[0] = at("dir");
    GIVES_NOTHING(fts_open(list, FTS_PHYSICAL | FTS_NOCHDIR, 0));
    list[0] = "/";
    GIVES_NOTHING(fts_open(list, FTS_PHYSICAL | FTS_NOCHDIR, 0));
    glob_t found = {0};
    int globbed = glob(at("*"), 0, 0, &found);
    assert(served ? globbed == 0 && found.gl_pathc == 1 && !strcmp(found.gl_pathv[0], at("both")) : globbed != 0);
    snprintf(bytes, 600, "%.*s*/one/*", (int)strlen(prefix) - 1, prefix);
    assert(glob(bytes, 0, 0, &found) != 0 || !strstr(found.gl_pathv[0], "SECRET"));
    wordexp_t words;
    assert(wordexp(at("*"), &words, 0) != 0);
    struct dirent **entries;
    int n = scandir(at(""), &entries, 0, alphasort);
    assert(served ? n == 3 && !strcmp(entries[2]->d_name, "both") : n == -1);
    for (int i = 0; i < n; i++) printf("%s\n", entries[i]->d_name);
    assert((realpath(at("both"), bytes) != 0) == served);
    GIVES_NOTHING(realpath(at("SECRET"), bytes));
    GIVES_NOTHING(canonicalize_file_name(at("SECRET")));
    /* Made under new names: there, or nowhere. */
    int fd = mkstemp(at("new-XXXXXX"));
    assert((fd >= 0) == served);
    if (served) {
        char *path = at("other-XXXXXX"), *dir = at("dir-XXXXXX");
        assert(write(fd, "x", 1) == 1 && close(fd) == 0);
        assert((fd = mkostemps(path, 0, O_CLOEXEC)) >= 0 && close(fd) == 0 && !strstr(path, "XXXXXX") && remove(path) == 0);
        assert(mkdtemp(dir) == dir && stat(dir, &of) == 0 && S_ISDIR(of.st_mode) && remove(dir) == 0);
        DIR *stream = opendir(at("."));
        struct dirent one, *last;
        int count = 0;
        while (readdir_r(stream, &one, &last) == 0 && last) {
            if (!strncmp(one.d_name, "new-", 4)) { count++; assert(unlinkat(dirfd(stream), one.d_name, 0) == 0); }
        }
        assert(count == 1 && fsync(dirfd(stream)) == 0 && closedir(stream) == 0);
    }
    /* Sockets. */
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int socket_of = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (strlen(prefix) + 10 < sizeof address.sun_path) {
        snprintf(address.sun_path, sizeof address.sun_path, "%s/sock", prefix);
        FAILS(bind(socket_of, (struct sockaddr *)&address, sizeof address));
        FAILS(connect(socket_of, (struct sockaddr *)&address, sizeof address));
        FAILS(sendto(socket_of, "x", 1, 0, (struct sockaddr *)&address, sizeof address));
        assert(errno == ENOTSUP);
        struct msghdr message = {.msg_name = &address, .msg_namelen = sizeof address};
        FAILS(sendmsg(socket_of, &message, 0));
        assert(errno == ENOTSUP);
    }
    /* Programs and libraries. */
    for (int how = 0; how < 8; how++) {
        if (tried(how, at("program")) != 77) { printf("exec %d\n", how); return 1; }
    }
    snprintf(bytes, 600, "%s/one", prefix);
    char *path = strdup(getenv("PATH"));
    setenv("PATH", bytes, 1);
    for (int how = 0; how < 8; how++) {
        if ((how == 2 || how == 5 || how == 6) && tried(how, "program") != 77) { printf("exec %d by PATH\n", how); return 1; }
    }
    pid_t pid;
    char *words_of[] = {"program", "SECRET was started", 0};
    assert(posix_spawn(&pid, at("program"), 0, 0, words_of, environ) == ENOTSUP);
    assert(posix_spawnp(&pid, "program", 0, 0, words_of, environ) == ENOTSUP);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    assert(posix_spawn_file_actions_addopen(&actions, 1, at("both"), O_WRONLY, 0) == ENOTSUP);
    setenv("PATH", path, 1);
    assert(dlopen(at("program"), RTLD_NOW) == NULL);
    /* And what is the kernel's goes on. */
    assert(tried(0, "/bin/true") == 0 && tried(2, "true") == 0 && tried(1, "/bin/true") == 0 && tried(5, "true") == 0);
    assert(posix_spawnp(&pid, "true", 0, 0, words_of, environ) == 0 && waitpid(pid, &n, 0) == pid && n == 0);
    assert(dlopen("libm.so.6", RTLD_NOW) != NULL);
    assert(access("/bin/true", X_OK) == 0 && realpath("/bin/../bin/true", bytes) != NULL);
    puts("done");
    return 0;
}

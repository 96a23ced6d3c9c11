//! Programs that know nothing of nearcall, on the file server and on the disk: the same bytes, and the same errors.
//!
//! `NEARCALL_TEST_FILES` and `NEARCALL_TEST_MIB` make the tree larger: 60 files and 8 MiB if not set.

mod stage;

use std::fs;
use std::path::Path;
use std::process::Command;

use stage::{PAGES, SEEN, Stage, compiled, is_there};

fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

/// Files of many sizes in some directories, `mib` in all.
fn grow(tree: &Path) -> usize {
    let (count, mib) = (number("NEARCALL_TEST_FILES", 60), number("NEARCALL_TEST_MIB", 8));
    let mut left = mib << 20;
    let mut state = 88_172_645_463_325_252_u64;
    for n in 0..count {
        let dir = tree.join(format!("d{}/e{}", n % 7, n % 3));
        fs::create_dir_all(&dir).unwrap();
        let size = if n + 1 == count { left } else { (left / (count - n)).min(left) * (n % 5) / 2 };
        let mut bytes = Vec::with_capacity(size + 8);
        while bytes.len() < size {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend_from_slice(&state.to_le_bytes());
        }
        bytes.truncate(size);
        if n % 4 == 0 && size > 100 {
            bytes[..25].copy_from_slice(b"a needle is in this file\n");
        }
        left -= size.min(left);
        fs::write(dir.join(format!("file-{n}")), bytes).unwrap();
    }
    count
}

#[test]
fn programs_find_the_same_bytes() {
    let stage = Stage::new();
    let count = grow(&stage.tree());
    assert_eq!(stage.same("find $N -type f | sort | wc -l").trim(), count.to_string());
    stage.same("cd / && find $N | sort");
    stage.same("find $N -type f | sort | xargs sha256sum");
    stage.same("find $N -type f | sort | xargs cat | sha256sum");
    assert!(stage.same("grep -rl needle $N | sort").lines().count() > 3);
    stage.same("ls -1R $N");
    stage.same("find $N -type f | sort | xargs stat -c '%s %a %h %F %i %Y %n'");
    stage.same("head -c 1000 $N/d0/e0/file-0 | od -c | head -3; tail -c 99 $N/d1/e1/file-1 | sha256sum");
    stage.same("dd if=$N/d2/e2/file-2 bs=777 skip=3 count=5 2>/dev/null | sha256sum");
    assert!(stage.pfs.cache().len() <= PAGES);
    let (hits, misses) = stage.pfs.cache().counts();
    assert!(hits > 100 && misses > 100, "it was the server that was read: {hits} hits, {misses} misses");
}

#[test]
fn trees_are_copied_in_out_and_within() {
    let stage = Stage::new();
    fs::create_dir(stage.tree().join("from")).unwrap();
    grow(&stage.tree().join("from"));
    let out = stage.dir.path().join("out");
    for line in [
        "cp -r $N/from $N/within".to_owned(),
        format!("cp -r $N/from {}", out.display()),
        format!("cp -r {} $N/back", out.display()),
        "mv $N/back $N/moved".to_owned(),
        "cat $N/from/d0/e0/file-0 > one && dd if=one of=$N/again bs=5000 2>/dev/null".to_owned(),
    ] {
        let output = stage.served(&line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let diff = |a: &Path, b: &Path| Command::new("diff").arg("-r").args([a, b]).status().unwrap().success();
    let tree = stage.tree();
    assert!(diff(&tree.join("from"), &tree.join("within")) && diff(&tree.join("from"), &out));
    assert!(diff(&tree.join("from"), &tree.join("moved")) && !tree.join("back").exists());
    assert!(diff(&tree.join("from/d0/e0/file-0"), &tree.join("again")));
    let output =
        stage.served("rm -r $N/within && mkdir $N/new && rmdir $N/new && truncate -s 10 $N/again && rm $N/again");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!tree.join("within").exists() && !tree.join("again").exists() && !tree.join("new").exists());
}

/// They ask for the descriptors of their streams.
#[test]
fn programs_with_streams_find_their_descriptors() {
    let stage = Stage::new();
    fs::write(stage.tree().join("lines"), "pear\napple\nfig\napple\n").unwrap();
    assert_eq!(stage.same("sort $N/lines"), "apple\napple\nfig\npear\n");
    let lines = [
        ("sed -i s/apple/plum/ $N/lines", "lines", "pear\nplum\nfig\nplum\n"),
        ("install -m 600 $N/lines $N/installed", "installed", "pear\nplum\nfig\nplum\n"),
    ];
    for (line, file, text) in lines {
        let output = stage.served(line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(fs::read_to_string(stage.tree().join(file)).unwrap(), text, "{line}");
    }
    // Permissions are made with a file and not changed: said by its name.
    let output = stage.served("install -m 755 $N/lines $N/changed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("Operation not supported"), "{said}");
}

/// A C program, compiled here: what coreutils do not do.
const PROGRAM: &str = r#"
#define _GNU_SOURCE
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static volatile int over;

static void *reads(void *fd) {
    char bytes[64];
    while (!over) {
        assert(pread(*(int *)fd, bytes, 64, 0) == 12);
        int own = open("/nearcall-n/one/lines", O_RDONLY);
        assert(own >= 0 && read(own, bytes, 64) == 12 && close(own) == 0);
        DIR *dir = opendir("/nearcall-n/one");
        assert(dir && readdir(dir) && closedir(dir) == 0);
    }
    return 0;
}

int main(void) {
    /* Forked before anything was asked for: it binds for itself. */
    pid_t early = fork();
    if (early == 0) {
        int own = open("/nearcall-n/one/early", O_WRONLY | O_CREAT, 0600);
        _exit(own >= 0 && write(own, "e", 1) == 1 && close(own) == 0 && unlink("/nearcall-n/one/early") == 0 ? 0 : 1);
    }
    int early_status;
    assert(waitpid(early, &early_status, 0) == early && early_status == 0);
    char bytes[64];
    int fd = open("/nearcall-n/one/f", O_RDWR | O_CREAT | O_TRUNC, 0640);
    assert(fd >= 0 && write(fd, "hello, world", 12) == 12);
    int two = dup(fd), three = dup2(fd, 77), four = fcntl(fd, F_DUPFD, 100);
    assert(two > fd && three == 77 && four >= 100);
    assert(lseek(two, 0, SEEK_CUR) == 12 && lseek(77, 7, SEEK_SET) == 7);
    assert(read(four, bytes, 64) == 5 && !memcmp(bytes, "world", 5));
    assert(close(two) == 0 && close(77) == 0 && close(four) == 0);
    errno = 0;
    assert(read(77, bytes, 1) == -1 && errno == EBADF);
    struct iovec parts[2] = {{bytes, 5}, {bytes + 10, 20}};
    assert(preadv(fd, parts, 2, 0) == 12 && !memcmp(bytes + 10, ", world", 7));
    assert(pwrite(fd, "J", 1, 0) == 1 && lseek(fd, 0, SEEK_END) == 12);
    assert(mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == ENODEV);
    assert((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR && !isatty(fd));
    off_t from = 0;
    int copy = openat(AT_FDCWD, "/nearcall-n/../nearcall-n//one/./copy", O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert(copy >= 0 && copy_file_range(fd, &from, copy, 0, 100, 0) == 12 && from == 12);
    assert(copy_file_range(fd, &from, copy, 0, 100, 0) == 0 && ftruncate(copy, 5) == 0 && fsync(copy) == 0);
    struct stat stat_of;
    assert(fstat(copy, &stat_of) == 0 && stat_of.st_size == 5 && S_ISREG(stat_of.st_mode));
    assert(close(copy) == 0 && open("/nearcall-n/one/copy", O_WRONLY | O_CREAT | O_EXCL, 0600) == -1 && errno == EEXIST);

    FILE *file = fopen("/nearcall-n/one/lines", "w+");
    assert(file && fprintf(file, "%d\n%d\n", 17, 4711) == 8 && fseek(file, 3, SEEK_SET) == 0);
    int n = 0;
    assert(fscanf(file, "%d", &n) == 1 && n == 4711 && fclose(file) == 0);
    assert((file = fopen("/nearcall-n/one/lines", "a")) && fputs("end\n", file) >= 0 && fclose(file) == 0);
    assert((file = fopen64("/nearcall-n/one/lines", "re")) && fread(bytes, 1, 64, file) == 12 && feof(file));
    assert(!memcmp(bytes, "17\n4711\nend\n", 12) && fclose(file) == 0);
    assert(!fopen("/nearcall-n/one/none", "r") && errno == ENOENT);

    DIR *dir = opendir("/nearcall-n/one");
    assert(dir);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] != '.') { count++; assert(fstatat(dirfd(dir), entry->d_name, &stat_of, 0) == 0); }
    }
    assert(count == 3);
    rewinddir(dir);
    assert(!strcmp(readdir(dir)->d_name, ".") && closedir(dir) == 0);
    dir = opendir("/nearcall-n");
    assert(dir && readdir(dir) && readdir(dir) && !strcmp(readdir(dir)->d_name, "one") && closedir(dir) == 0);

    /* A child binds for itself. Positions are shared, and descriptors are of the same file or of none. */
    int gone = open("/nearcall-n/one/gone", O_RDWR | O_CREAT, 0600), other = open("/nearcall-n/one/other", O_RDWR | O_CREAT, 0600);
    int log = open("/nearcall-n/one/log", O_WRONLY | O_CREAT | O_APPEND, 0600), logged = dup(log);
    assert(gone >= 0 && other >= 0 && logged >= 0 && unlink("/nearcall-n/one/gone") == 0);
    assert(rename("/nearcall-n/one/other", "/nearcall-n/one/moved") == 0);
    assert(close(open("/nearcall-n/one/other", O_WRONLY | O_CREAT, 0600)) == 0);
    assert(lseek(fd, 0, SEEK_SET) == 0 && read(fd, bytes, 1) == 1 && write(log, "a", 1) == 1);
    pid_t child = fork();
    if (child == 0) {
        if (read(fd, bytes, 4) != 4 || memcmp(bytes, "ello", 4)) _exit(1);
        if (write(logged, "b", 1) != 1 || write(log, "c", 1) != 1 || lseek(logged, 0, SEEK_CUR) != 3) _exit(2);
        if (pread(gone, bytes, 1, 0) != -1 || errno != ESTALE) _exit(3);
        if (pread(other, bytes, 1, 0) != -1 || errno != ESTALE) _exit(4);
        int own = open("/nearcall-n/one/lines", O_RDONLY);
        if (own < 0 || read(own, bytes, 2) != 2 || memcmp(bytes, "17", 2)) _exit(5);
        pid_t grandchild = fork();
        if (grandchild == 0) {
            if (read(fd, bytes, 2) != 2 || memcmp(bytes, ", ", 2) || read(own, bytes, 2) != 2 || bytes[1] != '4') _exit(1);
            _exit(close(fd) == 0 ? 0 : 2);
        }
        int grandstatus;
        if (waitpid(grandchild, &grandstatus, 0) != grandchild || grandstatus != 0) _exit(6);
        _exit(close(fd) == 0 ? 0 : 7);
    }
    int status;
    assert(waitpid(child, &status, 0) == child);
    if (status) { fprintf(stderr, "child: %x\n", status); return 1; }
    assert(read(fd, bytes, 64) == 5 && !memcmp(bytes, "world", 5) && write(log, "d", 1) == 1);
    assert(pread(gone, bytes, 1, 0) == 0 && pread(other, bytes, 1, 0) == 0);
    assert(fstat(log, &stat_of) == 0 && stat_of.st_size == 4);
    for (const char **name = (const char *[]){"other", "moved", "log", 0}; *name; name++) {
        char path[64];
        snprintf(path, sizeof path, "/nearcall-n/one/%s", *name);
        assert(unlink(path) == 0);
    }

    /* Whatever the other kernel threads are in the middle of. */
    pthread_t busy[2];
    for (int i = 0; i < 2; i++) assert(pthread_create(&busy[i], 0, reads, &fd) == 0);
    for (int i = 0; i < 25; i++) {
        child = fork();
        if (child == 0) {
            int own = open("/nearcall-n/one/lines", O_RDONLY);
            _exit(own >= 0 && read(own, bytes, 2) == 2 && pread(fd, bytes, 1, 0) == 1 && bytes[0] == 'J' ? 0 : 1);
        }
        assert(waitpid(child, &status, 0) == child && status == 0);
    }
    over = 1;
    for (int i = 0; i < 2; i++) assert(pthread_join(busy[i], 0) == 0);

    /* What there is not is refused, and not done to something else. */
    errno = 0; assert(chdir("/nearcall-n/one") == -1 && errno == ENOTSUP);
    {
    struct stat has; assert(stat("/nearcall-n/one/f", &has) == 0);
    errno = 0; assert(chmod("/nearcall-n/one/f", has.st_mode ^ 0100) == -1 && errno == ENOTSUP);
    assert(chmod("/nearcall-n/one/f", has.st_mode) == 0 && fgetxattr(0, "user.a", 0, 0) == -1);
    FILE *named = fopen("/nearcall-n/one/f", "r"), *other = fopen("/nearcall-n/one/f", "r");
    assert(named && other && fileno(named) != fileno(other) && fileno_unlocked(named) == fileno(named));
    struct stat by; assert(fstat(fileno(named), &by) == 0 && by.st_ino == has.st_ino);
    errno = 0; assert(fchmod(fileno(named), has.st_mode ^ 0100) == -1 && errno == ENOTSUP && fchmod(fileno(other), has.st_mode) == 0);
    errno = 0; assert(fsetxattr(fileno(other), "user.a", "b", 1, 0) == -1 && errno == ENOTSUP);
    int was = fileno(named); assert(fclose(named) == 0);
    FILE *real = fopen("/dev/null", "r"); assert(real && fileno(real) == was && fclose(real) == 0);
    FILE *again = fdopen(open("/nearcall-n/one/f", O_RDONLY), "r"); assert(again && fileno(again) == was && fclose(again) == 0);
    assert(fclose(other) == 0 && fileno(stdin) == 0);
    }
    errno = 0; assert(symlink("f", "/nearcall-n/one/l") == -1 && errno == ENOTSUP);
    errno = 0; assert(rename("/nearcall-n/one/f", "/tmp/nearcall-f") == -1 && errno == EXDEV);
    errno = 0; assert(open("/nearcall-n/two/f", O_RDONLY) == -1 && errno == ENOENT);
    errno = 0; assert(open("/nearcall-n/one", O_WRONLY) == -1 && errno == EISDIR);
    puts("done");
    return 0;
}
"#;

#[test]
fn a_program_of_its_own_finds_what_posix_says() {
    let stage = Stage::new();
    let Some(program) = compiled(stage.dir.path(), "p", PROGRAM) else { return };
    let output = stage.command(program.to_str().unwrap()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && output.stdout == b"done\n", "{:?}: {said}", output.status);
    assert_eq!(fs::read(stage.tree().join("f")).unwrap(), b"Jello, world");
    assert_eq!(fs::read(stage.tree().join("lines")).unwrap(), b"17\n4711\nend\n");
}

#[test]
fn without_a_server_there_is_no_file_behind_the_prefix() {
    let stage = Stage::new();
    let real = stage.dir.path().join("real");
    fs::create_dir(&real).unwrap();
    fs::write(real.join("f"), "the real file").unwrap();
    // The prefix is where a real file is.
    let cat = |name: &str| {
        let mut command = stage.command("cat");
        command
            .env("NEARCALL_FILES_PREFIX", &real)
            .env("NEARCALL_FILES_VFS", name)
            .arg(real.join("f"))
            .output()
            .unwrap()
    };
    let output = cat("nobody");
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("Host is down"), "{output:?}");
    let output = cat("vfs");
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("No such file"), "{output:?}");
}

#[test]
fn fio_finds_what_it_wrote() {
    let stage = Stage::new();
    if !is_there("fio") {
        return;
    }
    let size = number("NEARCALL_TEST_MIB", 8);
    // Jobs that are kernel threads, and jobs that fio forks once it has laid out their files.
    for (name, how) in [("t", "--thread=1"), ("f", "--thread=0")] {
        let output = stage
            .command("fio")
            .args(["--ioengine=psync", "--rw=randwrite", "--bs=4k", "--verify=crc32c", "--do_verify=1"])
            .args(["--verify_fatal=1", "--group_reporting", "--fallocate=none", "--numjobs=2", how])
            .args([format!("--name={name}"), format!("--size={size}m"), format!("--directory={SEEN}")])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("err= 0"), "{how}: {said}{complained}");
        for job in 0..2 {
            let written = fs::metadata(stage.tree().join(format!("{name}.{job}.0"))).unwrap().len();
            assert_eq!(written, (size as u64) << 20, "{how}, job {job}");
        }
    }
    assert!(stage.pfs.cache().len() <= PAGES);
}

/*
 * The file system of the IDL4 paper in C: a server of words in memory, and a client that asks everything of one.
 *
 *   pfs serve DIR    exports "pfs" in DIR, says "ready", and ends when its input does
 *   pfs call DIR     calls "pfs" in DIR; ends with 0 if every answer was right
 */
#include "pfs.h"

#include <pthread.h>
#include <stdio.h>

#define FILES 16
#define WORDS 8192

struct words {
    pthread_mutex_t lock;
    int32_t used;
    int32_t size[FILES];
    int32_t words[FILES][WORDS];
};

static int32_t pfs_do_open(void *self, int32_t client, int32_t fobj, int32_t flags, int32_t mode, int32_t *handle, nearcall_env *env) {
    struct words *all = (struct words *)self;
    nearcall_caller caller;
    (void)client;
    (void)flags;
    (void)mode;
    if (!nearcall_who(&caller) || nearcall_remaining_ns() == 0 || nearcall_is_cancelled()) {
        env->status = NEARCALL_PANICKED;
        return 0;
    }
    if (fobj < 1 || fobj > FILES) return -22;
    pthread_mutex_lock(&all->lock);
    if (all->used < fobj) all->used = fobj;
    pthread_mutex_unlock(&all->lock);
    *handle = fobj - 1;
    return 0;
}

static int32_t pfs_do_write(void *self, int32_t handle, int32_t *pos, int32_t len, int32_t data_size, const int32_t *data, nearcall_env *env) {
    struct words *all = (struct words *)self;
    int32_t result = -22;
    (void)env;
    pthread_mutex_lock(&all->lock);
    if (handle < 0 || handle >= all->used) {
        result = -2;
    } else if (len >= 0 && len <= data_size && *pos >= 0 && *pos <= all->size[handle] && *pos + len <= WORDS) {
        memcpy(all->words[handle] + *pos, data, (size_t)len * sizeof *data);
        *pos += len;
        all->size[handle] = *pos;
        result = len;
    }
    pthread_mutex_unlock(&all->lock);
    return result;
}

static int32_t pfs_do_get_direntries(void *self, int32_t handle, int32_t *pos, int32_t count, int32_t *data_size, int32_t **data, nearcall_env *env) {
    struct words *all = (struct words *)self;
    int32_t result = -2;
    pthread_mutex_lock(&all->lock);
    if (handle >= 0 && handle < all->used && *pos >= 0 && *pos <= all->size[handle] && count >= 0) {
        int32_t found = all->size[handle] - *pos;
        if (found > count) found = count;
        /* A copy of its own: the words may change before the stub has read them. */
        *data = (int32_t *)nearcall_alloc(env->call, (size_t)found * sizeof **data);
        memcpy(*data, all->words[handle] + *pos, (size_t)found * sizeof **data);
        *data_size = found;
        *pos += found;
        result = 0;
    }
    pthread_mutex_unlock(&all->lock);
    return result;
}

static int serve(const char *dir) {
    static struct words all = { .lock = PTHREAD_MUTEX_INITIALIZER };
    const pfs_server server = { &all, pfs_do_open, pfs_do_write, pfs_do_get_direntries };
    nearcall_export_options options = { .dir = dir };
    nearcall_export *service;
    nearcall_status status = pfs_export("pfs", &server, &options, &service);
    if (status != NEARCALL_OK) {
        fprintf(stderr, "%s: %s\n", nearcall_text(status), nearcall_why());
        return 1;
    }
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF) {}
    return nearcall_withdraw(service, UINT64_C(5000000000)) == NEARCALL_OK ? 0 : 1;
}

/* Under valgrind, on a machine with other things to do, a handshake can take longer than it may. */
#define BIND(bound) do env.status = (bound); while (env.status == NEARCALL_BIND_TIMEOUT || env.status == NEARCALL_BIND_CLOSED)

#define CHECK(what) do { if (!(what)) { fprintf(stderr, "line %d: %s; status %d: %s\n", __LINE__, #what, env.status, nearcall_text(env.status)); return 1; } } while (0)

static int call(const char *dir) {
    static int32_t data[5000];
    nearcall_bind_options options = { .dir = dir };
    nearcall_binding *pfs;
    nearcall_env env;
    int32_t handle = 77, pos = 0, size = -1, *read = NULL;
    memset(&env, 0, sizeof env);
    env.status = pfs_bind("nobody", &options, &pfs);
    CHECK(env.status == NEARCALL_BIND_NOT_FOUND && strstr(nearcall_why(), "nobody"));
    env.status = pfs_bind("chan://127.0.0.1:9/pfs", &options, &pfs);
    CHECK(env.status == NEARCALL_BIND_UNSUPPORTED && strstr(nearcall_why(), "near calls only"));
    BIND(pfs_bind("pfs", &options, &pfs));
    CHECK(env.status == NEARCALL_OK && nearcall_is_live(pfs));

    CHECK(pfs_open(pfs, 1, 3, 0, 0, &handle, &env) == 0 && env.status == NEARCALL_OK && handle == 2);
    for (int32_t i = 0; i < 5000; i++) data[i] = i * 3;
    /* Beyond the frame: out of band. */
    CHECK(pfs_write(pfs, handle, &pos, 5000, 5000, data, &env) == 5000 && env.status == NEARCALL_OK && pos == 5000);
    pos = 10;
    CHECK(pfs_get_direntries(pfs, handle, &pos, 4, &size, &read, &env) == 0 && env.status == NEARCALL_OK);
    CHECK(pos == 14 && size == 4 && memcmp(read, data + 10, 4 * sizeof *read) == 0);
    free(read);
    pos = 0;
    CHECK(pfs_get_direntries(pfs, handle, &pos, 5000, &size, &read, &env) == 0 && size == 5000);
    CHECK(memcmp(read, data, sizeof data) == 0);
    free(read);
    read = NULL;
    CHECK(pfs_write(pfs, 15, &pos, 0, 0, NULL, &env) == -2 && env.status == NEARCALL_OK);
    for (int32_t i = 0; i < 2000; i++) {
        pos = i;
        CHECK(pfs_write(pfs, 0, &pos, 1, 1, &i, &env) == 1 && pos == i + 1);
    }

    /* What cannot be sent leaves everything as it was. */
    pos = 5;
    CHECK(pfs_write(pfs, handle, &pos, 0, -1, data, &env) == 0 && env.status == NEARCALL_TOO_LARGE && env.limit == 1048576);
    CHECK(pos == 5 && env.ran == NEARCALL_RAN_NO);
    CHECK(pfs_write(pfs, handle, &pos, 0, 300000, data, &env) == 0 && env.status == NEARCALL_TOO_LARGE && env.size == 1200000);
    nearcall_unbind(pfs);
    nearcall_unbind(NULL);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "serve") == 0) return serve(argv[2]);
    if (argc == 3 && strcmp(argv[1], "call") == 0) return call(argv[2]);
    fputs("usage: pfs serve|call DIR\n", stderr);
    return 2;
}

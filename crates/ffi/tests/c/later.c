/*
 * Replies that come later, in C.
 *
 *   later serve DIR    exports "store" in DIR, says "ready", and ends when its input does
 *   later call DIR     calls "store" in DIR; ends with 0 if every answer was right
 */
#include "later.h"

#include <pthread.h>
#include <stdio.h>

#define MOST 64

struct shelf {
    pthread_mutex_t lock;
    int32_t count;
    char *keys[MOST];
    nearcall_reply *replies[MOST];
};

static void shelf_await(void *self, const char *key, nearcall_reply *reply, nearcall_env *env) {
    struct shelf *shelf = (struct shelf *)self;
    nearcall_caller caller;
    (void)env;
    if (!nearcall_reply_who(reply, &caller) || nearcall_reply_remaining_ns(reply) == 0) {
        nearcall_reply_drop(reply);
        return;
    }
    if (!*key) {
        /* Before the procedure returns, and from memory that is gone when it has. */
        char text[] = "none";
        later_missing none = { text };
        store_until_reply(reply, NULL, &none);
        text[0] = 'X';
        return;
    }
    pthread_mutex_lock(&shelf->lock);
    if (shelf->count < MOST) {
        shelf->keys[shelf->count] = strdup(key);
        shelf->replies[shelf->count++] = reply;
        reply = NULL;
    }
    pthread_mutex_unlock(&shelf->lock);
    nearcall_reply_drop(reply);
}

struct doubled {
    int32_t number;
    nearcall_reply *reply;
};

static void *later_twice(void *with) {
    struct doubled *doubled = (struct doubled *)with;
    store_twice_reply(doubled->reply, doubled->number * 2);
    free(doubled);
    return NULL;
}

static void shelf_twice(void *self, int32_t number, nearcall_reply *reply, nearcall_env *env) {
    struct doubled *doubled = (struct doubled *)malloc(sizeof *doubled);
    pthread_t thread;
    (void)self;
    (void)env;
    if (!doubled) {
        nearcall_reply_drop(reply);
        return;
    }
    doubled->number = number;
    doubled->reply = reply;
    if (pthread_create(&thread, NULL, later_twice, doubled) == 0) {
        pthread_detach(thread);
    } else {
        nearcall_reply_drop(reply);
        free(doubled);
    }
}

static void shelf_many(void *self, int32_t count, nearcall_reply *reply, nearcall_env *env) {
    static const int32_t none[1];
    later_i32_seq numbers;
    (void)self;
    (void)env;
    numbers.count = (uint32_t)count;
    numbers.items = count > 0 ? (int32_t *)calloc((size_t)count, sizeof *numbers.items) : (int32_t *)none;
    for (int32_t i = 0; i < count; i++) numbers.items[i] = i * 7;
    store_many_reply(reply, &numbers);
    if (count > 0) free(numbers.items);
}

static void shelf_nothing(void *self, nearcall_reply *reply, nearcall_env *env) {
    (void)self;
    (void)env;
    store_nothing_reply(reply);
}

/* Takes one of those who wait for `key` out. */
static nearcall_reply *take(struct shelf *shelf, const char *key) {
    nearcall_reply *reply = NULL;
    pthread_mutex_lock(&shelf->lock);
    for (int32_t i = 0; i < shelf->count && !reply; i++) {
        if (strcmp(shelf->keys[i], key) != 0) continue;
        reply = shelf->replies[i];
        free(shelf->keys[i]);
        shelf->keys[i] = shelf->keys[--shelf->count];
        shelf->replies[i] = shelf->replies[shelf->count];
    }
    pthread_mutex_unlock(&shelf->lock);
    return reply;
}

static int32_t shelf_put(void *self, const char *key, const char *value, nearcall_env *env) {
    struct shelf *shelf = (struct shelf *)self;
    nearcall_reply *reply;
    int32_t count = 0;
    (void)env;
    while ((reply = take(shelf, key)) != NULL) {
        later_missing missing = { (char *)key };
        later_found found = { (char *)value, ++count };
        store_until_reply(reply, &found, *value ? NULL : &missing);
    }
    return count;
}

static int32_t shelf_forget(void *self, const char *key, nearcall_env *env) {
    nearcall_reply *reply;
    int32_t count = 0;
    (void)env;
    for (; (reply = take((struct shelf *)self, key)) != NULL; count++) nearcall_reply_drop(reply);
    return count;
}

static void shelf_waiting(void *self, int32_t *all, int32_t *over, nearcall_env *env) {
    struct shelf *shelf = (struct shelf *)self;
    (void)env;
    pthread_mutex_lock(&shelf->lock);
    *all = shelf->count;
    for (int32_t i = 0; i < shelf->count; i++) *over += nearcall_reply_is_cancelled(shelf->replies[i]);
    pthread_mutex_unlock(&shelf->lock);
}

static int serve(const char *dir) {
    static struct shelf shelf = { .lock = PTHREAD_MUTEX_INITIALIZER };
    const store_server server = { &shelf, shelf_await, shelf_twice, shelf_many, shelf_nothing, shelf_put, shelf_forget, shelf_waiting };
    nearcall_export_options options = { .dir = dir };
    nearcall_export *service;
    nearcall_status status = store_export("store", &server, &options, &service);
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

struct waiter {
    nearcall_binding *store;
    nearcall_env env;
    later_found found;
};

static void *waits(void *with) {
    struct waiter *waiter = (struct waiter *)with;
    later_missing missing = { NULL };
    store_until(waiter->store, "key", &waiter->found, &missing, &waiter->env);
    free(missing.key);
    return NULL;
}

static int call(const char *dir) {
    nearcall_bind_options options = { .dir = dir };
    nearcall_binding *store;
    nearcall_env env;
    pthread_t thread;
    struct waiter waiter;
    later_found found = { NULL, 0 };
    later_missing missing = { NULL };
    later_i32_seq numbers = { 0, NULL };
    int32_t all = 0, over = 0;
    memset(&env, 0, sizeof env);
    memset(&waiter, 0, sizeof waiter);
    BIND(store_bind("store", &options, &store));
    CHECK(env.status == NEARCALL_OK);
    CHECK(store_twice(store, 21, &env) == 42 && env.status == NEARCALL_OK);
    store_nothing(store, &env);
    CHECK(env.status == NEARCALL_OK);
    /* Once in the frame, once out of band. */
    store_many(store, 3, &numbers, &env);
    CHECK(env.status == NEARCALL_OK && numbers.count == 3 && numbers.items[2] == 14);
    free(numbers.items);
    numbers.items = NULL;
    store_many(store, 5000, &numbers, &env);
    CHECK(env.status == NEARCALL_OK && numbers.count == 5000 && numbers.items[4999] == 4999 * 7);
    free(numbers.items);
    store_until(store, "", &found, &missing, &env);
    CHECK(env.status == NEARCALL_RAISED && strcmp(missing.key, "none") == 0);
    free(missing.key);
    missing.key = NULL;

    waiter.store = store;
    for (int round = 0; round < 3; round++) {
        CHECK(pthread_create(&thread, NULL, waits, &waiter) == 0);
        do store_waiting(store, &all, &over, &env); while (env.status == NEARCALL_OK && all == 0);
        CHECK(env.status == NEARCALL_OK && all == 1 && over == 0);
        if (round == 0) CHECK(store_put(store, "key", "value", &env) == 1);
        if (round == 1) CHECK(store_put(store, "key", "", &env) == 1);
        if (round == 2) CHECK(store_forget(store, "key", &env) == 1);
        pthread_join(thread, NULL);
        if (round == 0) CHECK(waiter.env.status == NEARCALL_OK && strcmp(waiter.found.text, "value") == 0 && waiter.found.count == 1);
        if (round == 1) CHECK(waiter.env.status == NEARCALL_RAISED);
        if (round == 2) CHECK(waiter.env.status == NEARCALL_ABORTED && waiter.env.ran == NEARCALL_RAN_MAYBE);
    }
    free(waiter.found.text);

    /* A time-out for one call, and none left of it for the next. */
    nearcall_within(UINT64_C(50000000));
    store_until(store, "key", &found, &missing, &env);
    CHECK(env.status == NEARCALL_TIMEOUT && env.ran == NEARCALL_RAN_MAYBE);
    do store_waiting(store, &all, &over, &env); while (env.status == NEARCALL_OK && over == 0);
    CHECK(all == 1 && over == 1 && store_put(store, "key", "late", &env) == 1);
    CHECK(store_twice(store, 4, &env) == 8 && env.status == NEARCALL_OK);
    nearcall_unbind(store);
    return 0;
}

struct slow {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool runs, may_go;
    nearcall_binding *store;
};

static void slow_nothing(void *self, nearcall_reply *reply, nearcall_env *env) {
    struct slow *slow = (struct slow *)self;
    (void)env;
    pthread_mutex_lock(&slow->lock);
    slow->runs = true;
    pthread_cond_signal(&slow->changed);
    while (!slow->may_go) pthread_cond_wait(&slow->changed, &slow->lock);
    pthread_mutex_unlock(&slow->lock);
    store_nothing_reply(reply);
}

static void *calls_slowly(void *with) {
    nearcall_env env;
    store_nothing(((struct slow *)with)->store, &env);
    return env.status == NEARCALL_OK ? with : NULL;
}

/* What a program gets that hands this library what it should not, or leaves too early. */
static int misuse(const char *dir) {
    static struct shelf shelf = { .lock = PTHREAD_MUTEX_INITIALIZER };
    const store_server server = { &shelf, shelf_await, shelf_twice, shelf_many, shelf_nothing, shelf_put, shelf_forget, shelf_waiting };
    nearcall_bind_options options = { .dir = dir };
    nearcall_binding *store = NULL;
    nearcall_env env;
    memset(&env, 0, sizeof env);
    env.status = store_bind("\xff\xfe", &options, &store);
    CHECK(env.status == NEARCALL_NOT_UTF8 && strstr(nearcall_why(), "UTF-8"));
    options.dir = "/\xff";
    env.status = store_bind("store", &options, &store);
    CHECK(env.status == NEARCALL_NOT_UTF8);
    options.dir = dir;
    /* What was there before is gone after a failure, so that it cannot be freed on the way out. */
    store = (nearcall_binding *)&env;
    env.status = nearcall_bind("store", NULL, &options, &store);
    CHECK(env.status == NEARCALL_BAD_INTERFACE && !store);
    nearcall_export *service = (nearcall_export *)&env;
    env.status = nearcall_export_service("store", NULL, NULL, (void *)&server, NULL, &service);
    CHECK(env.status == NEARCALL_BAD_INTERFACE && !service);

    static struct slow slow = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
    const store_server late = { &slow, NULL, NULL, NULL, slow_nothing, NULL, NULL, NULL };
    nearcall_export_options where = { .dir = dir };
    pthread_t thread;
    void *answered = NULL;
    env.status = store_export("slow", &late, &where, &service);
    CHECK(env.status == NEARCALL_OK);
    BIND(store_bind("slow", &options, &slow.store));
    CHECK(env.status == NEARCALL_OK);
    CHECK(pthread_create(&thread, NULL, calls_slowly, &slow) == 0);
    pthread_mutex_lock(&slow.lock);
    while (!slow.runs) pthread_cond_wait(&slow.changed, &slow.lock);
    pthread_mutex_unlock(&slow.lock);
    env.status = nearcall_withdraw(service, 0);
    CHECK(env.status == NEARCALL_STILL_RUNNING && strstr(nearcall_why(), "1 calls"));
    pthread_mutex_lock(&slow.lock);
    slow.may_go = true;
    pthread_cond_signal(&slow.changed);
    pthread_mutex_unlock(&slow.lock);
    pthread_join(thread, &answered);
    CHECK(answered == &slow);
    nearcall_unbind(slow.store);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "serve") == 0) return serve(argv[2]);
    if (argc == 3 && strcmp(argv[1], "call") == 0) return call(argv[2]);
    if (argc == 3 && strcmp(argv[1], "misuse") == 0) return misuse(argv[2]);
    fputs("usage: later serve|call|misuse DIR\n", stderr);
    return 2;
}

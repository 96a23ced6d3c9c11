/*
 * Stands in for the library, with a peer that sends nothing but nonsense: heads and tails of random bytes, as requests to server stubs
 * and as replies to client stubs. Linked with a program that relays every call (library.c), whose export is where it begins.
 * Each part is handed over in memory of exactly its size, so that a sanitizer sees whoever reads or writes one byte too many.
 *
 *   NEARCALL_TEST_ROUNDS   requests; 20,000
 */
#include "nearcall_stub.h"

#include <stdio.h>

#define OWNED 256
#define TAIL 400

struct nearcall_interface;

static uint64_t state = 88172645463325252u;

static uint64_t bits(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Numbers that are counts, letters, and anything. */
static void nonsense(void *into, size_t size) {
    uint8_t *at = (uint8_t *)into;
    while (size > 0) {
        uint8_t word[8] = { 0 };
        uint64_t any = bits();
        size_t some = size < 4 ? size : 4;
        switch (bits() % 8) {
        case 0: memcpy(word, &any, 4); break;
        case 1: case 2:
            for (int i = 0; i < 4; i++) word[i] = (uint8_t)('a' + (any >> (i * 8)) % 26);
            break;
        default: word[0] = (uint8_t)(any % 5);
        }
        memcpy(at, word, some);
        at += some;
        size -= some;
    }
}

struct owned {
    void *memory[OWNED];
    size_t count;
};

static void *own(struct owned *owned, size_t size) {
    if (owned->count == OWNED || size > 1 << 22) return NULL;
    return owned->memory[owned->count++] = calloc(1, size ? size : 1);
}

static void give_up(struct owned *owned) {
    while (owned->count > 0) free(owned->memory[--owned->count]);
}

/* ---- a call that is served ---- */

struct nearcall_incoming {
    struct owned owned;
    size_t left;
    unsigned answered;
};

void *nearcall_alloc(nearcall_incoming *call, size_t size) { return own(&call->owned, size); }

nearcall_status nearcall_open(nearcall_incoming *call, uint8_t *head, size_t request_size, size_t reply_size) {
    (void)reply_size;
    nonsense(head, request_size);
    call->left = bits() % TAIL;
    return NEARCALL_OK;
}

nearcall_status nearcall_take(nearcall_incoming *call, size_t size, size_t max, size_t align, const void **bytes) {
    void *taken;
    (void)align;
    if (size > max) return NEARCALL_TOO_LARGE;
    if (size > call->left) return NEARCALL_BAD_ARGUMENT;
    call->left -= size;
    /* Not zeroed to a larger size: the last byte is the last one. */
    taken = own(&call->owned, size);
    if (!taken) return NEARCALL_OVERLOADED;
    nonsense(taken, size);
    *bytes = taken;
    return NEARCALL_OK;
}

nearcall_status nearcall_take_in_place(nearcall_incoming *call, size_t size, size_t max, nearcall_shared *shared) {
    memset(shared, 0, sizeof *shared);
    shared->size = size;
    if (size > max) return NEARCALL_TOO_LARGE;
    if (size > call->left) return NEARCALL_BAD_ARGUMENT;
    call->left -= size;
    return NEARCALL_OK;
}

size_t nearcall_shared_copy(const nearcall_shared *shared, size_t at, void *into, size_t size) {
    size_t some = at > shared->size ? 0 : shared->size - at < size ? shared->size - at : size;
    nonsense(into, some);
    return some;
}

nearcall_status nearcall_area_end(nearcall_incoming *call, size_t size, size_t align, size_t max, bool is_in, size_t *end) {
    (void)align;
    if (is_in && size > call->left) return NEARCALL_BAD_ARGUMENT;
    if (size > max) return NEARCALL_TOO_LARGE;
    *end = nearcall_plus(*end, size);
    return NEARCALL_OK;
}

nearcall_status nearcall_provide(nearcall_incoming *call, size_t end) {
    (void)call;
    return end > 1 << 20 ? NEARCALL_OVERLOADED : NEARCALL_OK;
}

nearcall_status nearcall_area(nearcall_incoming *call, size_t size, size_t align, bool is_in, void **area) {
    (void)align;
    if (is_in && size > call->left) return NEARCALL_BAD_ARGUMENT;
    if (is_in) call->left -= size;
    *area = own(&call->owned, size);
    if (!*area) return NEARCALL_OVERLOADED;
    nonsense(*area, size);
    return NEARCALL_OK;
}

nearcall_status nearcall_result(nearcall_incoming *call, size_t size, uint8_t **space) {
    *space = (uint8_t *)own(&call->owned, size);
    return *space ? NEARCALL_OK : NEARCALL_RESULT_TOO_LARGE;
}

static volatile uint8_t sink;

static void read_all(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) sink ^= bytes[i];
}

void nearcall_answer(nearcall_incoming *call, bool is_raised, const uint8_t *head, size_t size, bool places) {
    (void)is_raised;
    (void)places;
    read_all(head, size);
    call->answered++;
}

void nearcall_blocking(void (*run)(void *), void *with) { run(with); }

bool nearcall_is_utf8(const void *bytes, size_t size) {
    const uint8_t *at = (const uint8_t *)bytes;
    for (size_t i = 0; i < size; i++) {
        if (at[i] >= 0x80) return false;
    }
    return true;
}

/* ---- a call on its way ---- */

struct reply {
    struct owned owned;
    size_t at;
};

static struct reply *of(nearcall_call *call) {
    struct reply *reply;
    memcpy(&reply, call->opaque, sizeof reply);
    return reply;
}

/* Calls under way: each is over exactly once. */
static size_t under_way;

static nearcall_status over(nearcall_call *call, nearcall_status why, nearcall_env *env) {
    struct reply *none = NULL, *reply = of(call);
    if (!reply) {
        fputs("a call is over twice\n", stderr);
        abort();
    }
    give_up(&reply->owned);
    free(reply);
    memcpy(call->opaque, &none, sizeof none);
    under_way--;
    env->status = why;
    return why;
}

nearcall_status nearcall_begin(nearcall_binding *binding, uint16_t procedure, size_t request_size, size_t reply_size, nearcall_call *call, nearcall_env *env) {
    struct reply *reply = (struct reply *)calloc(1, sizeof *reply);
    (void)binding;
    (void)procedure;
    (void)request_size;
    (void)reply_size;
    memset(env, 0, sizeof *env);
    memcpy(call->opaque, &reply, sizeof reply);
    under_way++;
    return bits() % 32 == 0 ? over(call, NEARCALL_REVOKED, env) : NEARCALL_OK;
}

nearcall_status nearcall_space(nearcall_call *call, size_t size, size_t max, uint8_t **space, nearcall_env *env) {
    if (size > max) return over(call, NEARCALL_TOO_LARGE, env);
    *space = (uint8_t *)own(&of(call)->owned, size);
    return *space ? NEARCALL_OK : over(call, NEARCALL_NO_MEMORY, env);
}

void nearcall_drop(nearcall_call *call, nearcall_status why, nearcall_env *env) { over(call, why, env); }

nearcall_status nearcall_transfer(nearcall_call *call, const uint8_t *head, size_t head_size, bool places, nearcall_env *env) {
    (void)places;
    read_all(head, head_size);
    switch (bits() % 8) {
    case 0: return over(call, NEARCALL_PEER_DIED, env);
    case 1: return NEARCALL_RAISED;
    default: return NEARCALL_OK;
    }
}

nearcall_status nearcall_leave(nearcall_call *call, const uint8_t *head, size_t head_size, nearcall_env *env) {
    read_all(head, head_size);
    return over(call, NEARCALL_OK, env);
}

nearcall_status nearcall_reply_head(nearcall_call *call, uint8_t *head, size_t size, nearcall_env *env) {
    nonsense(head, size);
    return bits() % 64 == 0 ? over(call, NEARCALL_PEER_MISBEHAVED, env) : NEARCALL_OK;
}

size_t nearcall_reply_area(nearcall_call *call, size_t size, size_t align) {
    struct reply *reply = of(call);
    size_t at = reply->at;
    (void)align;
    reply->at = nearcall_plus(at, size);
    return at;
}

nearcall_status nearcall_reply_check(nearcall_call *call, size_t at, size_t size, nearcall_env *env) {
    return nearcall_plus(at, size) > TAIL ? over(call, NEARCALL_PEER_MISBEHAVED, env) : NEARCALL_OK;
}

nearcall_status nearcall_reply_copy(nearcall_call *call, size_t at, void *into, size_t size, nearcall_env *env) {
    if (nearcall_plus(at, size) > TAIL) return over(call, NEARCALL_PEER_MISBEHAVED, env);
    nonsense(into, size);
    return NEARCALL_OK;
}

nearcall_status nearcall_reply_tail_size(nearcall_call *call, size_t max, size_t *size, nearcall_env *env) {
    *size = bits() % TAIL;
    return *size > max ? over(call, NEARCALL_PEER_MISBEHAVED, env) : NEARCALL_OK;
}

nearcall_status nearcall_reply_tail(nearcall_call *call, uint8_t *into, size_t size, nearcall_env *env) {
    nonsense(into, size);
    return bits() % 64 == 0 ? over(call, NEARCALL_PEER_MISBEHAVED, env) : NEARCALL_OK;
}

void nearcall_end(nearcall_call *call, nearcall_status why, nearcall_env *env) { over(call, why, env); }

/* ---- the program that relays ---- */

const char *nearcall_text(nearcall_status status) { return status == NEARCALL_OK ? "it succeeded" : "it did not"; }
const char *nearcall_why(void) { return ""; }
void nearcall_unbind(nearcall_binding *binding) { (void)binding; }
nearcall_status nearcall_withdraw(nearcall_export *service, uint64_t timeout_ns) {
    (void)service;
    (void)timeout_ns;
    return NEARCALL_OK;
}

nearcall_status nearcall_bind(const char *name, const nearcall_interface *interface, const nearcall_bind_options *options, nearcall_binding **binding) {
    (void)name;
    (void)interface;
    (void)options;
    *binding = NULL;
    return NEARCALL_OK;
}

nearcall_status nearcall_export_service(const char *name, const nearcall_interface *interface, nearcall_serve serve, void *server, const nearcall_export_options *options, nearcall_export **service) {
    const char *said = getenv("NEARCALL_TEST_ROUNDS");
    unsigned long rounds = said ? strtoul(said, NULL, 10) : 20000, answered = 0, refused = 0;
    (void)name;
    (void)options;
    *service = NULL;
    /* What the relay says of calls that failed is of no interest. */
    if (!freopen("/dev/null", "w", stderr)) return NEARCALL_EXPORT_IO;
    for (unsigned long round = 0; round < rounds; round++) {
        nearcall_incoming call;
        nearcall_status status;
        memset(&call, 0, sizeof call);
        status = serve(server, (uint16_t)(bits() % (interface->procedure_count + 1u)), &call);
        if (call.answered != (status == NEARCALL_OK) || under_way != 0) abort();
        *(status == NEARCALL_OK ? &answered : &refused) += 1;
        give_up(&call.owned);
    }
    printf("%lu answered, %lu refused\n", answered, refused);
    fflush(stdout);
    return answered && refused ? NEARCALL_OK : NEARCALL_EXPORT_IO;
}

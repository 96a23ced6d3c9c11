/*
 * What stubs in C are written against. Not for people: names and signatures follow the interface compiler.
 *
 *   client: nearcall_begin, nearcall_space.., nearcall_transfer, nearcall_reply_head, _area, _copy, _tail, nearcall_end
 *   server: nearcall_open, nearcall_take, nearcall_area.., the procedure, nearcall_result, nearcall_answer
 *
 * A function that returns a status returns NEARCALL_OK or the reason why the call is over. A client's call that has failed holds nothing
 * any more; one that has not is ended by nearcall_end.
 */
#ifndef NEARCALL_STUB_H
#define NEARCALL_STUB_H

#include "nearcall.h"

#include <stdlib.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "numbers travel with their low byte first"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Which way a part of a procedure travels. */
enum { NEARCALL_IN, NEARCALL_IN_OUT, NEARCALL_OUT, NEARCALL_RETURN, NEARCALL_ERROR };
/* How it is carried. */
enum { NEARCALL_FIXED, NEARCALL_VARYING, NEARCALL_CONVENTIONAL, NEARCALL_ITEMS, NEARCALL_IN_PLACE };

/* A part of a procedure: a parameter, its result ("return") or its error ("error"). */
typedef struct nearcall_param {
    const char *name;
    const char *type;      /* as fingerprints spell it */
    uint32_t size;         /* bytes in the head */
    uint32_t max;          /* bytes beside it */
    uint8_t direction;
    uint8_t carried;
} nearcall_param;

typedef struct nearcall_procedure {
    const char *name;
    const char *origin;
    const nearcall_param *params;
    uint64_t timeout_ns;   /* 0: the default; UINT64_MAX: for ever */
    uint32_t request_size, reply_size, frame_size;
    uint16_t param_count;
    uint16_t concurrency;
    uint16_t grow;         /* up to so many A-stacks; 0: not at all */
    bool fails;            /* without a free one, instead of waiting */
    bool is_idempotent, is_handed_off;
} nearcall_procedure;

struct nearcall_interface {
    const char *name;
    const nearcall_procedure *procedures;
    uint64_t uuid_high, uuid_low;
    uint16_t major, minor;
    uint16_t procedure_count;
};

/* Serves one procedure: the loop, and behind it the stubs. Runs on several kernel threads at once. */
typedef nearcall_status (*nearcall_serve)(void *server, uint16_t procedure, nearcall_incoming *call);

nearcall_status nearcall_bind(const char *name, const nearcall_interface *interface, const nearcall_bind_options *options, nearcall_binding **binding);
nearcall_status nearcall_export_service(const char *name, const nearcall_interface *interface, nearcall_serve serve, void *server, const nearcall_export_options *options, nearcall_export **service);

/* A call on its way. No memory is allocated for it; what is in it is of no concern to C. */
typedef struct nearcall_call {
    uint64_t opaque[48];
} nearcall_call;

nearcall_status nearcall_begin(nearcall_binding *binding, uint16_t procedure, size_t request_size, size_t reply_size, nearcall_call *call, nearcall_env *env);
/* The next `size` bytes of the request's tail, of a part that may have `max`: to be filled before anything else is done with the call. */
nearcall_status nearcall_space(nearcall_call *call, size_t size, size_t max, uint8_t **space, nearcall_env *env);
/* Gives a call up that was not transferred. */
void nearcall_drop(nearcall_call *call, nearcall_status why, nearcall_env *env);
/* Sends the request and waits. `places`: the reply may have parts beyond its line. NEARCALL_RAISED: the reply is the procedure's error. */
nearcall_status nearcall_transfer(nearcall_call *call, const uint8_t *head, size_t head_size, bool places, nearcall_env *env);
/* Sends the request and does not wait. */
nearcall_status nearcall_leave(nearcall_call *call, const uint8_t *head, size_t head_size, nearcall_env *env);
nearcall_status nearcall_reply_head(nearcall_call *call, uint8_t *head, size_t size, nearcall_env *env);
/* Where the next area of the reply begins. */
size_t nearcall_reply_area(nearcall_call *call, size_t size, size_t align);
/* Whether the reply has `size` bytes from byte `at` on. */
nearcall_status nearcall_reply_check(nearcall_call *call, size_t at, size_t size, nearcall_env *env);
nearcall_status nearcall_reply_copy(nearcall_call *call, size_t at, void *into, size_t size, nearcall_env *env);
/* How many bytes the tail has; and the tail, all of it. */
nearcall_status nearcall_reply_tail_size(nearcall_call *call, size_t max, size_t *size, nearcall_env *env);
nearcall_status nearcall_reply_tail(nearcall_call *call, uint8_t *into, size_t size, nearcall_env *env);
/* Ends a call that was transferred. `why`: NEARCALL_OK, or what the stub found wrong with the answer. */
void nearcall_end(nearcall_call *call, nearcall_status why, nearcall_env *env);

nearcall_status nearcall_open(nearcall_incoming *call, uint8_t *head, size_t request_size, size_t reply_size);
/* The next `size` bytes of the request's tail, copied where nobody changes them. */
nearcall_status nearcall_take(nearcall_incoming *call, size_t size, size_t max, size_t align, const void **bytes);
nearcall_status nearcall_take_in_place(nearcall_incoming *call, size_t size, size_t max, nearcall_shared *shared);
/* Where an area ends that begins after byte `*end` of the reply half; then room for all of them; then one after the other. */
nearcall_status nearcall_area_end(nearcall_incoming *call, size_t size, size_t align, size_t max, bool is_in, size_t *end);
nearcall_status nearcall_provide(nearcall_incoming *call, size_t end);
nearcall_status nearcall_area(nearcall_incoming *call, size_t size, size_t align, bool is_in, void **area);
/* Space for the tail of the results, once. */
nearcall_status nearcall_result(nearcall_incoming *call, size_t size, uint8_t **space);
void nearcall_answer(nearcall_incoming *call, bool is_raised, const uint8_t *head, size_t size, bool places);
/* The reply comes later: the token for it. After the procedure the stub returns NEARCALL_LATER. */
nearcall_status nearcall_defer(nearcall_incoming *call, nearcall_reply **reply);
/* The reply is made: as that of a call that is served, by nearcall_result and nearcall_answer, and ended by nearcall_finish. NULL without memory. */
nearcall_incoming *nearcall_resume(nearcall_reply *reply);
/* Ends what nearcall_resume began. `status`: NEARCALL_OK, or why it cannot be answered. */
void nearcall_finish(nearcall_incoming *call, nearcall_status status);
/* Whether the bytes are UTF-8. */
bool nearcall_is_utf8(const void *bytes, size_t size);

/* Runs `run` where the processor has gone on to other calls: for procedures that are handed off. */
void nearcall_blocking(void (*run)(void *), void *with);

/* ---- values ---- */

/* Levels of sequences in each other, of items without a fixed size. */
#define NEARCALL_DEPTH_MAX 64

typedef struct nearcall_int128 { uint64_t low; int64_t high; } nearcall_int128;
typedef struct nearcall_uint128 { uint64_t low, high; } nearcall_uint128;

/* Writes, or only counts, if there is nowhere to write. */
typedef struct nearcall_writer {
    uint8_t *at;
    size_t size;
    uint32_t depth;
    bool is_unfit;
} nearcall_writer;

/* Reads values from private memory. What they own comes from the call that is served, or else from malloc(): up to `memory` bytes. */
typedef struct nearcall_reader {
    const uint8_t *at;
    size_t left;
    size_t memory;
    nearcall_incoming *call;
    uint32_t depth;
    bool no_memory;
} nearcall_reader;

static inline void nearcall_put32(uint8_t *at, uint32_t value) { memcpy(at, &value, 4); }
static inline uint32_t nearcall_get32(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, 4);
    return value;
}
/* Byte `offset` of a head; nowhere, if that is nowhere: then a value is looked at and not written. */
static inline uint8_t *nearcall_at(uint8_t *at, size_t offset) { return at ? at + offset : NULL; }
/* A count, as heads have it; more than fits cannot be sent. */
static inline uint32_t nearcall_count(uint64_t count) { return count > UINT32_MAX ? UINT32_MAX : (uint32_t)count; }
static inline size_t nearcall_times(uint64_t count, size_t size) { return count > SIZE_MAX / size ? SIZE_MAX : (size_t)count * size; }
static inline size_t nearcall_plus(size_t a, size_t b) { return a > SIZE_MAX - b ? SIZE_MAX : a + b; }

static inline uint8_t *nearcall_write(nearcall_writer *to, size_t size) {
    uint8_t *at = to->at;
    to->size = nearcall_plus(to->size, size);
    if (at) to->at = at + size;
    return at;
}
static inline void nearcall_write_bytes(nearcall_writer *to, const void *bytes, size_t size) {
    uint8_t *at = nearcall_write(to, size);
    if (at && size) memcpy(at, bytes, size);
}
static inline void nearcall_write_count(nearcall_writer *to, uint64_t count) {
    uint8_t *at = nearcall_write(to, 4);
    if (at) nearcall_put32(at, nearcall_count(count));
}
static inline size_t nearcall_text_size(const char *text) { return text ? strlen(text) : 0; }
/* Text as it travels: without its NUL. */
static inline void nearcall_write_text(nearcall_writer *to, const char *text, uint64_t most) {
    size_t size = nearcall_text_size(text);
    if (size > most || (!to->at && !nearcall_is_utf8(text ? text : "", size))) to->is_unfit = true;
    nearcall_write_bytes(to, text, size);
}

static inline const uint8_t *nearcall_read(nearcall_reader *from, size_t size) {
    const uint8_t *at = from->at;
    if (size > from->left) return NULL;
    from->at += size;
    from->left -= size;
    return at;
}
static inline bool nearcall_read_count(nearcall_reader *from, uint32_t *count) {
    const uint8_t *at = nearcall_read(from, 4);
    if (!at) return false;
    *count = nearcall_get32(at);
    return *count <= from->left;
}
/* What a value that may have `max` bytes where it travels may take in memory: few bytes can be much, as arms of a union that are not there. */
static inline size_t nearcall_memory_of(size_t max) { return nearcall_plus(nearcall_times(max, 32), 65536); }
/* Bytes of that, for `size` in one piece. */
static inline size_t nearcall_piece(size_t size) { return nearcall_plus(size, 31) & ~(size_t)15; }
/* Memory for what a value owns, zeroed. */
static inline void *nearcall_own(nearcall_reader *from, size_t size) {
    size_t piece = nearcall_piece(size);
    void *memory;
    if (piece > from->memory) return NULL;
    memory = from->call ? nearcall_alloc(from->call, size) : calloc(1, size ? size : 1);
    if (memory) from->memory -= piece;
    else from->no_memory = true;
    return memory;
}
/* A larger piece in place of one that has been outgrown. The call that is served keeps both. */
static inline void *nearcall_outgrow(nearcall_reader *from, void *outgrown, size_t size, size_t larger) {
    void *memory = nearcall_own(from, larger);
    if (!memory) return NULL;
    memcpy(memory, outgrown, size);
    if (!from->call) {
        free(outgrown);
        from->memory += nearcall_piece(size);
    }
    return memory;
}
/* Text of `size` bytes, which become a string. A NUL inside would end it early, and is no text here. */
static inline bool nearcall_read_text(nearcall_reader *from, size_t size, uint64_t most, char **text) {
    const uint8_t *at = nearcall_read(from, size);
    char *copy;
    if (!at || size > most || memchr(at, 0, size) || !nearcall_is_utf8(at, size)) return false;
    copy = (char *)nearcall_own(from, size + 1);
    if (!copy) return false;
    if (size) memcpy(copy, at, size);
    *text = copy;
    return true;
}

/* How values of C's own types travel: `put` and `write` say whether a value is one, `get` and `read` whether the bytes are. `put` at NULL
   says nothing but that. */
#define NEARCALL_SCALAR(name, type, size) \
    static inline bool nearcall__write_##name(nearcall_writer *to, const type *value) { \
        uint8_t at[size]; \
        bool fits = nearcall__put_##name(at, value); \
        nearcall_write_bytes(to, at, size); \
        return fits; \
    } \
    static inline bool nearcall__read_##name(nearcall_reader *from, type *value) { \
        const uint8_t *at = nearcall_read(from, size); \
        return at && nearcall__get_##name(at, from, value); \
    }
#define NEARCALL_NUMBER(size) \
    static inline bool nearcall__put_##size(uint8_t *at, const void *value) { \
        if (at) memcpy(at, value, size); \
        return true; \
    } \
    static inline bool nearcall__get_##size(const uint8_t *at, nearcall_reader *from, void *value) { \
        (void)from; \
        memcpy(value, at, size); \
        return true; \
    } \
    NEARCALL_SCALAR(size, void, size)

NEARCALL_NUMBER(1)
NEARCALL_NUMBER(2)
NEARCALL_NUMBER(4)
NEARCALL_NUMBER(8)
NEARCALL_NUMBER(16)

static inline bool nearcall__put_bool(uint8_t *at, const bool *value) {
    if (at) *at = *value ? 1 : 0;
    return true;
}
static inline bool nearcall__get_bool(const uint8_t *at, nearcall_reader *from, bool *value) {
    (void)from;
    *value = *at == 1;
    return *at <= 1;
}
NEARCALL_SCALAR(bool, bool, 1)

/* Characters: Unicode's, without surrogates. */
static inline bool nearcall__is_wide(uint32_t value) { return value < 0xd800 || (value > 0xdfff && value <= 0x10ffff); }
static inline bool nearcall__put_wide(uint8_t *at, const uint32_t *value) {
    if (at) memcpy(at, value, 4);
    return nearcall__is_wide(*value);
}
static inline bool nearcall__get_wide(const uint8_t *at, nearcall_reader *from, uint32_t *value) {
    (void)from;
    memcpy(value, at, 4);
    return nearcall__is_wide(*value);
}
NEARCALL_SCALAR(wide, uint32_t, 4)

#undef NEARCALL_SCALAR
#undef NEARCALL_NUMBER

#ifdef __cplusplus
}
#endif

#endif

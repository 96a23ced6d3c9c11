/*
 * nearcall for programs in C: names, bindings, exports, and what a procedure can know of its call.
 *
 * The functions that call procedures, and those that a server implements, come from the interface compiler:
 * `nearcall idl compile files.idl --lang c --out DIR` (docs/idl.md, "C"). Link with libnearcall_ffi.
 *
 * Ownership, in one place:
 *   - What a function takes it does not keep, unless it says so. NAME_export() keeps the table of functions and its `self`
 *     until nearcall_withdraw() has returned NEARCALL_OK, or no procedure runs any more: so not on the stack of an earlier function.
 *   - What a client gets in an out parameter or a result it owns: `free()` for text and items, `NAME_free(&value)`
 *     for a type that owns memory, which frees what is in it.
 *   - In-out values that own memory: the stub frees what was in them and puts new memory there; so it was allocated
 *     with `malloc()`. After an error they are what they were.
 *   - A server's procedure owns nothing that it is handed: arguments live until the reply has left. What it puts into out
 *     parameters and results is read before the stub returns and is not freed: take it from `nearcall_alloc()`, which lasts as
 *     long as the arguments, or from anywhere else where nobody changes it meanwhile.
 *
 * Memory that a client or a procedure gives to be filled (out buffers, nearcall_shared_copy) holds some value already: from
 * calloc(), static, or written before.
 *
 * Threads: every function may be called by several kernel threads at once, also with one binding. A server's procedures are
 * called by several at once, too. What belongs to one call, as nearcall_alloc() does, is for one thread at a time. A procedure does not leave by longjmp().
 */
#ifndef NEARCALL_H
#define NEARCALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a call, a bind or an export ended in. docs/errors.md has the remedies. */
typedef int32_t nearcall_status;

enum {
    NEARCALL_OK = 0,
    NEARCALL_RAISED = 1, /* the procedure returned its own error */
    NEARCALL_PEER_DIED = 2,
    NEARCALL_PEER_RESTARTED = 3,
    NEARCALL_TIMEOUT = 4,
    NEARCALL_REVOKED = 5,
    NEARCALL_NO_ASTACK = 6,
    NEARCALL_TOO_LARGE = 7,
    NEARCALL_RESULT_TOO_LARGE = 8,
    NEARCALL_NO_MEMORY = 9,
    NEARCALL_WOULD_BLOCK = 10,
    NEARCALL_UNSENDABLE = 11,
    NEARCALL_UNRETURNABLE = 12,
    NEARCALL_BAD_ARGUMENT = 13,
    NEARCALL_PEER_MISBEHAVED = 14,
    NEARCALL_PANICKED = 15,
    NEARCALL_ABORTED = 16,
    NEARCALL_FORKED = 17,
    NEARCALL_OVERLOADED = 18,
    NEARCALL_TOO_DEEP = 19,
    NEARCALL_UNSUPPORTED = 20,
    NEARCALL_DENIED = 21,
    NEARCALL_TOO_MANY_STRINGS = 22,
    NEARCALL_NOT_PASSED = 23,
    NEARCALL_TOO_MANY_DESCRIPTORS = 24,

    NEARCALL_BIND_NOT_FOUND = 100,
    NEARCALL_BIND_DENIED = 101,
    NEARCALL_BIND_QUOTA = 102,
    NEARCALL_BIND_UID = 103,
    NEARCALL_BIND_INCOMPATIBLE = 104,
    NEARCALL_BIND_TIMEOUT = 105,
    NEARCALL_BIND_CLOSED = 106,
    NEARCALL_BIND_PEER_MISBEHAVED = 107,
    NEARCALL_BIND_NO_ROOM = 108,
    NEARCALL_BIND_VERSION = 109,
    NEARCALL_BIND_UNSUPPORTED = 110,
    NEARCALL_BIND_IO = 111,
    NEARCALL_NO_DOMAIN_FORKED = 112,

    NEARCALL_DIR_UNKNOWN = 120,
    NEARCALL_DIR_OWNER = 121,
    NEARCALL_DIR_MODE = 122,
    NEARCALL_DIR_RELATIVE = 123,
    NEARCALL_DIR_NOT_AN_EXPORT = 124,
    NEARCALL_DIR_IO = 125,
    NEARCALL_DIR_NAME = 126,

    NEARCALL_EXPORT_TAKEN = 130,
    NEARCALL_EXPORT_IO = 131,
    NEARCALL_STILL_RUNNING = 132, /* procedures have not ended in the time that nearcall_withdraw was given */

    NEARCALL_BAD_INTERFACE = 140, /* the tables of an interface are not what its compiler makes */
    NEARCALL_NOT_UTF8 = 141,      /* a name or a directory is no UTF-8 */

    NEARCALL_LATER = 150          /* what a stub returns to its loop: the procedure has returned, and its reply comes later */
};

/* How far a call got before it failed: whether a retry would repeat something. After NEARCALL_OK it is NEARCALL_RAN_NO, and says nothing. */
enum { NEARCALL_RAN_NO = 0, NEARCALL_RAN_MAYBE = 1, NEARCALL_RAN_YES = 2 };

/* What went wrong, in words and with the way out; never NULL, and not to be freed. */
const char *nearcall_text(nearcall_status status);

/* The particulars of the last bind, export or withdrawal of this kernel thread that failed; until its next one. */
const char *nearcall_why(void);

/* The capability to call: what a server has granted this process. */
typedef struct nearcall_binding nearcall_binding;
/* A service under a name. */
typedef struct nearcall_export nearcall_export;
/* A call that is being served. */
typedef struct nearcall_incoming nearcall_incoming;
/* What an interface is; the interface compiler makes it. */
typedef struct nearcall_interface nearcall_interface;

/*
 * The environment of a call. A client's stub writes it: how the call ended. A server's procedure may write `status`:
 * NEARCALL_RAISED, with its error in the parameter for that; anything else but NEARCALL_OK ends the call as
 * NEARCALL_PANICKED. `call` is for the functions below; it is NULL in a client.
 */
typedef struct nearcall_env {
    nearcall_status status;
    int32_t ran;          /* NEARCALL_RAN_.., if it failed */
    uint64_t size, limit; /* bytes, after NEARCALL_TOO_LARGE */
    nearcall_incoming *call;
} nearcall_env;

/* How to bind. All zeros: in the default directory, at once, to any server. */
typedef struct nearcall_bind_options {
    const char *dir;        /* of names; NULL: the default */
    uint64_t wait_ns;       /* how long to wait for somebody to export the name */
    bool expects_uid;       /* only to a server of this user */
    uint32_t uid;
} nearcall_bind_options;

/* How to export. All zeros: in the default directory, for this user only. */
typedef struct nearcall_export_options {
    const char *dir;
    uint32_t mode;          /* of the socket; 0: 0600 */
    bool replace;           /* take the name from a living process of this user */
} nearcall_export_options;

/* How long the next call of this kernel thread may take, in nanoseconds, instead of what its interface says; 0: as that says. */
void nearcall_within(uint64_t time_ns);

/* Gives a binding up. NULL is allowed. No call on it is under way, and none follows. */
void nearcall_unbind(nearcall_binding *binding);
/* Whether calls can succeed. The server may change that at any time. */
bool nearcall_is_live(const nearcall_binding *binding);

/* Withdraws a service: later calls end in NEARCALL_REVOKED, procedures that run finish, for which it waits. Frees the export in any case. */
nearcall_status nearcall_withdraw(nearcall_export *service, uint64_t timeout_ns);

/* Who calls, as the kernel states it. */
typedef struct nearcall_caller {
    uint64_t id;  /* of this client process, and of no other that this server sees */
    int32_t pid;  /* 0 if it cannot be seen from here */
    uint32_t uid, gid;
} nearcall_caller;

/* In a procedure or a loop, on its kernel thread: who calls. False anywhere else. */
bool nearcall_who(nearcall_caller *caller);
/* How long the caller still waits, in nanoseconds; UINT64_MAX for ever, and outside of procedures. */
uint64_t nearcall_remaining_ns(void);
/* Whether the caller has given the call up. */
bool nearcall_is_cancelled(void);

/*
 * A reply that is made later: what a procedure with the attribute `deferred` is handed instead of places for its results. It is
 * used once, by any kernel thread, before or after the procedure has returned: by the function `.._reply` of the procedure, or
 * by nearcall_reply_drop. The arguments of the call end with the procedure.
 */
typedef struct nearcall_reply nearcall_reply;
/* Nobody answers: the client gets NEARCALL_ABORTED. NULL is allowed. */
void nearcall_reply_drop(nearcall_reply *reply);
/* Who called, how long that one still waits, and whether it does not wait any more; on any kernel thread. */
bool nearcall_reply_who(const nearcall_reply *reply, nearcall_caller *caller);
uint64_t nearcall_reply_remaining_ns(const nearcall_reply *reply);
bool nearcall_reply_is_cancelled(const nearcall_reply *reply);

/* Memory of `size` zeroed bytes, aligned to 16, for as long as the call's arguments. NULL if there is none. By one thread of a call at a time. */
void *nearcall_alloc(nearcall_incoming *call, size_t size);

/* Bytes of a parameter with the attribute `in_place`: they are the client's, which may change them while the procedure runs. */
typedef struct nearcall_shared {
    uint64_t opaque[6];
    size_t size;
} nearcall_shared;

/* Copies up to `size` bytes from byte `at` on, each read once; returns how many. What was copied does not change any more. */
size_t nearcall_shared_copy(const nearcall_shared *shared, size_t at, void *into, size_t size);

#ifdef __cplusplus
}
#endif

#endif

/*
 * What a server does with each request of pfs.idl. It is yours: change it; the compiler does not write it again.
 *
 * A processor of the server runs the loop's function for every request: it has received the request and taken it up, and
 * sends the reply when the function returns. In between is the place for what concerns all procedures: who may call which of
 * them (return NEARCALL_DENIED), how many run at once, what is counted. `nearcall_who` tells who calls. Until the stub runs,
 * nothing of the request has been looked at but the procedure's number.
 *
 * This one was changed in two places: only the user in PFS_WRITER, if that is set, may open files and write; and directories, which
 * take long, have a queue of their own, so that they never hold more than one of the server's processors.
 */
#include "pfs.h"

#include <pthread.h>

/* Numbers of procedures, in the order of the interface. */
enum { OPEN = 0, WRITE = 1, GET_DIRENTRIES = 2 };

static bool may_call(uint16_t procedure) {
    const char *writer = getenv("PFS_WRITER");
    nearcall_caller caller;
    if (!writer || (procedure != OPEN && procedure != WRITE)) return true;
    return nearcall_who(&caller) && caller.uid == strtoul(writer, NULL, 10);
}

/* Requests in order of arrival, one at a time: the next number to be given out, and the one whose turn it is. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned long next, turn;
} directories = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0 };

static void wait_for_turn(void) {
    unsigned long own;
    pthread_mutex_lock(&directories.lock);
    own = directories.next++;
    while (directories.turn != own) pthread_cond_wait(&directories.changed, &directories.lock);
    pthread_mutex_unlock(&directories.lock);
}

static void end_turn(void) {
    pthread_mutex_lock(&directories.lock);
    directories.turn++;
    pthread_cond_broadcast(&directories.changed);
    pthread_mutex_unlock(&directories.lock);
}

static nearcall_status pfs_serve_loop(void *server, uint16_t procedure, nearcall_incoming *call) {
    nearcall_status status;
    /* The request has been received, and `procedure` is the key that came with it. */
    if (!may_call(procedure)) return NEARCALL_DENIED;
    if (procedure == GET_DIRENTRIES) wait_for_turn();
    status = pfs_serve((const pfs_server *)server, procedure, call);
    if (procedure == GET_DIRENTRIES) end_turn();
    /* The procedure has run, or was refused; the reply is made and leaves now. */
    return status;
}

nearcall_status pfs_export(const char *name, const pfs_server *server, const nearcall_export_options *options, nearcall_export **service) {
    return nearcall_export_service(name, &pfs_interface, pfs_serve_loop, (void *)server, options, service);
}

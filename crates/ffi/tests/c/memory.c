/*
 * What the decoders of stubs allocate: items of four bytes, each with room for 4096 where it lies in memory. The library's functions
 * are ours, and count.
 */
#include "p_stub.h"

#include <stdio.h>

static size_t allocated;
static void *pieces[64];
static size_t piece_count;

bool nearcall_is_utf8(const void *bytes, size_t size) {
    (void)bytes;
    (void)size;
    return true;
}

void *nearcall_alloc(nearcall_incoming *call, size_t size) {
    (void)call;
    if (piece_count == sizeof pieces / sizeof *pieces) return NULL;
    allocated += size;
    return pieces[piece_count++] = calloc(1, size ? size : 1);
}

/* Whether `count` items are read, of a parameter that may have `max` bytes. */
static bool are_read(uint32_t count, size_t max, bool is_server) {
    size_t size = 4 + (size_t)count * 4;
    uint8_t *bytes = (uint8_t *)calloc(1, size);
    nearcall_reader from = {0};
    p_v_seq value = {0};
    bool fits;
    if (!bytes) return false;
    nearcall_put32(bytes, count);
    from.at = bytes;
    from.left = size;
    from.memory = nearcall_memory_of(max);
    from.call = is_server ? (nearcall_incoming *)&from : NULL;
    allocated = 0;
    fits = nearcall__read_seq_p_v(&from, &value);
    if (from.no_memory || allocated > nearcall_memory_of(max)) fputs("too much memory\n", stderr), exit(1);
    if (is_server)
        while (piece_count) free(pieces[--piece_count]);
    else
        p_v_seq_free(&value);
    free(bytes);
    return fits;
}

int main(void) {
    for (int is_server = 0; is_server < 2; is_server++) {
        /* What people send is read; a megabyte of nothing is not 800 megabytes. */
        if (!are_read(0, 1 << 20, is_server) || !are_read(1000, 1 << 20, is_server)) return 2;
        if (are_read(200000, 1 << 20, is_server) || are_read(1000, 64, is_server)) return 3;
        /* Who wants more says so. */
        if (!are_read(10000, 64 << 20, is_server)) return 4;
    }
    return 0;
}

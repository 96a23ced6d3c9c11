/*
 * A client of the file server in C, for whoever is on the other end of its standard input and output.
 *
 *   files DIR        binds to "pfs" in DIR, then does what it is asked
 *
 * Asked: a size, 4 bytes; what, 1; a handle, 8; a position, 8; the rest. Answered: a size, 4; 1 if it failed; the rest, or why.
 */
#include "files.h"

#include <stdio.h>
#include <unistd.h>

#define RECORD 3000
#define HEAD 17
#define READ_WRITE 3

static int take(void *into, size_t size) {
    char *at = (char *)into;
    while (size > 0) {
        ssize_t n = read(0, at, size);
        if (n <= 0) return 0;
        at += n;
        size -= (size_t)n;
    }
    return 1;
}

static int give(const void *from, size_t size) {
    const char *at = (const char *)from;
    while (size > 0) {
        ssize_t n = write(1, at, size);
        if (n <= 0) return 0;
        at += n;
        size -= (size_t)n;
    }
    return 1;
}

static int answer(int failed, const void *bytes, size_t size) {
    uint32_t whole = (uint32_t)size + 1;
    char first = (char)failed;
    return give(&whole, sizeof whole) && give(&first, 1) && give(bytes, size);
}

int main(int argc, char **argv) {
    static uint8_t asked[HEAD + RECORD + 1], page[RECORD];
    nearcall_bind_options options = { .dir = argc == 2 ? argv[1] : NULL };
    nearcall_binding *pfs;
    uint32_t size;
    nearcall_status bound = files_bind("pfs", &options, &pfs);
    if (bound != NEARCALL_OK) {
        fprintf(stderr, "%s: %s\n", nearcall_text(bound), nearcall_why());
        return 1;
    }
    while (take(&size, sizeof size) && size >= HEAD && size < sizeof asked && take(asked, size)) {
        nearcall_env env;
        files_file_error raised;
        files_handle handle;
        uint64_t pos;
        uint32_t done;
        const void *back = page;
        size_t back_size = 0;
        memset(&env, 0, sizeof env);
        memcpy(&handle.slot, asked + 1, 4);
        memcpy(&handle.generation, asked + 5, 4);
        memcpy(&pos, asked + 9, 8);
        asked[size] = 0;
        switch (asked[0]) {
        case 1:
            files_create(pfs, (char *)asked + HEAD, READ_WRITE, 0600, &handle, &raised, &env);
            memcpy(page, &handle.slot, 4);
            memcpy(page + 4, &handle.generation, 4);
            back_size = 8;
            break;
        case 2:
            done = files_read(pfs, &handle, &pos, RECORD, page, &raised, &env);
            back_size = done;
            break;
        default:
            (void)files_write(pfs, &handle, &pos, size - HEAD, asked + HEAD, &raised, &env);
        }
        if (env.status == NEARCALL_OK ? !answer(0, back, back_size)
                                      : !answer(1, nearcall_text(env.status), strlen(nearcall_text(env.status)))) {
            break;
        }
    }
    nearcall_unbind(pfs);
    return 0;
}

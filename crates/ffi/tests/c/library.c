/*
 * A library that has another one do its work: what comes is taken apart by the server's stubs, and put together again by the
 * client's. So every type goes both ways through C, twice.
 *
 *   library DIR    binds to "library" in DIR, exports "relay" there, says "ready", and ends when its input does
 */
#include "library.h"

#include <stdio.h>

static nearcall_binding *other;

/* What the call returned that was passed on becomes what this one returns. */
static void pass_on(const nearcall_env *from, nearcall_env *env) {
    env->status = from->status == NEARCALL_OK || from->status == NEARCALL_RAISED ? from->status : NEARCALL_PANICKED;
    if (env->status == NEARCALL_PANICKED) fprintf(stderr, "relay: %s\n", nearcall_text(from->status));
}

/* Text in memory of the call, since what a client gets belongs to it. */
static char *keep(nearcall_env *env, char *text) {
    char *copy = text ? (char *)nearcall_alloc(env->call, strlen(text) + 1) : NULL;
    if (copy) strcpy(copy, text);
    free(text);
    return copy;
}

static uint32_t relay_count(void *self, nearcall_env *env) {
    nearcall_env inner;
    uint32_t count = library_count(other, &inner);
    (void)self;
    pass_on(&inner, env);
    return count;
}

static void relay_find(void *self, uint32_t id, library_book *result, library_unknown_book *raised, nearcall_env *env) {
    nearcall_env inner;
    library_book book;
    (void)self;
    library_find(other, id, &book, raised, &inner);
    pass_on(&inner, env);
    if (inner.status != NEARCALL_OK) return;
    *result = book;
    result->title = keep(env, book.title);
    result->authors.items = (char **)nearcall_alloc(env->call, book.authors.count * sizeof *book.authors.items);
    for (uint32_t i = 0; i < book.authors.count; i++) result->authors.items[i] = keep(env, book.authors.items[i]);
    free(book.authors.items);
    if (book.about.kind == library_subject_PLACE) result->about.u.place = keep(env, book.about.u.place);
}

static uint32_t relay_add(void *self, const library_book *what, const uint8_t seal[32], const library_point_seq *marks, nearcall_env *env) {
    nearcall_env inner;
    uint32_t number = library_add(other, what, seal, marks, &inner);
    (void)self;
    pass_on(&inner, env);
    return number;
}

static void relay_lend(void *self, uint32_t id, const char *to, char **until, library_lend_error *raised, nearcall_env *env) {
    nearcall_env inner;
    (void)self;
    library_lend(other, id, to, until, raised, &inner);
    pass_on(&inner, env);
    if (inner.status == NEARCALL_OK) *until = keep(env, *until);
    if (inner.status == NEARCALL_RAISED && raised->kind == library_lend_error_ON_LOAN) {
        raised->u.on_loan.until = keep(env, raised->u.on_loan.until);
    }
}

static int32_t relay_page(void *self, uint32_t id, uint32_t size, uint8_t *text, nearcall_env *env) {
    nearcall_env inner;
    int32_t count = library_page(other, id, size, text, &inner);
    (void)self;
    pass_on(&inner, env);
    return count;
}

static void relay_words(void *self, uint32_t id, uint32_t size, uint32_t *count, uint16_t *lengths, nearcall_env *env) {
    nearcall_env inner;
    (void)self;
    library_words(other, id, size, count, lengths, &inner);
    pass_on(&inner, env);
}

static library_chapter copied(const library_chapter *of) {
    library_chapter copy;
    copy.title = (char *)malloc(nearcall_text_size(of->title) + 1);
    strcpy(copy.title, of->title ? of->title : "");
    copy.parts.count = of->parts.count;
    copy.parts.items = (library_chapter *)calloc(of->parts.count + 1, sizeof *copy.parts.items);
    for (uint32_t i = 0; i < of->parts.count; i++) copy.parts.items[i] = copied(&of->parts.items[i]);
    return copy;
}

static library_chapter kept(nearcall_env *env, const library_chapter *of) {
    library_chapter copy;
    copy.title = (char *)nearcall_alloc(env->call, nearcall_text_size(of->title) + 1);
    strcpy(copy.title, of->title ? of->title : "");
    copy.parts.count = of->parts.count;
    copy.parts.items = (library_chapter *)nearcall_alloc(env->call, of->parts.count * sizeof *copy.parts.items);
    for (uint32_t i = 0; i < of->parts.count; i++) copy.parts.items[i] = kept(env, &of->parts.items[i]);
    return copy;
}

/* In-out values that own memory are the client's own: malloc'ed before, free'd after. */
static void relay_chapters(void *self, library_chapter *of, int32_t depth, library_text_seq *notes, bool *done, nearcall_env *env) {
    nearcall_env inner;
    library_chapter own = copied(of);
    library_text_seq texts;
    (void)self;
    texts.count = notes->count;
    texts.items = (char **)calloc(notes->count + 1, sizeof *texts.items);
    for (uint32_t i = 0; i < notes->count; i++) {
        texts.items[i] = (char *)malloc(strlen(notes->items[i]) + 1);
        strcpy(texts.items[i], notes->items[i]);
    }
    library_chapters(other, &own, depth, &texts, done, &inner);
    pass_on(&inner, env);
    *of = kept(env, &own);
    notes->count = texts.count;
    notes->items = (char **)nearcall_alloc(env->call, texts.count * sizeof *texts.items);
    for (uint32_t i = 0; i < texts.count; i++) {
        notes->items[i] = keep(env, texts.items[i]);
        texts.items[i] = NULL;
    }
    library_chapter_free(&own);
    library_text_seq_free(&texts);
}

static library_turn relay_rotate(void *self, uint16_t n, library_point *points, const nearcall_shared *raw, const int64_t *weights, int32_t k, int32_t used, nearcall_env *env) {
    nearcall_env inner;
    library_turn turn;
    library_u8_seq bytes;
    (void)self;
    bytes.count = (uint32_t)raw->size;
    bytes.items = (uint8_t *)nearcall_alloc(env->call, raw->size);
    if (nearcall_shared_copy(raw, 0, bytes.items, raw->size) != raw->size) env->status = NEARCALL_PANICKED;
    turn = library_rotate(other, n, points, &bytes, weights, k, used, &inner);
    pass_on(&inner, env);
    return turn;
}

static void relay_note(void *self, const char *what, nearcall_env *env) {
    nearcall_env inner;
    (void)self;
    library_note(other, what, &inner);
    pass_on(&inner, env);
}

int main(int argc, char **argv) {
    const library_server server = {
        .self = NULL,
        .count = relay_count,
        .find = relay_find,
        .add = relay_add,
        .lend = relay_lend,
        .page = relay_page,
        .words = relay_words,
        .chapters = relay_chapters,
        .rotate = relay_rotate,
        .note = relay_note,
    };
    nearcall_bind_options bind = { .dir = argc > 1 ? argv[1] : NULL };
    nearcall_export_options export = { .dir = argc > 1 ? argv[1] : NULL };
    nearcall_export *service;
    nearcall_status status;
    /* Under valgrind, on a machine with other things to do, a handshake can take longer than it may. */
    do status = library_bind("library", &bind, &other);
    while (status == NEARCALL_BIND_TIMEOUT || status == NEARCALL_BIND_CLOSED);
    if (status == NEARCALL_OK) status = library_export("relay", &server, &export, &service);
    if (status != NEARCALL_OK) {
        fprintf(stderr, "%s: %s\n", nearcall_text(status), nearcall_why());
        return 1;
    }
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF) {}
    status = nearcall_withdraw(service, UINT64_C(60000000000));
    nearcall_unbind(other);
    return status == NEARCALL_OK ? 0 : 1;
}

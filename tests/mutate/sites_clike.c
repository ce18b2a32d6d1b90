/* sites_clike.c: places for faults in the three languages that look like C.
 *
 *   barrier   the statement goes
 *   index     [e] becomes [(e) + 1] or [(e) - 1]
 *   tiles     an array of the block, of the thread or of the launch, or a base of addresses, stands
 *             where another of its type stood; both change places where a line has both
 *   guard     a condition becomes true, loses its first part, or takes in one more
 *   initial   a constant that a variable begins with is another
 */
#include "mutate.h"

#include <ctype.h>
#include <string.h>

enum { MAX_NAMES = 64 };
typedef enum name_group { SHARED, LOCAL, GLOBAL, BASE } name_group;
typedef struct name {
    name_group group;
    char text[96], type[32];
} name;

typedef struct scan {
    mutants *m;
    const char *text; /* of the kernel */
    size_t body, end; /* of its body */
    int nname;
    name name[MAX_NAMES];
} scan;

static bool
is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static void
change(scan *s, fault_kind fault, size_t from, size_t to, const char *with)
{
    mutants_add(s->m, fault, s->text, &(edit){ from, to, with }, 1);
}

/* Where the bracket that opens at `at` closes, or 0. */
static size_t
closing(const scan *s, size_t at, size_t end)
{
    int depth = 0;
    for (size_t i = at; i < end; i++) {
        depth += s->text[i] == '(' || s->text[i] == '[';
        depth -= s->text[i] == ')' || s->text[i] == ']';
        if (!depth)
            return i;
    }
    return 0;
}

/* ---- names ----------------------------------------------------------------------------------- */

static void
add_name(scan *s, name_group group, const char *type, size_t ntype, const char *text, size_t n)
{
    if (s->nname == MAX_NAMES || n >= sizeof s->name[0].text || ntype >= sizeof s->name[0].type)
        return;
    name *x = &s->name[s->nname++];
    x->group = group;
    snprintf(x->text, sizeof x->text, "%.*s", (int)n, text);
    snprintf(x->type, sizeof x->type, "%.*s", (int)ntype, type);
}

/* "float *restrict x" and its like between the kernel's name and its body. */
static void
find_parameters(scan *s, size_t head)
{
    for (size_t i = head; i < s->body; i++) {
        size_t to = i + 1, from;
        if (s->text[i] != '*')
            continue;
        while (s->text[to] == ' ' || !strncmp(s->text + to, "restrict ", 9) ||
               !strncmp(s->text + to, "__restrict__ ", 13))
            to += s->text[to] == ' ' ? 1 : s->text[to] == 'r' ? 9 : 13;
        from = to;
        while (is_word(s->text[to]))
            to++;
        size_t type = i;
        while (type > 0 && (s->text[type - 1] == ' ' || is_word(s->text[type - 1])))
            type--;
        while (s->text[type] == ' ')
            type++;
        if (to > from)
            add_name(s, GLOBAL, s->text + type, i - type, s->text + from, to - from);
    }
}

/* Whether the line declares an array or a base; then its name is known from here on. */
static bool
declares(scan *s, size_t from, size_t to)
{
    const char *line = s->text + from;
    size_t n = to - from, indent = 0;
    while (indent < n && line[indent] == ' ')
        indent++;
    const char *bracket = memchr(line, '[', n);
    bool is_array = bracket && n > 2 && line[n - 1] == ';' && line[n - 2] == ']' &&
                    !memchr(line, '=', n) && isdigit((unsigned char)bracket[1]);
    if (is_array) {
        const char *end = bracket, *start;
        for (start = end; is_word(start[-1]); start--)
            ;
        const char *type = start - 1;
        while (type > line && is_word(type[-1]))
            type--;
        bool shared = strstr(line, "shared") == line + indent + 2 ||
                      !strncmp(line + indent, "__local", 7) ||
                      !strncmp(line + indent, "threadgroup", 11);
        add_name(s, shared ? SHARED : LOCAL, type, (size_t)(start - 1 - type), start,
                 (size_t)(end - start));
        return true;
    }
    if (indent == 4 && !strncmp(line + 4, "const int ", 10)) {
        size_t end = 14;
        while (end < n && is_word(line[end]))
            end++;
        if (end > 19 && memmem(line + 14, end - 14, "_base", 5))
            add_name(s, BASE, "int", 3, line + 14, end - 14);
    }
    return false;
}

/* ---- faults ---------------------------------------------------------------------------------- */

static bool
barrier(scan *s, size_t from, size_t to)
{
    size_t n = to - from;
    bool is =
        memmem(s->text + from, n, "barrier(", 8) || memmem(s->text + from, n, "syncthreads", 11);
    if (is)
        change(s, BARRIER, from, to, "    ;");
    return is;
}

static void
indices(scan *s, size_t from, size_t to)
{
    for (size_t i = from + 1; i < to; i++) {
        if (s->text[i] != '[' || !is_word(s->text[i - 1]))
            continue;
        size_t end = closing(s, i, to);
        if (!end)
            continue;
        bool plus = s->m->count[INDEX] % 2 == 0;
        char *with = weft_arena_printf(&s->m->arena, "[(%.*s) %c 1]", (int)(end - i - 1),
                                       s->text + i + 1, plus ? '+' : '-');
        change(s, INDEX, i, end + 1, with);
    }
}

/* The next whole word `what` in [from, to), or `to`. */
static size_t
find_word(const scan *s, const char *what, size_t from, size_t to)
{
    size_t n = strlen(what);
    for (size_t i = from; i + n <= to; i++)
        if (!strncmp(s->text + i, what, n) && !is_word(s->text[i + n]) &&
            (i == 0 || (!is_word(s->text[i - 1]) && s->text[i - 1] != '.')))
            return i;
    return to;
}

static const name *
other_name(const scan *s, const name *x)
{
    const name *first = NULL;
    bool after = false;
    for (int i = 0; i < s->nname; i++) {
        const name *y = &s->name[i];
        bool fits = y != x && y->group == x->group && !strcmp(y->type, x->type);
        if (fits && after)
            return y;
        if (fits && !first)
            first = y;
        after = after || y == x;
    }
    return first;
}

static void
tiles(scan *s, size_t from, size_t to)
{
    size_t assigned = from;
    while (assigned < to && s->text[assigned] != '=')
        assigned++;
    for (int i = 0; i < s->nname; i++) {
        const name *x = &s->name[i], *y = other_name(s, x);
        size_t at = find_word(s, x->text, from, to),
               with = y ? find_word(s, y->text, from, to) : to;
        bool declared = x->group == BASE && at < assigned;
        if (!y || at == to || declared || (with < to && with < at))
            continue;
        edit e[2] = { { at, at + strlen(x->text), y->text },
                      { with, with + (with < to ? strlen(y->text) : 0), x->text } };
        mutants_add(s->m, TILES, s->text, e, with < to ? 2 : 1);
    }
}

/* Comparisons with a number in [from, to) take in one more. */
static void
weaken(scan *s, size_t from, size_t to)
{
    static const char *const ops[][2] = { { " < ", " <= " },
                                          { " > ", " >= " },
                                          { " == ", " >= " } };
    for (size_t i = from; i < to; i++)
        for (int k = 0; k < 3; k++)
            if (!strncmp(s->text + i, ops[k][0], strlen(ops[k][0])) &&
                isdigit((unsigned char)s->text[i + strlen(ops[k][0])]))
                change(s, GUARD, i, i + strlen(ops[k][0]), ops[k][1]);
    for (size_t i = from; i + 4 < to; i++)
        if (!strncmp(s->text + i, " >= 1", 5) && !is_word(s->text[i + 5]))
            change(s, GUARD, i, i + 5, " >= 0");
}

static void
guards(scan *s, size_t from, size_t to)
{
    const char *line = s->text + from, *test = memmem(line, to - from, "if (", 4);
    const char *choice = memmem(line, to - from, " ? ", 3);
    if (test) {
        size_t open = (size_t)(test - s->text) + 3, close = closing(s, open, to);
        const char *both = memmem(s->text + open, close - open, " && ", 4);
        change(s, GUARD, open + 1, close, "1");
        if (both)
            change(s, GUARD, open + 1, (size_t)(both - s->text) + 4, "");
        weaken(s, open, close);
    } else if (choice && memchr(choice, '[', to - (size_t)(choice - s->text))) {
        const char *start = memmem(line, to - from, " = ", 3);
        size_t open = start ? (size_t)(start - s->text) + 3 : from;
        weaken(s, open, (size_t)(choice - s->text));
    }
}

static void
initial(scan *s, size_t from, size_t to)
{
    static const char *const values[][2] = { { "0.0f", "1.0f" },
                                             { "-INFINITY", "0.0f" },
                                             { "-__int_as_float(0x7f800000)", "0.0f" },
                                             { "INFINITY", "0.0f" },
                                             { "9223372036854775807LL", "0" },
                                             { "9223372036854775807L", "0" },
                                             { "0", "1" } };
    size_t i = from;
    while (i + 3 < to && strncmp(s->text + i, " = ", 3) != 0)
        i++;
    i += 3;
    for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
        size_t n = strlen(values[k][0]);
        if (i + n + 1 == to && !strncmp(s->text + i, values[k][0], n) && s->text[to - 1] == ';') {
            change(s, INITIAL, i, i + n, values[k][1]);
            return;
        }
    }
}

void
find_sites_clike(mutants *m, const char *text, const char *kernel)
{
    scan s = { .m = m, .text = text };
    char call[160];
    snprintf(call, sizeof call, "%.150s(", kernel);
    const char *head = strstr(text, call), *body = head ? strstr(head, "\n{\n") : NULL;
    const char *end = body ? strstr(body, "\n}\n") : NULL;
    if (!end)
        return;
    s.body = (size_t)(body - text) + 3;
    s.end = (size_t)(end - text) + 1;
    find_parameters(&s, (size_t)(head - text));
    for (size_t from = s.body, to; from < s.end; from = to + 1) {
        to = from;
        while (text[to] != '\n')
            to++;
        if (declares(&s, from, to) || barrier(&s, from, to))
            continue;
        indices(&s, from, to);
        tiles(&s, from, to);
        guards(&s, from, to);
        initial(&s, from, to);
    }
}

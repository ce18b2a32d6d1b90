/* emu: inline PTX becomes calls of functions named after its instructions (shim/ptx.h):
 *
 *   asm volatile("mov.u32 %0, %1;" : "=r"(x) : "r"(y));
 *   { uint32_t weft_o0; const uint32_t weft_o1 = weft_ptx::in<uint32_t>(y);
 *     weft_ptx::mov_u32(weft_o0, weft_o1); weft_ptx::out(x, weft_o0); }
 *
 * Operands are registers of their constraint's type.  What PTX text may hold besides instructions:
 * blocks, .reg, guards by predicates, vectors in braces, addresses with an offset, comments. */
#include "backends/emu/device_source.h"

#include <ctype.h>
#include <string.h>

typedef struct operand {
    char kind; /* of its register: r, l, h, f, d, n */
    bool in, out;
    int token; /* the constraint */
    const char *value;
} operand;

typedef struct assembly {
    weft_emu_text *t;
    int at;           /* the token "asm" */
    weft_str ptx;     /* the strings, decoded */
    const char *next; /* of ptx, that is read */
    WEFT_VEC(operand) operand;
    weft_str out;
} assembly;

/* ---- C's side -------------------------------------------------------------------------------- */

static void
decode(weft_emu_text *t, int i, weft_str *out)
{
    const char *at = t->text + t->tok.at[i].at + 1, *end = at + t->tok.at[i].n - 2;
    for (; at < end; at++) {
        char ch = *at;
        if (ch == '\\' && at + 1 < end)
            ch = *++at == 'n' ? '\n' : *at == 't' || *at == 'r' ? ' ' : *at;
        weft_str_addn(out, &ch, 1);
    }
}

/* "=r"(x), "+f"(y), "l"(p), "n"(16): tokens from..to-1. */
static void
add_operand(weft_emu_text *t, int from, int to, void *user)
{
    assembly *a = user;
    const char *constraint = weft_emu_words(t, from, from + 1), *kind = constraint + 1;
    operand o = { .token = from };
    if (t->tok.at[from].kind == LEX_STRING && (*kind == '=' || *kind == '+')) {
        o.out = true;
        o.in = *kind++ == '+';
    } else {
        o.in = true;
    }
    o.kind = *kind == 'i' ? 'n' : *kind;
    if (t->tok.at[from].kind != LEX_STRING || !*kind || !strchr("rlhfdn", o.kind) ||
        kind[1] != '"' || !weft_emu_is(t, from + 1, "(") || weft_emu_close(t, from + 1) != to) {
        weft_emu_refuse(t, from, "'%s' is no operand of inline PTX that is known, as \"=r\"(x) is",
                        weft_emu_words(t, from, to));
        return;
    }
    o.value = weft_emu_words(t, from + 1, to);
    *WEFT_PUSH(t->arena, &a->operand) = o;
}

/* The strings and operands up to the bracket that closes; false after a refusal. */
static bool
read_operands(assembly *a, int open, int close)
{
    weft_emu_text *t = a->t;
    int i = open + 1, part = 0;
    for (; i < close && t->tok.at[i].kind == LEX_STRING; i++)
        decode(t, i, &a->ptx);
    while (i < close && !t->status) {
        int from = i + 1;
        if (!weft_emu_is(t, i, ":"))
            break;
        for (i = from; i < close && !weft_emu_is(t, i, ":");)
            i = weft_emu_is(t, i, "(") ? weft_emu_close(t, i) : i + 1;
        if (part++ < 2)
            weft_emu_split(t, from, i, add_operand, a);
    }
    if (i != close)
        weft_emu_refuse(t, i, "inline PTX is a text, outputs, inputs and clobbers: '%s' is none",
                        weft_emu_words(t, i, i + 1));
    return !t->status;
}

static const char *
type_of(char kind)
{
    switch (kind) {
    case 'r':
        return "uint32_t";
    case 'l':
        return "uint64_t";
    case 'h':
        return "uint16_t";
    case 'f':
        return "float";
    case 'd':
        return "double";
    default:
        return "auto";
    }
}

static void
open_operands(assembly *a)
{
    for (int i = 0; i < a->operand.n; i++) {
        const operand *o = &a->operand.at[i];
        if (o->kind == 'n')
            weft_str_addf(&a->out, "constexpr auto weft_o%d = %s; ", i, o->value);
        else if (o->in)
            weft_str_addf(&a->out, "%s weft_o%d = weft_ptx::in<%s>(%s); ", type_of(o->kind), i,
                          type_of(o->kind), o->value);
        else
            weft_str_addf(&a->out, "%s weft_o%d; ", type_of(o->kind), i);
    }
}

static void
close_operands(assembly *a)
{
    for (int i = 0; i < a->operand.n; i++)
        if (a->operand.at[i].out)
            weft_str_addf(&a->out, "weft_ptx::out(%s, weft_o%d); ", a->operand.at[i].value, i);
}

/* ---- PTX's side ------------------------------------------------------------------------------ */

static void
skip_blanks(assembly *a)
{
    for (;;) {
        const char *p = a->next;
        if (p[0] == '/' && p[1] == '/')
            a->next += strcspn(p, "\n");
        else if (p[0] == '/' && p[1] == '*')
            a->next = strstr(p + 2, "*/") ? strstr(p + 2, "*/") + 2 : p + strlen(p);
        else if (isspace((unsigned char)*p))
            a->next++;
        else
            return;
    }
}

static bool
accept(assembly *a, char ch)
{
    skip_blanks(a);
    bool found = *a->next == ch;
    a->next += found;
    return found;
}

static void
refuse_here(assembly *a, const char *what)
{
    weft_emu_refuse(a->t, a->at, "inline PTX: %s at '%.40s'", what, a->next);
}

/* Letters, digits, dots and colons: an opcode, a register. */
static const char *
take_word(assembly *a)
{
    skip_blanks(a);
    size_t n = 0;
    while (isalnum((unsigned char)a->next[n]) || (a->next[n] && strchr("_.:$", a->next[n])))
        n++;
    const char *word = weft_arena_strndup(a->t->arena, a->next, n);
    a->next += n;
    if (!n)
        refuse_here(a, "a word is expected");
    return word;
}

/* "mma.sync" as a name of C++: "mma_sync", and "shared::cta" as "shared__cta". */
static void
add_name(assembly *a, const char *word)
{
    for (; *word; word++) {
        char ch = *word == '.' || *word == ':' ? '_' : *word;
        weft_str_addn(&a->out, &ch, 1);
    }
}

/* "%3": an operand; "%%laneid": a special register; "0f3F800000", "12": numbers; "p": a register.
 */
static void
add_value(assembly *a)
{
    skip_blanks(a);
    const char *p = a->next;
    size_t digits = *p == '%' ? strspn(p + 1, "0123456789") : 0;
    if (digits) {
        int number = 0;
        for (size_t i = 1; i <= digits && number < 1000; i++)
            number = number * 10 + p[i] - '0';
        if (number >= a->operand.n)
            refuse_here(a, "there is no operand of this number");
        weft_str_addf(&a->out, "weft_o%d", number);
        a->next += digits + 1;
    } else if (p[0] == '%' && p[1] == '%') {
        a->next += 2;
        weft_str_add(&a->out, "weft_ptx::special_");
        add_name(a, take_word(a));
        weft_str_add(&a->out, "()");
    } else if (p[0] == '0' && (p[1] == 'f' || p[1] == 'F')) {
        weft_str_addf(&a->out, "weft_as<float>(0x%su)", take_word(a) + 2);
    } else if (isdigit((unsigned char)*p) || *p == '-') {
        weft_str_add(&a->out, *p == '-' ? "-" : "");
        a->next += *p == '-';
        weft_str_add(&a->out, take_word(a));
    } else {
        weft_str_add(&a->out, "weft_r_");
        add_name(a, take_word(a));
    }
}

/* A value, "{a, b}" as its members (values), "[a+16]" as what it adds up to. */
static void
add_argument(assembly *a)
{
    if (accept(a, '{')) {
        do {
            add_value(a);
            weft_str_add(&a->out, ", ");
        } while (!a->t->status && accept(a, ','));
        a->out.n -= 2;
        if (!accept(a, '}'))
            refuse_here(a, "'}' is expected");
    } else if (accept(a, '[')) {
        add_value(a);
        while (!a->t->status && accept(a, '+')) {
            weft_str_add(&a->out, " + ");
            add_value(a);
        }
        if (!accept(a, ']'))
            refuse_here(a, "']' is expected");
    } else {
        add_value(a);
    }
}

static void
add_registers(assembly *a)
{
    static const struct {
        const char *ptx, *type;
    } types[] = {
        { ".pred", "bool" },    { ".b16", "uint16_t" }, { ".u16", "uint16_t" },
        { ".s16", "uint16_t" }, { ".f16", "uint16_t" }, { ".b32", "uint32_t" },
        { ".u32", "uint32_t" }, { ".s32", "uint32_t" }, { ".f16x2", "uint32_t" },
        { ".b64", "uint64_t" }, { ".u64", "uint64_t" }, { ".s64", "uint64_t" },
        { ".f32", "float" },    { ".f64", "double" },
    };
    const char *word = take_word(a);
    size_t row = 0;
    while (row < sizeof types / sizeof *types && strcmp(types[row].ptx, word) != 0)
        row++;
    if (row == sizeof types / sizeof *types) {
        weft_emu_refuse(a->t, a->at, "inline PTX: no register type '%s' is known", word);
        return;
    }
    do {
        weft_str_addf(&a->out, "%s weft_r_", types[row].type);
        add_name(a, take_word(a));
        weft_str_add(&a->out, "; ");
    } while (!a->t->status && accept(a, ','));
}

static void
add_instruction(assembly *a, const char *opcode)
{
    weft_str_add(&a->out, "weft_ptx::");
    add_name(a, opcode);
    weft_str_add(&a->out, "(");
    skip_blanks(a);
    if (*a->next != ';') {
        do {
            add_argument(a);
            weft_str_add(&a->out, ", ");
        } while (!a->t->status && accept(a, ','));
        a->out.n -= 2;
    }
    weft_str_add(&a->out, "); ");
}

static void
add_statement(assembly *a)
{
    if (accept(a, '{')) {
        weft_str_add(&a->out, "{ ");
        return;
    }
    if (accept(a, '}')) {
        weft_str_add(&a->out, "} ");
        return;
    }
    if (accept(a, ';'))
        return;
    if (accept(a, '@')) {
        weft_str_add(&a->out, accept(a, '!') ? "if (!" : "if (");
        add_value(a);
        weft_str_add(&a->out, ") ");
    }
    const char *opcode = a->t->status ? "" : take_word(a);
    if (strcmp(opcode, ".reg") == 0)
        add_registers(a);
    else if (*opcode == '.' || (*opcode && opcode[strlen(opcode) - 1] == ':'))
        refuse_here(a, "labels and directives but .reg are not known");
    else
        add_instruction(a, opcode);
    if (!accept(a, ';'))
        refuse_here(a, "';' is expected");
}

static void
change_assembly(weft_emu_text *t, int at)
{
    assembly a = { .t = t, .at = at };
    int open = at + 1;
    while (weft_emu_is(t, open, "volatile") || weft_emu_is(t, open, "__volatile__"))
        open++;
    int end = weft_emu_close(t, open);
    if (!weft_emu_is(t, open, "("))
        weft_emu_refuse(t, at, "'asm' is followed by '%s', not by a bracket",
                        weft_emu_words(t, open, open + 1));
    else if (read_operands(&a, open, end - 1)) {
        weft_str_add(&a.out, "{ ");
        open_operands(&a);
        a.next = weft_str_text(&a.ptx);
        for (skip_blanks(&a); *a.next && !t->status; skip_blanks(&a))
            add_statement(&a);
        close_operands(&a);
        weft_str_add(&a.out, "}");
        weft_emu_replace(t, at, end, weft_arena_strdup(t->arena, weft_str_text(&a.out)));
        *WEFT_PUSH(t->arena, &t->header) = "ptx.h";
    }
    weft_str_free(&a.ptx);
    weft_str_free(&a.out);
}

static bool
is_asm(const weft_emu_text *t, int i)
{
    return weft_emu_is(t, i, "asm") || weft_emu_is(t, i, "__asm__") || weft_emu_is(t, i, "__asm");
}

void
weft_emu_assembly(weft_emu_text *t)
{
    for (int i = 0; i < t->tok.n && !t->status; i++)
        if (is_asm(t, i) && t->tok.at[i].directive)
            weft_emu_refuse(t, i, "emulated devices take inline PTX in functions, not in macros");
        else if (is_asm(t, i) && !t->tok.at[i].taken)
            change_assembly(t, i);
}

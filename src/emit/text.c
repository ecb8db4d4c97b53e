/* text.c - lines, braces, comments, C functions and what they take from around them.
 *
 * A C function that was moved out of another gets what it mentions from there in a
 * struct, made as the mentions are met, and copies it to locals of the same names: a
 * compiler knows that these stay what they are, which of a struct behind a pointer it
 * cannot know.  The pieces of one region have a struct in common. */
#include "emit/private.h"

#include <stdio.h>
#include <string.h>

#define uthash_malloc(size) arena_alloc(c, (size))
#define uthash_free(p, size) ((void)(p))
#define uthash_fatal(message) internal_error(c, "%s", message)
#include <uthash.h>

typedef enum FieldKind {
  FIELD_NODE, FIELD_BUFFER, FIELD_ALIAS, FIELD_OUT, FIELD_HOST, FIELD_STOP
} FieldKind;

struct Field {
  uint64_t key;
  FieldKind kind;
  uint32_t id;
  bool result;           /* set by the function moved out */
  bool is_local;         /* copied to a local first; else its name is another's there */
  const char *name, *text, *type;
  UT_hash_handle hh, shared;
};

/* ---- text -------------------------------------------------------------------- */

void put(Emit *e, const char *s) {
  buf_puts(&e->fn->body, s);
}

void putf(Emit *e, const char *fmt, ...) {
  char text[512];
  va_list args;
  va_start(args, fmt);
  int n = text_format(text, sizeof text, fmt, args);
  va_end(args);
  if (n < 0) internal_error(e->c, "a text that cannot be formatted: %s", fmt);
  if ((size_t)n < sizeof text) {
    buf_add(&e->fn->body, text, (size_t)n);
    return;
  }
  char *big = arena_alloc(e->c, (size_t)n + 1);
  va_start(args, fmt);
  text_format(big, (size_t)n + 1, fmt, args);
  va_end(args);
  buf_add(&e->fn->body, big, (size_t)n);
}

void line_start(Emit *e) {
  for (uint32_t k = 0; k < e->fn->indent; k++) put(e, "  ");
}

void line_end(Emit *e, const char *s) {
  put(e, s);
  put(e, "\n");
}

/* A name that the source made long needs a second try. */
void line(Emit *e, const char *fmt, ...) {
  char few[1024], *text = few;
  va_list args;
  va_start(args, fmt);
  int n = text_format(text, sizeof few, fmt, args);
  va_end(args);
  if (n >= (int)sizeof few) {
    text = NEWN(e->c, char, n + 1);
    va_start(args, fmt);
    text_format(text, (size_t)n + 1, fmt, args);
    va_end(args);
  }
  line_start(e);
  line_end(e, text);
}

void block_open(Emit *e, const char *head) {
  put(e, head);
  put(e, " {\n");
  e->fn->indent++;
}

void block_close(Emit *e) {
  e->fn->indent--;
  line(e, "}");
}

/* The source line itself, shortened, without what would end a comment. */
static void put_source_line(Emit *e, const Source *s, uint32_t at) {
  uint32_t a = at < s->size ? at : (uint32_t)s->size, b = a;
  while (a > 0 && s->text[a - 1] != '\n') a--;
  while (b < s->size && s->text[b] != '\n' && s->text[b] != '\r') b++;
  while (a < b && (s->text[a] == ' ' || s->text[a] == '\t')) a++;
  bool cut = b - a > 72;
  if (cut) b = a + 69;
  while (cut && b > a && ((unsigned char)s->text[b] & 0xC0) == 0x80) b--;
  for (; a < b; a++) {
    char x = s->text[a];
    bool joins = a + 1 < b && ((x == '*' && s->text[a + 1] == '/') ||
                               (x == '/' && s->text[a + 1] == '*') ||
                               (x == '?' && s->text[a + 1] == '?'));
    buf_add(&e->fn->body, x == '\t' || x == '\\' ? " " : &s->text[a], 1);
    if (joins) put(e, " ");
  }
  if (cut) put(e, "...");
}

void comment_for(Emit *e, const Node *n) {
  if (e->f->jit || !n->pos.file) return;
  const Source *s = source_get(e->c, n->pos.file);
  uint32_t row = source_row(e->c, n->pos);
  if (n->pos.file == e->last_comment.file && row == e->last_line) return;
  e->last_comment = n->pos;
  e->last_line = row;
  line_start(e);
  put(e, "/* ");
  put_clean(&e->fn->body, base_name(s->name));
  putf(e, ":%u: ", row);
  put_source_line(e, s, n->pos.start);
  line_end(e, " */");
}

/* ---- what a function takes from around it ---------------------------------------- */

const char *c_type(const File *f, Elem el, bool in_array) {
  if (el == ELEM_REAL) return f->real;
  return el == ELEM_INT || in_array ? "int64_t" : "int";
}

static const char *field_type(Emit *e, FieldKind kind, uint32_t id) {
  if (kind == FIELD_HOST) return "void *";
  if (kind == FIELD_STOP) return "struct gc_stop *";
  if (kind == FIELD_BUFFER || kind == FIELD_ALIAS) {
    const Buffer *b = &e->buffers.at[id];
    bool ints = b->type ? b->type->elem != ELEM_REAL : b->ints;
    return str_printf(e->c, "%s *", ints ? "int64_t" : e->f->real);
  }
  if (kind == FIELD_OUT) {
    Elem elem = node(e, e->p->root->results.at[id])->type->elem;
    return str_printf(e->c, "%s *", c_type(e->f, elem, true));
  }
  const Node *n = node(e, id);
  if (!is_array(n)) return str_printf(e->c, "%s ", c_type(e->f, n->type->elem, false));
  bool fixed = n->op == IR_READ || root_param(e, id);
  return str_printf(e->c, "%s%s *", fixed ? "const " : "", c_type(e->f, n->type->elem, true));
}

static uint32_t home_of(const Emit *e, FieldKind kind, uint32_t id) {
  if (kind == FIELD_NODE) return info(e, id)->home;
  if (kind == FIELD_ALIAS) return e->buffers.at[id].alias_home;
  return kind == FIELD_BUFFER ? e->buffers.at[id].home : 0;
}

static const char *plain_name(Emit *e, FieldKind kind, uint32_t id) {
  switch (kind) {
    case FIELD_HOST: e->uses_host = true; return "host";
    case FIELD_STOP: e->uses_host = e->uses_stop = true; return "stop";
    case FIELD_BUFFER: {
      Buffer *b = &e->buffers.at[id];
      if (b->kind == BUF_SLOT) e->slots.at[b->index].used = true;
      if (b->kind == BUF_SLOT) return e->slots.at[b->index].cname;
      if (b->kind == BUF_OUTPUT) e->out_used[b->index] = true;
      return b->cname;
    }
    case FIELD_ALIAS: return e->buffers.at[id].alias;
    case FIELD_OUT: e->out_used[id] = true; return e->out_name[id];
    case FIELD_NODE: break;
  }
  if (root_param(e, id)) e->param_used[node(e, id)->aux.i] = true;
  return info(e, id)->cname;
}

static Field *field_add(Emit *e, Fn *fn, FieldKind kind, uint32_t id, const char *name) {
  Ctx *c = e->c;
  Field *x = NEW(c, Field);
  const char *dot = strrchr(name, '.');
  *x = (Field){.key = (uint64_t)kind << 32 | id, .kind = kind, .id = id};
  x->name = dot ? dot + 1 : name;
  x->is_local = !dot;
  x->text = dot ? str_printf(c, "env->%s", x->name) : x->name;
  x->type = field_type(e, kind, id);
  HASH_ADD(hh, fn->field_table, key, sizeof x->key, x);
  VEC_PUSH(c, &fn->fields, x);
  return x;
}

static const char *ref_in(Emit *e, Fn *fn, FieldKind kind, uint32_t id) {
  const char *name = plain_name(e, kind, id);
  if (!name) internal_error(e->c, "emission: %u of kind %d has no name yet", id, kind);
  uint32_t home = home_of(e, kind, id);
  if (fn->id == home || home == GLOBAL || !fn->parent) return name;
  uint64_t key = (uint64_t)kind << 32 | id;
  Field *x;
  HASH_FIND(hh, fn->field_table, &key, sizeof key, x);
  return (x ? x : field_add(e, fn, kind, id, name))->text;
}

bool is_kept(const Emit *e, Ref r) {
  return info(e, r)->keep && info(e, r)->home != e->fn->id;
}

const char *ref_node(Emit *e, Ref r) {
  if (is_kept(e, r)) return ref_keep(e, r);
  return ref_in(e, e->fn, FIELD_NODE, r);
}

const char *ref_buffer(Emit *e, uint32_t b) {
  const Buffer *x = &e->buffers.at[b];
  if (x->kind == BUF_TEMP && x->kept)
    return str_printf(e->c, "((%s *)%s[%u])", c_type(e->f, x->type->elem, true),
                      ref_buffer(e, e->keep[1][x->region->id]), x->kept - 1);
  if (x->kind == BUF_ROW && x->parent && e->cut[x->region->id]) {
    Buf text;
    buf_init(&text, e->c);
    buf_printf(&text, "(%s + %u*", ref_buffer(e, x->parent), x->part);
    size_c(e, &text, x->size, PREC_UNARY, named_atom);
    buf_puts(&text, ")");
    return buf_text(&text);
  }
  if (x->alias) return ref_in(e, e->fn, FIELD_ALIAS, b);
  if (x->kind == BUF_SLOT) b = e->slots.at[x->index].buffer; /* one field a slot */
  return ref_in(e, e->fn, FIELD_BUFFER, b);
}

const char *ref_out(Emit *e, uint32_t k) { return ref_in(e, e->fn, FIELD_OUT, k); }
const char *ref_host(Emit *e) { return ref_in(e, e->fn, FIELD_HOST, 0); }
const char *ref_stop(Emit *e) { return ref_in(e, e->fn, FIELD_STOP, 0); }

const char *ref_keep(Emit *e, Ref r) {
  const Info *x = info(e, r);
  return str_printf(e->c, "%s[%u]", ref_buffer(e, e->keep[x->keep - 1][node(e, r)->region]),
                    x->keep_at);
}

/* ---- functions ------------------------------------------------------------------------ */

Fn *fn_open(Emit *e, const char *cname) {
  Fn *fn = NEW(e->c, Fn);
  fn->parent = e->fn;
  fn->id = e->nfns++;
  fn->indent = fn->base = 1;
  fn->cname = cname;
  buf_init(&fn->body, e->c);
  e->fn = fn;
  return fn;
}

void fn_result(Emit *e, Ref r) {
  if (info(e, r)->keep) return;
  Field *x = field_add(e, e->fn, FIELD_NODE, r, info(e, r)->cname);
  x->result = true;
  line(e, "env->%s = %s;", x->name, info(e, r)->cname);
}

static void put_struct(Buf *b, const char *cname, Field *const *field, uint32_t n) {
  buf_printf(b, "struct %s_env {\n", cname);
  for (uint32_t k = 0; k < n; k++) buf_printf(b, "  %s%s;\n", field[k]->type, field[k]->name);
  buf_puts(b, "};\n\n");
}

/* const double x = env->x; */
static void put_locals(Buf *b, const Fn *fn) {
  for (uint32_t k = 0; k < fn->fields.n; k++) {
    const Field *x = fn->fields.at[k];
    if (x->result || !x->is_local) continue;
    bool pointer = x->type[strlen(x->type) - 1] == '*';
    buf_printf(b, pointer ? "  %sconst %s = env->%s;\n" : "  const %s%s = env->%s;\n", x->type,
               x->name, x->name);
  }
}

/* What stands in front of the type of a piece's function. */
static const char *piece_linkage(const Fn *fn) {
  if (fn->mixed) return "static GC_PIECE ";
  return fn->branches || fn->fails ? "static GC_SCALAR_PIECE " : "static GC_PLAIN_PIECE ";
}

static void write_function(Emit *e, Fn *fn) {
  Buf *b = &e->f->data;
  const char *env = fn->parts ? fn->parts->cname : fn->cname;
  if (fn->fields.n && !fn->parts) put_struct(b, env, fn->fields.at, fn->fields.n);
  bool apart = fn->parts && !for_tcc(e);
  use_macro(e->f, MACRO_PIECE, apart);
  put_narrow(e, b, apart && !fn->mixed);
  buf_printf(b, "%s%s %s(", apart ? piece_linkage(fn) : inner_linkage(e->f),
             fn->fails ? "int" : "void", fn->cname);
  if (fn->fields.n) buf_printf(b, "%sstruct %s_env *env", fn->parts ? "const " : "", env);
  else buf_puts(b, "void");
  buf_puts(b, ") {\n");
  put_locals(b, fn);
  put_rooms(e, b, fn);
  buf_add(b, buf_text(&fn->body), fn->body.n);
  buf_puts(b, fn->fails ? "  return 0;\n}\n\n" : "}\n\n");
  buf_release(&fn->body);
}

/* struct f_env env3 = {a, b}; in the caller. */
static void write_env(Emit *e, const char *cname, const char *env, Field *const *field,
                      uint32_t n, const char *fixed) {
  line_start(e);
  putf(e, "%sstruct %s_env %s = {", fixed, cname, env);
  for (uint32_t k = 0; k < n; k++) {
    const Field *x = field[k];
    if (k) put(e, k % 8 ? ", " : ",\n");
    if (k && k % 8 == 0) line_start(e);
    put(e, x->result ? "0" : ref_in(e, e->fn, x->kind, x->id));
  }
  line_end(e, "};");
}

/* What a piece takes goes to the struct of all. */
static void share_fields(Emit *e, Fn *fn) {
  Ctx *c = e->c;
  Parts *parts = fn->parts;
  for (uint32_t k = 0; k < fn->fields.n; k++) {
    Field *x = fn->fields.at[k], *known;
    HASH_FIND(shared, parts->field_table, &x->key, sizeof x->key, known);
    if (known) continue;
    HASH_ADD(shared, parts->field_table, key, sizeof x->key, x);
    VEC_PUSH(c, &parts->fields, x);
  }
}

void fn_close(Emit *e) { fn_close_or(e, "return code;"); }

void fn_close_or(Emit *e, const char *failed) {
  ctx_poll(e->c);
  Fn *fn = e->fn;
  fn->names += fn->fields.n;
  write_function(e, fn);
  e->fn = fn->parent;
  if (frame_size(fn) > e->fn->below) e->fn->below = frame_size(fn);
  const char *env = fn->parts ? fn->parts->env : str_printf(e->c, "env%u", ++e->nenv);
  if (fn->parts) {
    share_fields(e, fn);
  } else if (fn->fields.n) {
    e->fn->bytes += fn->fields.n * 8 + 8;
    write_env(e, fn->cname, env, fn->fields.at, fn->fields.n, "");
  }
  const char *call = str_printf(e->c, "%s(%s%s)", fn->cname, fn->fields.n ? "&" : "",
                                fn->fields.n ? env : "");
  if (fn->fails) {
    e->fn->fails = true;
    line(e, "{");
    line(e, "  const int code = %s;", call);
    line(e, "  if (code) %s", failed);
    line(e, "}");
  } else {
    line(e, "%s;", call);
  }
  for (uint32_t k = 0; k < fn->fields.n; k++) {
    Field *x = fn->fields.at[k];
    if (!x->result) continue;
    info(e, x->id)->cname = str_printf(e->c, "%s.%s", env, x->name);
    info(e, x->id)->home = e->fn->id;
  }
}

/* ---- pieces --------------------------------------------------------------------------- */

/* Their struct is known, and written, once all of them are. */
Parts *parts_open(Emit *e) {
  Parts *parts = NEW(e->c, Parts);
  uint32_t number = ++e->nparts;
  parts->cname = number == 1 ? str_printf(e->c, "%s_parts", e->cname)
                             : str_printf(e->c, "%s_parts%u", e->cname, number);
  parts->env = str_printf(e->c, "env%u", ++e->nenv);
  parts->data = e->f->data;
  parts->body = e->fn->body;
  buf_init(&e->f->data, e->c);
  buf_init(&e->fn->body, e->c);
  return parts;
}

void part_open(Emit *e, Parts *parts, const char *cname) {
  fn_open(e, cname)->parts = parts;
}

static void append(Buf *to, Buf *from) {
  buf_add(to, buf_text(from), from->n);
  buf_release(from);
}

void parts_close(Emit *e, Parts *parts) {
  Buf functions = e->f->data, calls = e->fn->body;
  e->f->data = parts->data;
  e->fn->body = parts->body;
  if (parts->fields.n) {
    put_struct(&e->f->data, parts->cname, parts->fields.at, parts->fields.n);
    write_env(e, parts->cname, parts->env, parts->fields.at, parts->fields.n, "const ");
    e->fn->bytes += parts->fields.n * 8 + 8;
  }
  append(&e->f->data, &functions);
  append(&e->fn->body, &calls);
}

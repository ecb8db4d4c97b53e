/* carried.c - what a fold or a while carries from round to round.
 *
 * A scalar is a variable.  An array is changed in place, or has two buffers that take turns,
 * or, where the fold keeps all its states for a later one to walk back over, is never moved:
 * each round reads its row of what is kept and writes the next one, the last round the
 * result. */
#include "emit/private.h"

#include <string.h>

/* ---- along what is kept -------------------------------------------------------------------- */

bool is_track(const Emit *e, Ref r, uint32_t k) {
  for (uint32_t j = 0; j + 1 < node(e, r)->nargs; j++)
    if (info(e, r)->out[j].track == k) return true;
  return false;
}

/* double *s = steps > 0 ? w : out; the first state. */
static void start_track(Emit *e, Ref r, uint32_t k) {
  const Node *n = node(e, r);
  const Out *o = &info(e, r)->out[k];
  Ref param = n->regions[0]->params.at[k + 1];
  Info *x = info(e, param);
  x->cname = c_fresh(e, want_name(e, param, "s"));
  x->home = e->fn->id;
  line_start(e);
  putf(e, "%s *%s = ", c_type(e->f, n->result_type[k]->elem, true), x->cname);
  put_expr(e, n->arg[0], PREC_REL);
  putf(e, " > 0 ? %s : %s;\n", ref_buffer(e, info(e, r)->out[o->track].buffer),
       ref_buffer(e, o->buffer));
  store_array(e, x->cname, n->arg[k + 1]);
}

/* Where this round writes: double *const s_next = i + 1 < steps ? w + (i + 1)*n : out; */
void open_step(Emit *e, Ref r) {
  const Node *n = node(e, r);
  const char *i = NULL;
  for (uint32_t k = 0; k + 1 < n->nargs; k++) {
    const Out *o = &info(e, r)->out[k];
    if (!o->track) continue;
    if (!i) i = ref_node(e, n->regions[0]->params.at[0]);
    const char *s = info(e, n->regions[0]->params.at[k + 1])->cname;
    Buffer *next = &e->buffers.at[o->next];
    next->cname = c_fresh(e, str_printf(e->c, "%s_next", s));
    next->home = e->fn->id;
    line_start(e);
    putf(e, "%s *const %s = ", c_type(e->f, n->result_type[k]->elem, true), next->cname);
    putf(e, "%s + 1 < ", i);
    put_expr(e, n->arg[0], PREC_ADD);
    putf(e, " ? %s + (%s + 1)*", ref_buffer(e, info(e, r)->out[o->track].buffer), i);
    put_size(e, array_size(e, n->result_type[k]), PREC_UNARY);
    putf(e, " : %s;\n", ref_buffer(e, o->buffer));
  }
}

/* ---- variables and turns --------------------------------------------------------------------- */

/* Is fold r's array k, all of one number at first, written row by row and then read in rows that
 * have been written?  Then that number is in nobody's way. */
static bool is_written_first(const Emit *e, Ref r, uint32_t k) {
  const Node *n = node(e, r);
  Ref init = n->arg[k + 1], proj = needed_proj(e, r, k);
  if (n->op != IR_FOLD || !info(e, init)->lazy) return false;
  const Region *body = n->regions[0];
  Ref param = body->params.at[k + 1];
  const Node *with = node(e, body->results.at[k]);
  bool rows = with->op == IR_WITH && with->arg[0] == param && with->nargs == 3 &&
              with->arg[2] == body->params.at[0] && info(e, param)->uses == 1;
  Size trips = size_atom(e->p, n->arg[0]);
  for (uint32_t u = rows && proj ? info(e, proj)->use_head : 0; rows && u; u = e->uses.at[u].next) {
    const Node *read = e->uses.at[u].user == RESULT_USE ? n : node(e, e->uses.at[u].user);
    if (read->op != IR_READ) return false;
    Size at = size_atom(e->p, read->arg[1]);
    rows = size_nonneg(e->p, at) &&
           size_nonneg(e->p, size_sub(e->p, size_sub(e->p, trips, at), size_const(e->p, 1)));
  }
  return rows;
}

/* The variables that carry: named as the results, or as the parameters of the body. */
static void declare_states(Emit *e, Ref r) {
  const Node *n = node(e, r);
  uint32_t skip = n->op == IR_FOLD;
  for (uint32_t k = 0; k + 1 < n->nargs; k++) {
    Ref init = n->arg[k + 1];
    if (is_array(node(e, init))) {
      if (info(e, r)->out[k].track) start_track(e, r, k);
      else if (!is_written_first(e, r, k)) copy_into(e, info(e, r)->out[k].buffer, init);
      continue;
    }
    Ref proj = needed_proj(e, r, k), param = n->regions[0]->params.at[k + skip];
    const char *name = proj ? info(e, proj)->cname : c_fresh(e, want_name(e, param, "s"));
    line_start(e);
    putf(e, "%s %s = ", out_type(e, r, k), name);
    put_expr(e, init, PREC_ANY);
    line_end(e, ";");
    for (uint32_t j = 0; j < n->nregions; j++) {
      Info *x = info(e, n->regions[j]->params.at[k + skip]);
      x->cname = name;
      x->home = e->fn->id;
    }
  }
}

/* Do the two buffers of a carried array take turns?  Small ones are copied. */
static bool takes_turns(const Emit *e, const Out *o) {
  return o->next && !o->track && e->buffers.at[o->next].kind != BUF_LOCAL;
}

/* double *s = out, *s_next = w; the body reads s and writes s_next. */
static void declare_turns(Emit *e, Ref r) {
  const Node *n = node(e, r);
  uint32_t skip = n->op == IR_FOLD;
  for (uint32_t k = 0; k + 1 < n->nargs; k++) {
    Out *o = &info(e, r)->out[k];
    if (!is_array(node(e, n->arg[k + 1])) || !takes_turns(e, o)) continue;
    const char *type = c_type(e->f, n->result_type[k]->elem, true);
    const char *s = c_fresh(e, want_name(e, n->regions[0]->params.at[k + skip], "s"));
    const char *next = c_fresh(e, str_printf(e->c, "%s_next", s));
    line(e, "%s *%s = %s;", type, s, ref_buffer(e, o->buffer));
    line(e, "%s *%s = %s;", type, next, ref_buffer(e, o->next));
    o->was = e->buffers.at[o->next].alias;
    o->was_home = e->buffers.at[o->next].alias_home;
    e->buffers.at[o->next].alias = next;
    e->buffers.at[o->next].alias_home = e->fn->id;
    for (uint32_t j = 0; j < n->nregions; j++) {
      Info *x = info(e, n->regions[j]->params.at[k + skip]);
      x->cname = s;
      x->home = e->fn->id;
    }
  }
}

static void swap_turns(Emit *e, Ref param, const Out *o) {
  const char *s = info(e, param)->cname, *next = e->buffers.at[o->next].alias;
  const char *swap = c_fresh(e, "swap");
  line(e, "%s *const %s = %s;", c_type(e->f, node(e, param)->type->elem, true), swap, s);
  line(e, "%s = %s;", s, next);
  line(e, "%s = %s;", next, swap);
}

/* The last state, where it is expected. */
void end_carried(Emit *e, Ref r) {
  const Node *n = node(e, r);
  uint32_t skip = n->op == IR_FOLD;
  for (uint32_t k = 0; k + 1 < n->nargs; k++) {
    const Out *o = &info(e, r)->out[k];
    if (!is_array(node(e, n->arg[k + 1])) || !takes_turns(e, o)) continue;
    const char *s = info(e, n->regions[0]->params.at[k + skip])->cname;
    e->buffers.at[o->next].alias = o->was;
    e->buffers.at[o->next].alias_home = o->was_home;
    if (!needed_proj(e, r, k)) continue;
    const char *to = ref_buffer(e, o->buffer);
    line(e, "if (%s != %s)", s, to);
    e->fn->indent++;
    copy_array(e, to, s, n->result_type[k]);
    e->fn->indent--;
  }
}

bool is_state_of(const Emit *e, Ref value, const Region *body) {
  const Node *n = node(e, value);
  if (!body->owner || node(e, body->owner)->op != IR_FOLD) return false;
  if (n->op != IR_STACK) return n->op == IR_PARAM && n->region == body->id;
  for (uint32_t k = 0; k < n->nargs; k++)
    if (node(e, n->arg[k])->op != IR_PARAM || node(e, n->arg[k])->region != body->id) return false;
  return true;
}

/* Does an output of fold r keep the scalar that it carries as number k, as a round starts? */
static bool is_recorded(const Emit *e, Ref r, uint32_t k) {
  const Node *n = node(e, r);
  const Region *body = n->regions[0];
  for (uint32_t j = n->nargs - 1; n->op == IR_FOLD && j < n->nresults; j++) {
    const Node *value = node(e, body->results.at[j]);
    if (!needed_proj(e, r, j) || !is_state_of(e, body->results.at[j], body)) continue;
    if (body->results.at[j] == body->params.at[k + 1]) return true;
    for (uint32_t i = 0; i < value->nargs; i++)
      if (value->arg[i] == body->params.at[k + 1]) return true;
  }
  return false;
}

/* The scalars that change, in the order of their assignments; some must wait for the others. */
typedef struct Assignments {
  const Node *fold;
  const Region *body;
  uint32_t skip, n, *order;
  bool *done, *waits;
} Assignments;

static Ref state(const Assignments *a, uint32_t k) { return a->body->params.at[k + a->skip]; }

/* Does no value that is still to be computed mention what number k was? */
static bool is_free(const Emit *e, const Assignments *a, uint32_t k) {
  for (uint32_t j = 0; j + 1 < a->fold->nargs; j++)
    if (j != k && !a->done[j] && expr_mentions(e, a->body->results.at[j], state(a, k))) return false;
  return true;
}

/* Of many, and of those that wait for each other, the first has to wait. */
static void order_assignments(const Emit *e, Assignments *a, uint32_t left) {
  enum { MANY = 64 };
  bool many = left > MANY;
  while (left) {
    uint32_t before = left, first = UINT32_MAX;
    for (uint32_t k = 0; k + 1 < a->fold->nargs; k++) {
      if (a->done[k]) continue;
      bool now = is_free(e, a, k);
      if (!now && first == UINT32_MAX) first = k;
      if (!now && !many) continue;
      a->waits[k] = !now;
      a->done[k] = true;
      a->order[a->n++] = k;
      left--;
    }
    if (left < before) continue;
    a->waits[first] = a->done[first] = true;
    a->order[a->n++] = first;
    left--;
  }
}

static Assignments find_assignments(Emit *e, Ref r, const Region *body) {
  const Node *n = node(e, r);
  Assignments a = {.fold = n, .body = body, .skip = n->op == IR_FOLD};
  uint32_t left = 0;
  a.order = NEWN(e->c, uint32_t, n->nargs);
  a.done = NEWN(e->c, bool, n->nargs);
  a.waits = NEWN(e->c, bool, n->nargs);
  for (uint32_t k = 0; k + 1 < n->nargs; k++) {
    a.done[k] = is_array(node(e, state(&a, k))) || body->results.at[k] == state(&a, k);
    left += !a.done[k];
  }
  order_assignments(e, &a, left);
  for (uint32_t k = 0; k < a.n; k++)
    a.waits[a.order[k]] |= e->rows && is_recorded(e, r, a.order[k]);
  return a;
}

/* The next values; those that others wait for get a name of their own, and are assigned last. */
const char **next_scalars(Emit *e, Ref r, Region *body) {
  Assignments a = find_assignments(e, r, body);
  const char **later = NEWN(e->c, const char *, a.fold->nargs + 1);
  for (int pass = 0; pass < 2; pass++)
    for (uint32_t j = 0; j < a.n; j++) {
      uint32_t k = a.order[j];
      const char *name = info(e, state(&a, k))->cname;
      if (pass != !a.waits[k]) continue;
      line_start(e);
      if (a.waits[k]) {
        int plain = (int)strcspn(name, "[");   /* in lanes: an element */
        later[k] = c_fresh(e, str_printf(e->c, "%.*s_next", plain, name));
        putf(e, "const %s ", out_type(e, r, k));
        name = later[k];
      }
      putf(e, "%s = ", name);
      put_expr(e, body->results.at[k], PREC_ANY);
      line_end(e, ";");
    }
  return later;
}

void assign_later(Emit *e, Ref r, const Region *body, const char *const *later) {
  const Node *n = node(e, r);
  for (uint32_t k = 0; k + 1 < n->nargs; k++)
    if (later[k])
      line(e, "%s = %s;", info(e, body->params.at[k + (n->op == IR_FOLD)])->cname, later[k]);
}

/* First everything that still reads a state, then the states. */
static void assign_arrays(Emit *e, Ref r, Region *body, bool states) {
  const Node *n = node(e, r);
  uint32_t skip = n->op == IR_FOLD;
  for (uint32_t k = 0; k + 1 < n->nargs; k++) {
    Ref value = body->results.at[k], param = body->params.at[k + skip];
    if (!is_array(node(e, param)) || value == param) continue;
    const Out *o = &info(e, r)->out[k];
    if (o->track) {
      if (states) line(e, "%s = %s;", info(e, param)->cname, ref_buffer(e, o->next));
      continue;
    }
    if (storage_of(e, value) == o->buffer) continue;
    if (!states) {
      if (o->next) copy_into(e, o->next, value);
    } else if (takes_turns(e, o)) {
      swap_turns(e, param, o);
    } else if (o->next) {
      copy_array(e, ref_buffer(e, o->buffer), ref_buffer(e, o->next), node(e, param)->type);
    } else {
      copy_into(e, o->buffer, value);
    }
  }
}

void assign_carried(Emit *e, Ref r, Region *body) {
  assign_arrays(e, r, body, false);
  const char **later = next_scalars(e, r, body);
  assign_later(e, r, body, later);
  assign_arrays(e, r, body, true);
}

/* In front of the loop. */
void declare_carried(Emit *e, Ref r) {
  declare_states(e, r);
  declare_turns(e, r);
}

/* parser.y - the grammar of expression files, LALR(1) without a conflict.
 *
 * Tokens come from syntax_lex (src/syntax/tokens.c), which has already decided
 * which newlines are SEP, which words are contextual, and that brackets match.
 * A tuple or a call is parsed first and taken as a pattern, a parameter list or
 * the head of a definition when `->` or `=` follows.  Every action is one call
 * into src/syntax; productions that end in slip() are the common mistakes. */
%code top {
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif
}
%code requires { #include "syntax/reader.h" }

%define api.pure full
%define api.prefix {syntax_}
%define api.value.type {Value}
%define api.location.type {Span}
%define parse.error custom
%locations
%param {Reader *r}
%expect 0
%initial-action { @$ = (Span){r->file, r->offset, r->offset}; }

%code {
#define YYINITDEPTH 20   /* the sanitizer marks these stacks at every token */
#define YYMAXDEPTH 200000000
#define YYMALLOC(size) arena_alloc(r->ctx, (size_t)(size))
#define YYFREE(block) ((void)(block))
#define YYLLOC_DEFAULT(At, Rhs, N)                                              \
  ((At) = (N) ? span_join(YYRHSLOC(Rhs, 1), YYRHSLOC(Rhs, N))                   \
              : (Span){YYRHSLOC(Rhs, 0).file, YYRHSLOC(Rhs, 0).end, YYRHSLOC(Rhs, 0).end})

static void syntax_error(Span *at, Reader *r, const char *text);
}

%token END 0 "the end of the file"
%token SEP "the end of the item"
%token <name> NAME "a name"
%token <ast> NUMBER "a number"
%token <i> PRIMES "a prime"
%token TEXT_BEGIN "a text" TEXT_END "the end of the text"
%token <name> PIECE "a piece of text" FORMAT_TEXT "a format"
%token INTERP "the '{' of a text" INTERP_END "the '}' of the text"
%token IF "if" THEN "then" ELSE "else" AND "and" OR "or" NOT "not" FOR "for" IN "in"
%token WHILE "while" WITH "with" PRINT "print" ASSERT "assert" FOLD "fold" SCAN "scan"
%token LOOP "loop" AT_MOST "at most" TRUE "true" FALSE "false" NONE "none"
%token RESERVED "a reserved word"
%token TYPE "type" INPUT "input" IMPORT "import" TRACE "trace"
%token CUSTOM_GRADIENT "custom_gradient" CUSTOM_TANGENT "custom_tangent"
%token ARROW "->" DOTS ".." EQ "==" NE "!=" LE "<=" GE ">=" FLOORDIV "//"

%type <ast> file items item definition head statement rule rule_names rule_name
%type <ast> type type_parts type_fields type_field sizes print_list printed text pieces
%type <ast> expr open with_head updated target or_e and_e not_e cmp_e compared sum product
%type <ast> unary power postfix primary paren tuple fields field array elements call_args arg
%type <ast> subscripts subscript slice for_clauses clauses clause pattern patterns
%type <ast> lambda_head block block_items block_item
%type <op> compare

%%

start: file                           { r->result = $file; }
  ;

/* ---- items ------------------------------------------------------------- */

file: %empty                          { $$ = ast_new(r->ctx, AST_FILE, @$, 0); }
  | items
  ;
items: item                           { $$ = make_push_item(r, NULL, $1); }
  | items SEP item                    { $$ = make_push_item(r, $1, $3); }
  ;
item: definition | statement | rule
  | expr                              { $$ = make_lone(r, @$, $expr); }
  | TYPE NAME '[' rule_names ']' '=' type
                                      { $$ = make_pair(r, AST_TYPEDEF, @$, @2, $2, $4, $7); }
  | TYPE NAME '=' type                { $$ = make_pair(r, AST_TYPEDEF, @$, @2, $2,
                                                       ast_new(r->ctx, AST_PARAMS, @2, 0), $4); }
  | INPUT NAME ':' type               { $$ = make_pair(r, AST_INPUT, @$, @2, $2, $4, NULL); }
  | INPUT NAME ':' type '=' expr      { $$ = make_pair(r, AST_INPUT, @$, @2, $2, $4, $6); }
  | IMPORT text                       { $$ = make_import(r, @$, $text); }
  ;
definition: head expr                 { $$ = make_definition(r, @$, $head, $expr); }
  ;
head: expr '='                        { $$ = make_head(r, @1, $1, NULL); }
  | expr ':' type '='                 { $$ = make_head(r, @1, $1, $type); }
  ;
statement: PRINT print_list           { $$ = make_filled(@$, $print_list, NULL); }
  | ASSERT expr                       { $$ = ast_new(r->ctx, AST_ASSERT, @$, 1, $expr); }
  | TRACE text                        { $$ = ast_new(r->ctx, AST_TRACE, @$, 1, $text); }
  | FOR                               { slip(r, @$, SLIP_FOR_STATEMENT); }
  | WHILE                             { slip(r, @$, SLIP_WHILE_STATEMENT); }
  ;
rule: CUSTOM_GRADIENT NAME '(' rule_names[p] ';' rule_names[s] ')' '=' expr
                                      { $$ = make_rule(r, AST_GRADIENT, @$, @2, $2, $p, $s, $9); }
  | CUSTOM_TANGENT NAME '(' rule_names[p] ';' rule_names[s] ')' '=' expr
                                      { $$ = make_rule(r, AST_TANGENT, @$, @2, $2, $p, $s, $9); }
  | CUSTOM_GRADIENT NAME '(' rule_names ')'     { slip(r, @5, SLIP_RULE_SEED); }
  | CUSTOM_TANGENT NAME '(' rule_names ')'      { slip(r, @5, SLIP_RULE_SEED); }
  ;
rule_names: rule_name                 { $$ = make_list(r, AST_PARAMS, @$, $1); }
  | rule_names ',' rule_name          { $$ = ast_push(r->ctx, $1, $3); }
  ;
rule_name: NAME                       { $$ = make_named(r, AST_PARAM, @$, @1, $1, NULL); }
  | NAME ':'                          { slip(r, @2, SLIP_RULE_TYPE); }
  ;
print_list: printed                   { $$ = make_list(r, AST_PRINT, @$, $1); }
  | print_list ',' printed            { $$ = ast_push(r->ctx, $1, $3); }
  ;
printed: expr | text
  ;

/* ---- text -------------------------------------------------------------- */

text: TEXT_BEGIN pieces TEXT_END      { $$ = make_filled(@$, $pieces, NULL); }
  ;
pieces: %empty                        { $$ = ast_new(r->ctx, AST_TEXT, @$, 0); }
  | pieces PIECE                      { $$ = make_push_text(r, $1, @2, $2); }
  | pieces INTERP expr INTERP_END     { $$ = make_push_value(r, $1, span_join(@2, @4), $3, NULL); }
  | pieces INTERP expr FORMAT_TEXT INTERP_END
                                      { $$ = make_push_value(r, $1, span_join(@2, @5), $3, $4); }
  | pieces INTERP INTERP_END          { slip(r, span_join(@2, @3), SLIP_EMPTY_PIECE); }
  ;

/* ---- types ------------------------------------------------------------- */

type: NAME                            { $$ = make_array_type(r, @$, @1, $1, NULL); }
  | NAME '[' sizes ']'                { $$ = make_array_type(r, @$, @1, $1, $sizes); }
  | '(' type ')'                      { $$ = $2; }
  | '(' type_parts comma ')'          { $$ = make_filled(@$, $2, NULL); }
  | '(' type_fields comma ')'         { $$ = make_filled(@$, $2, NULL); }
  ;
type_parts: type[a] ',' type[b]       { $$ = ast_new(r->ctx, AST_T_TUPLE, @$, 2, $a, $b); }
  | type_parts ',' type               { $$ = ast_push(r->ctx, $1, $3); }
  ;
type_fields: type_field               { $$ = make_list(r, AST_T_RECORD, @$, $1); }
  | type_fields ',' type_field        { $$ = ast_push(r->ctx, $1, $3); }
  ;
type_field: NAME ':' type             { $$ = make_named(r, AST_FIELD, @$, @1, $1, $3); }
  ;
sizes: expr                           { $$ = make_hollow(r, AST_T_ARRAY, @$, $1); }
  | sizes ',' expr                    { $$ = ast_push(r->ctx, $1, $3); }
  ;
comma: %empty | ','
  ;

/* ---- expressions, loosest first ---------------------------------------- */

expr: open | updated
  | with_head open                    { $$ = make_with_value(@$, $1, $2); }
  ;
/* What reaches as far right as it can. */
open: lambda_head expr                { $$ = make_lambda_body(r, @$, $1, $2); }
  | IF expr[c] THEN expr[a] ELSE expr[b]
                                      { $$ = ast_new(r->ctx, AST_IF, @$, 3, $c, $a, $b); }
  ;
lambda_head: or_e "->"                { $$ = make_lambda(r, @$, $1); }
  ;
updated: or_e
  | with_head or_e                    { $$ = make_with_value(@$, $1, $2); }
  ;
with_head: updated WITH target '='    { $$ = make_with(r, @$, $1, $target); }
  ;
target: '[' subscripts ']'            { $$ = make_filled(@$, $2, NULL); }
  | '.' NAME                          { $$ = make_named(r, AST_GET, @$, @2, $2, NULL); }
  ;
or_e: and_e
  | or_e OR and_e                     { $$ = make_binary(r, @$, OP_OR, $1, $3); }
  ;
and_e: not_e
  | and_e AND not_e                   { $$ = make_binary(r, @$, OP_AND, $1, $3); }
  ;
not_e: cmp_e
  | NOT not_e                         { $$ = make_unary(r, @$, OP_NOT, $2); }
  ;
cmp_e: sum | compared
  ;
compared: sum compare sum             { $$ = make_binary(r, @$, $2, $1, $3); }
  | compared compare                  { slip(r, @2, SLIP_CHAIN); }
  ;
compare: "==" { $$ = OP_EQ; } | "!=" { $$ = OP_NE; }
  | '<' { $$ = OP_LT; } | "<=" { $$ = OP_LE; } | '>' { $$ = OP_GT; } | ">=" { $$ = OP_GE; }
  ;
sum: product
  | sum '+' product                   { $$ = make_binary(r, @$, OP_ADD, $1, $3); }
  | sum '-' product                   { $$ = make_binary(r, @$, OP_SUB, $1, $3); }
  ;
product: unary
  | product '*' unary                 { $$ = make_binary(r, @$, OP_MUL, $1, $3); }
  | product '/' unary                 { $$ = make_binary(r, @$, OP_DIV, $1, $3); }
  | product "//" unary                { $$ = make_binary(r, @$, OP_FLOORDIV, $1, $3); }
  | product '%' unary                 { $$ = make_binary(r, @$, OP_MOD, $1, $3); }
  | product '@' unary                 { $$ = make_binary(r, @$, OP_MATMUL, $1, $3); }
  ;
unary: power
  | '-' unary                         { $$ = make_unary(r, @$, OP_NEG, $2); }
  ;
power: postfix
  | postfix '^' unary                 { $$ = make_binary(r, @$, OP_POW, $1, $3); }
  ;

postfix: primary
  | postfix '(' ')'                   { $$ = make_call(r, @$, $1, NULL); }
  | postfix '(' call_args comma ')'   { $$ = make_call(r, @$, $1, $3); }
  | postfix '(' expr for_clauses ')'  { $$ = make_reduction(r, @$, $1, span_join(@3, @4), $3, $4); }
  | postfix '[' subscripts ']'        { $$ = make_filled(@$, $3, $1); }
  | postfix '[' ']'                   { slip(r, span_join(@2, @3), SLIP_EMPTY_INDEX); }
  | postfix '.' NAME                  { $$ = make_named(r, AST_GET, @$, @3, $3, $1); }
  ;
call_args: arg                        { $$ = make_hollow(r, AST_CALL, @$, $1); }
  | call_args ',' arg                 { $$ = make_push_argument(r, $1, $3); }
  ;
arg: expr
  | expr[a] '=' expr[b]               { $$ = make_argument(r, @$, AST_NAMED, $a, $b); }
  | expr ':' type                     { $$ = make_argument(r, @$, AST_PARAM, $1, $3); }
  ;
subscripts: subscript                 { $$ = make_hollow(r, AST_INDEX, @$, $1); }
  | subscripts ',' subscript          { $$ = ast_push(r->ctx, $1, $3); }
  ;
subscript: expr | slice
  | slice ':'                         { slip(r, @2, SLIP_STEP); }
  ;
slice: ':'                            { $$ = ast_new(r->ctx, AST_SLICE, @$, 2, NULL, NULL); }
  | expr ':'                          { $$ = ast_new(r->ctx, AST_SLICE, @$, 2, $1, NULL); }
  | ':' expr                          { $$ = ast_new(r->ctx, AST_SLICE, @$, 2, NULL, $2); }
  | expr[a] ':' expr[b]               { $$ = ast_new(r->ctx, AST_SLICE, @$, 2, $a, $b); }
  ;

primary: NUMBER
  | NAME                              { $$ = make_leaf(r, AST_NAME, @1, $1); }
  | NAME PRIMES                       { $$ = make_prime(r, @$, @1, $1, $2); }
  | TRUE                              { $$ = make_word(r, AST_BOOL, @$, 1); }
  | FALSE                             { $$ = make_word(r, AST_BOOL, @$, 0); }
  | NONE                              { $$ = make_word(r, AST_NONE, @$, 0); }
  | paren | array | block
  | FOLD pattern '=' expr FOR clause block
                                      { $$ = make_fold(r, AST_FOLD, @$, $2, $4, $6, $7); }
  | SCAN pattern '=' expr FOR clause block
                                      { $$ = make_fold(r, AST_SCAN, @$, $2, $4, $6, $7); }
  | FOLD pattern '=' expr FOR clause ','        { slip(r, @7, SLIP_FOLD_CLAUSES); }
  | SCAN pattern '=' expr FOR clause ','        { slip(r, @7, SLIP_FOLD_CLAUSES); }
  | LOOP pattern '=' expr[s] WHILE expr[c] "at most" expr[n] block
                                      { $$ = make_loop(r, @$, $2, $s, $c, $n, $9); }
  | LOOP pattern '=' expr WHILE expr '{'        { slip(r, @7, SLIP_NO_AT_MOST); }
  ;

paren: '(' expr ')'                   { $$ = $2; }
  | '(' tuple comma ')'               { $$ = make_filled(@$, $2, NULL); }
  | '(' fields comma ')'              { $$ = make_filled(@$, $2, NULL); }
  | '(' ')'                           { slip(r, @$, SLIP_EMPTY_TUPLE); }
  | '(' expr ',' ')'                  { slip(r, @$, SLIP_ONE_TUPLE); }
  | '(' expr FOR                      { slip(r, @3, SLIP_GENERATOR); }
  ;
tuple: expr[a] ',' expr[b]            { $$ = ast_new(r->ctx, AST_TUPLE, @$, 2, $a, $b); }
  | tuple ',' expr                    { $$ = ast_push(r->ctx, $1, $3); }
  ;
fields: field                         { $$ = make_list(r, AST_RECORD, @$, $1); }
  | fields ',' field                  { $$ = ast_push(r->ctx, $1, $3); }
  ;
field: expr[a] '=' expr[b]            { $$ = make_field(r, @$, $a, $b); }
  ;
array: '[' ']'                        { $$ = ast_new(r->ctx, AST_ARRAY, @$, 0); }
  | '[' elements comma ']'            { $$ = make_filled(@$, $2, NULL); }
  | '[' expr for_clauses ']'          { $$ = make_filled(@$, $3, $2); }
  ;
elements: expr                        { $$ = make_list(r, AST_ARRAY, @$, $1); }
  | elements ',' expr                 { $$ = ast_push(r->ctx, $1, $3); }
  ;

for_clauses: FOR clauses              { $$ = $2; }
  | FOR clauses IF                    { slip(r, @3, SLIP_FILTER); }
  | FOR clauses FOR                   { slip(r, @3, SLIP_SECOND_FOR); }
  ;
clauses: clause                       { $$ = make_hollow(r, AST_FOR, @$, $1); }
  | clauses ',' clause                { $$ = ast_push(r->ctx, $1, $3); }
  ;
clause: NAME                          { $$ = make_leaf(r, AST_FOR_BARE, @1, $1); }
  | NAME '<' sum                      { $$ = make_named(r, AST_FOR_COUNT, @$, @1, $1, $3); }
  | NAME "<="                         { slip(r, @2, SLIP_BOUND); }
  | NAME '='                          { slip(r, @2, SLIP_ASSIGN_CLAUSE); }
  | pattern IN sum                    { $$ = ast_new(r->ctx, AST_FOR_EACH, @$, 2, $1, $3); }
  | pattern IN sum ".." sum           { $$ = make_range(r, @$, $1, $3, $5); }
  ;
pattern: NAME                         { $$ = make_leaf(r, AST_NAME, @1, $1); }
  | '(' pattern ')'                   { $$ = $2; }
  | '(' patterns comma ')'            { $$ = make_filled(@$, $2, NULL); }
  ;
patterns: pattern[a] ',' pattern[b]   { $$ = ast_new(r->ctx, AST_P_TUPLE, @$, 2, $a, $b); }
  | patterns ',' pattern              { $$ = ast_push(r->ctx, $1, $3); }
  ;

block: '{' block_items '}'            { $$ = make_block(r, @$, $2); }
  | '{' '}'                           { slip(r, @$, SLIP_EMPTY_BLOCK); }
  ;
block_items: block_item               { $$ = make_list(r, AST_BLOCK, @$, $1); }
  | block_items SEP block_item        { $$ = ast_push(r->ctx, $1, $3); }
  ;
block_item: expr | definition
  | TRACE text                        { $$ = ast_new(r->ctx, AST_TRACE, @$, 1, $text); }
  | FOR                               { slip(r, @$, SLIP_FOR_STATEMENT); }
  | WHILE                             { slip(r, @$, SLIP_WHILE_STATEMENT); }
  | PRINT                             { slip(r, @$, SLIP_STATEMENT); }
  | ASSERT                            { slip(r, @$, SLIP_STATEMENT); }
  | inner_item                        { slip(r, @1, SLIP_INNER_ITEM); }
  ;
inner_item: TYPE | INPUT | IMPORT | CUSTOM_GRADIENT | CUSTOM_TANGENT
  ;

%%

/* Only for a stack over YYMAXDEPTH: syntax errors go to the function below. */
static void syntax_error(Span *at, Reader *r, const char *text) {
  (void)text;
  fail_at(r->ctx, *at, NULL, "this is nested too deeply");
}

static int yyreport_syntax_error(const yypcontext_t *context, Reader *r) {
  enum { MOST = 100 };
  yysymbol_kind_t kinds[MOST];
  const char *names[MOST];
  int n = yypcontext_expected_tokens(context, kinds, MOST);
  for (int i = 0; i < n; i++) names[i] = yysymbol_name(kinds[i]);
  slip_unexpected(r, names, n);
  return 0;
}

/* test_hostile.c - texts written to break out: names that mean something to a C compiler, to
 * the C library or to generated code, and texts that try to end a comment.  Nothing of them
 * may reach a C compiler as anything but an identifier of ours or a harmless comment. */
#include <stdio.h>
#include <unistd.h>

#include "host.h"

static const char *const names[] = {
  /* C and C++ */
  "int", "double", "auto", "register", "restrict", "inline", "volatile", "goto", "return",
  "sizeof", "struct", "union", "typedef", "extern", "static", "asm", "typeof", "class", "this",
  "new", "delete", "template", "operator", "private", "namespace", "virtual", "and_eq", "xor",
  "nullptr", "constexpr", "thread_local", "alignas", "_Bool", "_Complex", "_Generic",
  "__attribute__", "__asm__", "__builtin_trap", "__func__", "__LINE__", "__FILE__", "__COUNTER__",
  "bool", "char", "char16_t", "wchar_t", "concept", "requires", "co_await", "import_", "module",
  /* the C library, as functions, variables and macros */
  "y0", "y1", "yn", "j0", "j1", "jn", "gamma", "signgam", "exit", "abort", "system", "main",
  "errno", "stdin", "stdout", "stderr", "environ", "NULL", "INFINITY", "NAN", "HUGE_VAL",
  "HUGE_VALF", "M_PI", "M_E", "M_SQRT2", "FP_NAN", "FP_ILOGB0", "MATH_ERRNO", "math_errhandling",
  "MAXFLOAT", "DOMAIN", "OVERFLOW", "EOF", "BUFSIZ", "FILE", "SEEK_SET", "RAND_MAX", "TMP_MAX",
  "L_tmpnam", "P_tmpdir", "EXIT_SUCCESS", "EXIT_FAILURE", "MB_CUR_MAX", "FOPEN_MAX",
  "FILENAME_MAX", "INT64_MAX", "UINT8_C", "SIZE_MAX", "PTRDIFF_MIN", "WCHAR_MAX", "WINT_MAX",
  "SIG_ATOMIC_MAX", "int64_t", "size_t", "ptrdiff_t", "max_align_t", "float_t", "double_t",
  "offsetof", "memcpy", "memset", "printf", "malloc", "free", "strlen", "linux", "unix", "i386",
  "isnan", "signbit", "fpclassify", "isgreater", "nan", "alloca", "setjmp", "fma", "index",
  "rindex", "read", "write", "time", "div", "abs", "labs", "random", "remove", "getc", "putc",
  "putchar", "strtod", "assert", "I", "complex", "imaginary", "_Imaginary_I",
  /* generated code */
  "in", "out", "outs", "work", "host", "stop", "code", "env", "env1", "gc_arg", "gc_fail",
  "gc_main", "gc_main_work", "gc_size_n", "gc_temp", "GC_RESTRICT", "v_", "v_gc_arg", "w", "w_2",
  "iw", "n", "size_n", "i", "j", "k", "trips", "mark", "leaf", "dim0", "up", "value", "grad_x",
  "out_2", "m_f", "m_f_work", "M_H", "_", "__", "_2", "a__b", "A",
};

/* Two names that `clean` could make one. */
static const char long_name[] =
  "a_very_long_name_that_goes_on_and_on_far_beyond_what_any_compiler_must_keep_of_it_"
  "and_then_some_more_and_more_and_more_and_more_and_more_and_more_and_more_and_more_and_more";

/* A function that has the name as its own, as a parameter, as a size, as a local and as the
 * field of a record. */
static void write_model(char *to, size_t room, const char *name) {
  snprintf(to, room,
           "type R[n] = (%s: real[n], other: real)\n"
           "f(r: R[n], q: real[n, k]) = { a = [sum(q[i, j]*r.%s[i] for j < k) for i < n]; "
           "sum(sin(a[i])*a[i] + r.other for i < n) }\n"
           "h(%s: real, x: real) = { v = %s*x; v^2 + exp(%s) }\n"
           "l(x: real) = { %s = x^2; %s*x + sin(%s) }\n"
           "s(x: real[%s]) = sum(x[i]*%s for i < %s)\n",
           name, name, name, name, name, name, name, name, name, name, name);
}

static bool is_word(const char *name) {
  char text[600];
  int n = snprintf(text, sizeof text, "h(%s: real) = %s", name, name);
  return gradc_load(g, "word", text, (size_t)n) == GRADC_OK && !gradc_unload(g, "word");
}

static void run_all(void) {
  static const double x[4] = {1, 2, 3, 4};
  gradc_function *f = gradc_compile(g, "h", GRADC_GRAD, NULL);
  ck_assert_msg(f != NULL, "%s", gradc_message(g)->full);
  gradc_call *c = gradc_call_new(f);
  double y[3];
  ck_assert_int_eq(gradc_eval(c, x, y), GRADC_OK);
  ck_assert_double_eq_tol(y[0], 4 + 2.718281828459045, 1e-12);
  gradc_call_free(c);
  gradc_release(f);
  f = gradc_compile(g, "f", GRADC_GRAD, NULL);
  ck_assert_msg(f != NULL, "%s", gradc_message(g)->full);
  c = gradc_call_new(f);
  set(c, 0, x, 1, 2, 0);
  gradc_set_real(c, 1, 1);
  set(c, 2, x, 2, 2, 2);
  runs(c);
  gradc_call_free(c);
  gradc_release(f);
  f = gradc_compile(g, "l", GRADC_HESSIAN, NULL);
  ck_assert_msg(f != NULL, "%s", gradc_message(g)->full);
  gradc_release(f);
  f = gradc_compile(g, "s", GRADC_GRAD, NULL);
  ck_assert_msg(f != NULL, "%s", gradc_message(g)->full);
  gradc_release(f);
}

START_TEST(names_run) {
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    char text[8000];
    if (!is_word(names[k])) continue;
    write_model(text, sizeof text, names[k]);
    ck_assert_msg(load(text) == GRADC_OK, "%s: %s", names[k], gradc_message(g)->full);
    run_all();
  }
}
END_TEST

/* ---- what other compilers say ----------------------------------------------------------- */

static char folder[40];

static void make_folder(void) {
  strcpy(folder, "/tmp/gradc-hostile-XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void write_file(const char *name, const char *text) {
  char path[100];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = fopen(path, "w");
  ck_assert_ptr_nonnull(f);
  fputs(text, f);
  ck_assert_int_eq(fclose(f), 0);
}

static int shell(const char *command) {
  char text[900];
  snprintf(text, sizeof text, "cd %s && %s", folder, command);
  return system(text);
}

static void drop_folder(void) {
  char command[80];
  snprintf(command, sizeof command, "rm -r %s", folder);
  ck_assert_int_eq(system(command), 0);
}

static const char strict[] =
  "-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wtrigraphs -Wcomment -Werror -c -x ";

static void compile_c(const char *what) {
  const char *cc = getenv("CC");
  char command[800];
  if (!cc || !*cc) cc = "cc";
  snprintf(command, sizeof command, "%s -std=c99 %s c m.c -o m.o 2>log", cc, strict);
  ck_assert_msg(shell(command) == 0, "%s: %s/log", what, folder);
  snprintf(command, sizeof command, "%s -std=gnu99 -trigraphs %s c m.c -o m.o 2>log", cc, strict);
  ck_assert_msg(shell(command) == 0, "%s: %s/log", what, folder);
  if (shell("c++ --version >/dev/null 2>&1") != 0) return;
  snprintf(command, sizeof command, "c++ -std=c++11 %s c++ m.c -o m.o 2>log", strict);
  ck_assert_msg(shell(command) == 0, "%s: %s/log", what, folder);
}

static const gradc_request requests[] = {
  {"f", GRADC_GRAD, NULL}, {"h", GRADC_GRAD, NULL}, {"l", GRADC_GRAD, NULL},
  {"s", GRADC_GRAD, NULL},
};

static void emit(const char *what) {
  const char *body, *header;
  int status = gradc_emit_c(g, "m", requests, 4, &body, &header);
  ck_assert_msg(status == GRADC_OK, "%s: %s", what, gradc_message(g)->full);
  write_file("m.c", body);
  write_file("m.h", header);
}

/* Several names in one file of C, for the compiler's sake. */
START_TEST(names_compile) {
  enum { AT_ONCE = 12 };
  size_t count = sizeof names / sizeof *names;
  make_folder();
  char *all = calloc(1, AT_ONCE*1000*1000);
  ck_assert_ptr_nonnull(all);
  for (size_t k = 0; k < count;) {
    char prefix[20];
    *all = 0;
    for (int at = 0; at < AT_ONCE && k < count; k++) {
      const char *body;
      char text[8000];
      if (!is_word(names[k])) continue;
      write_model(text, sizeof text, names[k]);
      ck_assert_int_eq(load(text), GRADC_OK);
      snprintf(prefix, sizeof prefix, "m%d", at++);
      ck_assert_msg(gradc_emit_c(g, prefix, requests, 4, &body, NULL) == GRADC_OK, "%s: %s",
                    names[k], gradc_message(g)->full);
      char file[30], line[60];
      snprintf(file, sizeof file, "%s.inc", prefix);
      write_file(file, body);
      snprintf(line, sizeof line, "#include \"%s\"\n", file);
      strcat(all, line);
    }
    write_file("m.c", all);
    compile_c(k < count ? names[k] : "last");
  }
  free(all);
  drop_folder();
}
END_TEST

START_TEST(long_names) {
  char text[8000];
  make_folder();
  write_model(text, sizeof text, long_name);
  ck_assert_int_eq(load(text), GRADC_OK);
  run_all();
  emit("long");
  compile_c("long");
  drop_folder();
  char *huge = malloc(400000);
  int n = snprintf(huge, 400000, "h(x: real, %0100000d", 0);
  memset(huge + 11, 'a', (size_t)n - 11);
  strcpy(huge + n, ": real) = x");
  ck_assert_msg(load(huge) == GRADC_OK, "%s", gradc_message(g)->message);
  gradc_function *f = gradc_compile(g, "h", GRADC_VALUE, NULL);
  ck_assert_ptr_nonnull(f);
  gradc_call *c = gradc_call_new(f);
  ck_assert_int_eq(gradc_set_array(c, 1, huge, 1, (int64_t[]){1}), GRADC_USAGE);
  gradc_call_free(c);
  gradc_release(f);
  free(huge);
}
END_TEST

/* Each tries to end a comment, or to splice its line with the next. */
static const char *const escapes[] = {
  "*/ int evil(void); /*", "*\\/ evil", "*\\", "\\", "*?\?/", "?\?/", "/*", "*", "*/",
  "// \\", "a*\\", "**//", "*\\\\/", "\"", "\" evil \"", "#include \"evil.h\"", "?\?!?\?!", "*/*/",
  "\xce\xbb*/\xce\xbb", "%s%n%d", "'", "a\\u002a/", "\\x2a/",
};

/* As the text's name, in comments inside a type and at the end of lines, in texts. */
START_TEST(comments_stay_comments) {
  make_folder();
  for (size_t k = 0; k < sizeof escapes / sizeof *escapes; k++) {
    const char *x = escapes[k];
    char text[4000];
    snprintf(text, sizeof text,
             "# %s\n"
             "f(q: real[n # %s\n/1], i: int) = q[i] # %s\n/2 + # %s\n q[0] # %s\n"
             "h(x: real, # %s\n y: real) = x*y # %s\n"
             "l(x: real) = { trace \"{x} ?\?/ */ \"; x } # */%s\n"
             "s(x: real # %s\n ) = x^2\n",
             x, x, x, x, x, x, x, x, x);
    ck_assert_msg(gradc_load(g, x, text, strlen(text)) == GRADC_OK, "%s: %s", x,
                  gradc_message(g)->full);
    emit(x);
    compile_c(x);
    ck_assert_int_eq(gradc_unload(g, x), GRADC_OK);
  }
  drop_folder();
}
END_TEST

int main(void) {
  static const TTest *const *const tests[] = {
    &names_run, &names_compile, &long_names, &comments_stay_comments,
  };
  return run_suite("hostile", tests, sizeof tests / sizeof *tests);
}

/* fused.c - see cache.h: is there an instruction in an object that nobody asked for?
 *
 * Where lanes add and take away in turns, as in a product of complex numbers, gcc 12 takes x86's
 * vfmaddsub and vfmsubadd, which leave out the rounding of the product, although it is told
 * -ffp-contract=off; what keeps it from that costs others half their speed.  So the machine code
 * is looked at: the bytes of these instructions, anywhere in what can be run.  Others may hold
 * the same bytes; that costs them another compilation, and no more. */
#include "jit/cache.h"

#if defined(__x86_64__) && defined(__ELF__)
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST = 5 };   /* bytes up to the operation */

/* 132, 213, 231: adding where it is even, taking away where it is odd, and the reverse. */
static bool in_turns(unsigned char operation) {
  unsigned char kind = operation & 0x0f, order = operation >> 4;
  return (kind == 6 || kind == 7) && (order == 9 || order == 10 || order == 11);
}

static bool is_fused(const unsigned char *s) {
  if (s[0] == 0xc4 && (s[1] & 0x1f) == 2) return (s[2] & 3) == 1 && in_turns(s[3]);    /* FMA */
  if (s[0] == 0xc4 && (s[1] & 0x1f) == 3) return s[3] >= 0x5c && s[3] <= 0x5f;         /* FMA4 */
  return s[0] == 0x62 && (s[1] & 0x0f) == 2 && (s[2] & 7) == 5 && in_turns(s[4]);      /* AVX-512 */
}

static bool any_fused(const unsigned char *s, size_t n) {
  for (size_t i = 0; i + LONGEST <= n; i++)
    if (is_fused(s + i)) return true;
  return false;
}

static bool search(const unsigned char *file, size_t size) {
  const Elf64_Ehdr *head = (const void *)file;
  if (size < sizeof *head || head->e_phoff > size ||
      head->e_phnum > (size - head->e_phoff) / sizeof(Elf64_Phdr))
    return false;
  const Elf64_Phdr *part = (const void *)(file + head->e_phoff);
  for (unsigned k = 0; k < head->e_phnum; k++)
    if (part[k].p_type == PT_LOAD && part[k].p_flags & PF_X && part[k].p_offset <= size &&
        part[k].p_filesz <= size - part[k].p_offset &&
        any_fused(file + part[k].p_offset, part[k].p_filesz))
      return true;
  return false;
}

bool cc_fused(const char *object) {
  struct stat st;
  bool found = false;
  int fd = open(object, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  if (fstat(fd, &st) == 0 && st.st_size > 0) {
    size_t size = (size_t)st.st_size;
    void *file = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (file != MAP_FAILED) {
      found = search(file, size);
      munmap(file, size);
    }
  }
  close(fd);
  return found;
}

#else
bool cc_fused(const char *object) {
  (void)object;
  return false;
}
#endif

/* sha256.c - SHA-256 (FIPS 180-4) of a text, so that a file of C names the source that it
 * was made from: `sha256sum model.gc` gives the same. */
#include "emit/private.h"

#include <stdio.h>
#include <string.h>

static const uint32_t round_constant[64] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t right(uint32_t x, int n) {
  return x >> n | x << (32 - n);
}

static void schedule(const unsigned char *block, uint32_t w[64]) {
  for (int k = 0; k < 16; k++)
    w[k] = (uint32_t)block[4 * k] << 24 | (uint32_t)block[4 * k + 1] << 16 |
           (uint32_t)block[4 * k + 2] << 8 | block[4 * k + 3];
  for (int k = 16; k < 64; k++) {
    uint32_t a = right(w[k - 15], 7) ^ right(w[k - 15], 18) ^ w[k - 15] >> 3;
    uint32_t b = right(w[k - 2], 17) ^ right(w[k - 2], 19) ^ w[k - 2] >> 10;
    w[k] = w[k - 16] + a + w[k - 7] + b;
  }
}

static void take_block(uint32_t h[8], const unsigned char *block) {
  uint32_t w[64], s[8];
  schedule(block, w);
  memcpy(s, h, sizeof s);
  for (int k = 0; k < 64; k++) {
    uint32_t e = right(s[4], 6) ^ right(s[4], 11) ^ right(s[4], 25);
    uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
    uint32_t x = s[7] + e + choice + round_constant[k] + w[k];
    uint32_t a = right(s[0], 2) ^ right(s[0], 13) ^ right(s[0], 22);
    uint32_t most = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += x;
    s[0] = x + a + most;
  }
  for (int k = 0; k < 8; k++) h[k] += s[k];
}

void sha256_text(const char *bytes, size_t n, char text[65]) {
  uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  unsigned char last[128] = {0};
  size_t whole = n / 64 * 64, rest = n - whole, end = rest < 56 ? 64 : 128;
  for (size_t k = 0; k < whole; k += 64) take_block(h, (const unsigned char *)bytes + k);
  if (rest) memcpy(last, bytes + whole, rest);
  last[rest] = 0x80;
  for (int k = 0; k < 8; k++) last[end - 1 - (size_t)k] = (unsigned char)((uint64_t)n * 8 >> 8 * k);
  for (size_t k = 0; k < end; k += 64) take_block(h, last + k);
  for (int k = 0; k < 8; k++) snprintf(text + 8 * k, 9, "%08x", (unsigned)h[k]);
}

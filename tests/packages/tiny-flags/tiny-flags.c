#include <stdio.h>

/* Arithmetic with fractions: processors of today have instructions for it that older ones do not know. */
static volatile double fraction;

int main(int argc, char **argv) {
    (void)argv;
    fraction = argc / 3.0;
    fputs("tiny-flags " VERSION ": built with\n"
#include "seen.h"
          , stdout);
    return 0;
}

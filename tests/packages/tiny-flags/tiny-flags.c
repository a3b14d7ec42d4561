#include <stdio.h>

int main(void) {
    fputs("tiny-flags " VERSION ": built with\n"
#include "seen.h"
          , stdout);
    return 0;
}

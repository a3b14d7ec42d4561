#include <stdio.h>

int main(void) {
    puts("tiny-loop-a " VERSION ": it works");
    return 0;
}

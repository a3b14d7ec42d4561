#include <stdio.h>

int main(void) {
    puts("tiny-loop-b " VERSION ": it works");
    return 0;
}

#include <stdio.h>

int main(void) {
    puts("tiny-builds " VERSION ": it works");
    return 0;
}

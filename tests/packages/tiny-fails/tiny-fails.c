#include <stdio.h>

int main(void) {
    puts("tiny-fails " VERSION ": nobody reads this");
    return tiny_is_not_declared_anywhere;
}

#include <stdio.h>
#include <tiny.h>

int main(void) {
    printf("tiny-needs " VERSION ": %s\n", tiny_greeting());
    return 0;
}

#include <stdio.h>
#include <string.h>

static int check(const char *what, int got, int expected) {
    printf("%s: %s\n", got == expected ? "PASS" : "FAIL", what);
    return got != expected;
}

int main(int count, char **words) {
    if (count > 1 && strcmp(words[1], "--check") == 0)
        return check("one and one is two", 1 + 1, 2) + check("two and two is five", 2 + 2, 5);
    puts("tiny-fails-tests " VERSION ": it works, tests or not");
    return 0;
}

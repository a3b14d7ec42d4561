#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A datagram socket that connects sends nothing: it only asks the kernel for a route. */
static int connects(int type, const char *address, int port) {
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
    inet_pton(AF_INET, address, &to.sin_addr);
    int end = socket(AF_INET, type, 0);
    if (end < 0)
        return 0;
    int could = connect(end, (struct sockaddr *)&to, sizeof to) == 0;
    printf("tiny-network " VERSION ": %s:%d: %s\n", address, port, could ? "could connect" : strerror(errno));
    close(end);
    return could;
}

/* Without words: is there a route out? With ADDRESS PORT also: does the APT archive of this place answer? */
int main(int count, char **words) {
    int could = connects(SOCK_DGRAM, "192.0.2.1", 9);
    if (count == 3)
        could |= connects(SOCK_STREAM, words[1], atoi(words[2]));
    printf("tiny-network " VERSION ": network: %s\n", could ? "yes" : "no");
    return could;
}

/* Answers whatever comes with 503 and does nothing else: what a refusal costs at the least on this machine.
   cc -O2 refuser.c -o refuser && ./refuser PORT */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BODY "{\"error\": \"more requests than can be answered; try again in a second\"}"
#define EVENTS 512

static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n"
                             "retry-after: 1\r\ncontent-length: 70\r\n\r\n" BODY;
_Static_assert(sizeof BODY - 1 == 70, "content-length");

int main(int count, char **arguments) {
    int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0), yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event wanted = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];
    static char request[1 << 16];

    address.sin_port = htons(count > 1 ? atoi(arguments[1]) : 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 2048)) return 1;
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &wanted);
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int each = 0; each < ready; each++) {
            int file = events[each].data.fd;
            if (file == listener) {
                wanted.data.fd = accept(listener, NULL, NULL);
                setsockopt(wanted.data.fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
                epoll_ctl(epoll, EPOLL_CTL_ADD, wanted.data.fd, &wanted);
            } else if (recv(file, request, sizeof request, 0) <= 0 ||
                       send(file, answer, sizeof answer - 1, MSG_NOSIGNAL) < 0) {
                close(file);
            }
        }
    }
}

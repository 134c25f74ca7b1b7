// The load generator of bench.overload: requests that are due at a rate, whatever becomes of those before,
// over keep-alive connections; with rate 0 each connection asks again as soon as it is answered. In C, so that
// it takes little of the core that it shares with PostgreSQL.
//
// flood PORT CONNECTIONS RATE SECONDS < requests, each ended by a line of "%%"
// prints: sent unsent cpu, then a line "status microseconds-since-due microseconds-since-sent" an answer
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { MOST_REQUESTS = 4096, HEAD = 16384, AFTER = 1000000 /* µs to wait for the last answers */ };

struct connection {
    int fd, status, busy;
    int64_t due, sent;
    long left;  // bytes of body to come; -1 while the head is read
    int got;    // bytes of the head so far
    char head[HEAD + 1];
};
struct answer { int status; int64_t due, sent; };

static char *requests[MOST_REQUESTS];
static size_t sizes[MOST_REQUESTS];
static int count, *idle, idling;
static struct connection *every;
static struct answer *answers;
static long answered, room, sent, unsent;
static double rate;
static int over;

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void read_requests(void) {
    static char buffer[8 << 20];
    size_t size = fread(buffer, 1, sizeof buffer - 1, stdin);
    buffer[size] = 0;
    for (char *at = buffer, *end; count < MOST_REQUESTS && (end = strstr(at, "%%\n")); at = end + 3) {
        requests[count] = at;
        sizes[count++] = end - at;
    }
    if (!count) exit(2);
}

static void give(struct connection *c, int64_t due) {
    static unsigned dice = 7;
    int which = rand_r(&dice) % count;
    c->due = due, c->sent = now(), c->busy = 1, c->left = -1, c->got = 0;
    sent++;
    if (write(c->fd, requests[which], sizes[which]) != (ssize_t)sizes[which]) fail("write");
}

static void note(struct connection *c, int64_t at) {
    if (answered == room) {
        room = room ? 2 * room : 1 << 16;
        if (!(answers = realloc(answers, room * sizeof *answers))) fail("realloc");
    }
    answers[answered++] = (struct answer){c->status, at - c->due, at - c->sent};
    c->busy = 0;
    if (rate == 0 && !over) give(c, at);
    else idle[idling++] = c - every;
}

// What has arrived on a connection. Answers are told by Content-Length, which all of them have.
static void receive(struct connection *c) {
    static char buffer[1 << 16];
    ssize_t size = read(c->fd, buffer, sizeof buffer);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) {
        close(c->fd);
        c->busy = 1;  // never used again
        return;
    }
    if (!c->busy) return;
    if (c->left < 0) {
        int part = size < HEAD - c->got ? size : HEAD - c->got;
        memcpy(c->head + c->got, buffer, part);
        c->got += part;
        c->head[c->got] = 0;
        char *end = strstr(c->head, "\r\n\r\n");
        if (!end) return;
        char *length = strcasestr(c->head, "\r\ncontent-length:");
        c->status = atoi(c->head + 9);
        c->left = (length && length < end ? atol(length + 17) : 0) - (c->got - part + size - (end + 4 - c->head));
    } else {
        c->left -= size;
    }
    if (c->left <= 0) note(c, now());
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    int connections = atoi(argv[2]), poll = epoll_create1(0);
    double seconds = atof(argv[4]);
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    rate = atof(argv[3]);
    read_requests();
    every = calloc(connections, sizeof *every);
    idle = calloc(connections, sizeof *idle);
    for (int i = 0; i < connections; i++) {
        int one = 1, fd = every[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&where, sizeof where)) fail("connect");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &every[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
        idle[idling++] = i;
    }
    int64_t began = now(), end = began + (int64_t)(seconds * 1e6);
    int64_t last = rate ? end + AFTER : end;
    double due = began;
    if (!rate) while (idling) give(&every[idle[--idling]], now());
    for (int64_t at; (at = now()) < last;) {
        over = at >= end;
        for (; rate && !over && due <= at; due += 1e6 / rate) {
            if (idling) give(&every[idle[--idling]], (int64_t)due);
            else unsent++;
        }
        struct epoll_event events[256];
        int found = epoll_wait(poll, events, 256, 1);
        for (int i = 0; i < found; i++) receive(events[i].data.ptr);
    }
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    printf("%ld %ld %.3f\n", sent, unsent, cpu);
    for (long i = 0; i < answered; i++)
        printf("%d %lld %lld\n", answers[i].status, (long long)answers[i].due, (long long)answers[i].sent);
    return 0;
}

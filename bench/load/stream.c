/* A buffered connection, and the event loop that all connections share. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 128, RECEIVE_ROOM = 16 << 10, INPUT_MOST = 256 << 20 };

static int poll_fd;

void loop_open(void)
{
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (poll_fd < 0)
        die("epoll_create1");
}

static void poll_for(int operation, int fd, uint32_t events, struct stream *s)
{
    struct epoll_event event = {.events = events, .data.ptr = s};
    if (epoll_ctl(poll_fd, operation, fd, &event))
        die("epoll_ctl");
}

void loop_listen(int fd)
{
    poll_for(EPOLL_CTL_ADD, fd, EPOLLIN, NULL);
}

void stream_open(struct stream *s, int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    s->fd = fd;
    s->ending = s->polls_output = s->encrypts_next = false;
    s->tls = NULL;
    s->in_length = s->out_length = s->sent = 0;
    poll_for(EPOLL_CTL_ADD, fd, EPOLLIN, s);
}

static void stream_close(struct stream *s)
{
    tls_end(s);
    close(s->fd);
    s->fd = -1;
    s->closed(s);
}

/* Queue octets. They leave with the next flush; whoever answers input need not ask for one. */
void stream_put(struct stream *s, const char *octets, size_t length)
{
    if (s->out_length + length > s->out_room) {
        s->out_room = 2 * (s->out_length + length);
        s->out = realloc(s->out, s->out_room);
        if (!s->out)
            die("realloc");
    }
    memcpy(s->out + s->out_length, octets, length);
    s->out_length += length;
}

void stream_say(struct stream *s, const char *format, ...)
{
    char text[600];
    va_list values;
    va_start(values, format);
    int length = vsnprintf(text, sizeof text, format, values);
    va_end(values);
    if (length < 0 || (size_t)length >= sizeof text)
        abort();
    stream_put(s, text, (size_t)length);
}

/* Send what the system takes now. Closes the stream when it broke, or when it is ending and all is out. */
void stream_flush(struct stream *s)
{
    while (s->sent < s->out_length) {
        const char *next = s->out + s->sent;
        size_t left = s->out_length - s->sent;
        ssize_t taken = s->tls ? tls_send(s, next, left) : send(s->fd, next, left, MSG_NOSIGNAL);
        if (taken < 0 && errno != EAGAIN) {
            stream_close(s);
            return;
        }
        if (taken < 0)
            break;
        s->sent += (size_t)taken;
    }
    bool unfinished = s->sent < s->out_length;
    if (!unfinished)
        s->sent = s->out_length = 0;
    if (s->ending && !unfinished) {
        stream_close(s);
        return;
    }
    if (s->encrypts_next && !unfinished) {
        s->encrypts_next = false;
        stream_encrypt(s, true);
    }
    bool polls = unfinished && !tls_waits_for_input(s);
    if (polls != s->polls_output) {
        s->polls_output = polls;
        poll_for(EPOLL_CTL_MOD, s->fd, polls ? EPOLLIN | EPOLLOUT : EPOLLIN, s);
    }
}

/* Return the next line after *eaten octets as a string without its end, and count it as eaten; NULL if none is whole. */
char *stream_line(struct stream *s, size_t *eaten)
{
    char *line = s->in + *eaten, *end = memchr(line, '\n', s->in_length - *eaten);
    if (!end)
        return NULL;
    *eaten += (size_t)(end + 1 - line);
    end[end > line && end[-1] == '\r' ? -1 : 0] = '\0';
    return line;
}

void stream_eat(struct stream *s, size_t length)
{
    memmove(s->in, s->in + length, s->in_length - length);
    s->in_length -= length;
}

/* Take what has come and pass it on; false at the end of the stream. */
static bool receive_once(struct stream *s)
{
    if (s->in_room - s->in_length < RECEIVE_ROOM / 2) {
        s->in_room = s->in_room ? 2 * s->in_room : RECEIVE_ROOM;
        s->in = s->in_room <= INPUT_MOST ? realloc(s->in, s->in_room) : NULL;
        if (!s->in)
            die("a peer sends more than memory holds");
    }
    char *room = s->in + s->in_length;
    size_t most = s->in_room - s->in_length;
    errno = 0;
    ssize_t got = s->tls ? tls_receive(s, room, most) : recv(s->fd, room, most, 0);
    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    s->in_length += (size_t)got;
    s->received(s);
    return true;
}

/* TLS may hold what came already, of which the system does not tell again. */
static bool receive(struct stream *s)
{
    bool lives = receive_once(s);
    while (lives && s->tls && errno != EAGAIN)
        lives = receive_once(s);
    return lives;
}

/* Wait for events at most so long, and handle those that are there. */
void loop_turn(int wait_ms)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(poll_fd, events, EVENTS, wait_ms);
    if (count < 0 && errno != EINTR)
        die("epoll_wait");
    for (int i = 0; i < count; i++) {
        struct stream *s = events[i].data.ptr;
        if (!s)
            sink_accept();
        else if ((events[i].events & ~(uint32_t)EPOLLOUT) && !receive(s))
            stream_close(s);
        else
            stream_flush(s);
    }
}

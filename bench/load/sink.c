/*
 * The sink: an SMTP server that takes all mail, checks it, and tells the ledger when it came. It offers what decides
 * about speed, and no CHUNKING, so that every MTA hands its mail over in the same way.
 */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1000 };

struct client {
    struct stream stream;      /* first, so that a stream of ours is a client */
    bool has_recipients, in_data;
    long number;               /* of the message that the recipients were made for; -1: of several, or none of ours */
    uint64_t recipients;
    size_t searched;           /* octets of input that hold no end of data */
};

static int listener;

static void reset(struct client *c)
{
    c->has_recipients = c->in_data = false;
    c->recipients = 0;
}

static void add_recipient(struct client *c, const char *line)
{
    long number, index;
    if (sscanf(line, "%*[^<]<m%ld-%ld@", &number, &index) != 2 || index < 0 || index >= opt.recipients)
        number = -1, index = 0;
    uint64_t bit = UINT64_C(1) << index;
    if (!c->has_recipients)
        c->number = number;
    else if (number != c->number || c->recipients & bit)
        c->number = -1;
    c->has_recipients = true;
    c->recipients |= bit;
    stream_say(&c->stream, "250 2.1.5 ok\r\n");
}

static void take(struct client *c, const char *content, size_t length, double at)
{
    long number;
    enum verdict verdict = message_check(content, length, &number);
    if (verdict == FOREIGN)
        ledger_stranger();
    else
        ledger_arrived(number, number == c->number ? c->recipients : 0, at, verdict == INTACT);
    reset(c);
    stream_say(&c->stream, "250 2.0.0 taken\r\n");
}

/* Look for the end of data after *eaten octets of input; false if it has not come. */
static bool read_content(struct client *c, size_t *eaten)
{
    static const char mark[] = "\r\n.\r\n";
    const size_t overlap = sizeof mark - 2;
    char *start = c->stream.in + *eaten;
    size_t have = c->stream.in_length - *eaten, from = c->searched > overlap ? c->searched - overlap : 0;
    char *end = memmem(start + from, have - from, mark, sizeof mark - 1);
    c->searched = have;
    if (!end)
        return false;
    double at = now_s();
    size_t length = (size_t)(end + 2 - start);
    *eaten += length + 3;
    take(c, start, message_unstuff(start, length), at);
    return true;
}

static bool is_command(const char *line, const char *verb)
{
    return strncasecmp(line, verb, strlen(verb)) == 0;
}

static void obey(struct client *c, const char *line)
{
    struct stream *s = &c->stream;
    if (is_command(line, "EHLO")) {
        stream_say(s, "250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n%s250 SIZE 67108864\r\n",
                   opt.sink_tls && !s->tls ? "250-STARTTLS\r\n" : "");
    } else if (is_command(line, "STARTTLS") && opt.sink_tls && !s->tls) {
        s->encrypts_next = true;
        stream_say(s, "220 2.0.0 go on\r\n");
    } else if (is_command(line, "RCPT")) {
        add_recipient(c, line);
    } else if (is_command(line, "DATA") && c->has_recipients) {
        c->in_data = true;
        c->searched = 0;
        stream_say(s, "354 go on\r\n");
    } else if (is_command(line, "MAIL") || is_command(line, "RSET") || is_command(line, "HELO")) {
        reset(c);
        stream_say(s, "250 2.0.0 ok\r\n");
    } else if (is_command(line, "NOOP")) {
        stream_say(s, "250 2.0.0 ok\r\n");
    } else if (is_command(line, "QUIT")) {
        s->ending = true;
        stream_say(s, "221 2.0.0 bye\r\n");
    } else {
        stream_say(s, "503 5.5.1 not now\r\n");
    }
}

static void received(struct stream *stream)
{
    struct client *c = (struct client *)stream;
    size_t eaten = 0;
    while (!stream->ending) {
        char *line;
        if (c->in_data && !read_content(c, &eaten))
            break;
        if (!(line = stream_line(stream, &eaten)))
            break;
        obey(c, line);
    }
    stream_eat(stream, eaten);
}

static void closed(struct stream *stream)
{
    free(stream->in);
    free(stream->out);
    free(stream);  /* the client, whose first member it is */
}

void sink_accept(void)
{
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    for (int fd; (fd = accept4(listener, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        if (ntohl(from.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET) {
            close(fd);
            continue;
        }
        struct client *c = calloc(1, sizeof *c);
        if (!c)
            die("calloc");
        c->stream.received = received;
        c->stream.closed = closed;
        ledger_sink_connection();
        stream_open(&c->stream, fd);
        stream_say(&c->stream, "220 sink.test ESMTP\r\n");
        stream_flush(&c->stream);
    }
}

void sink_listen(void)
{
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opt.sink)};
    /* Several domains have a next hop each, at any address of the loopback network. */
    address.sin_addr.s_addr = htonl(opt.domains > 1 ? INADDR_ANY : INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on)
        || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, BACKLOG))
        die("listening for the sink");
    loop_listen(listener);
}
